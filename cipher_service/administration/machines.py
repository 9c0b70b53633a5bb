"""`cipher-service pouch machine`: the key with which the counter's machine calls the API."""

import json
from argparse import Namespace
from pathlib import Path

from cipher_service.administration.pouches import at_desk, tell
from cipher_service.client.failures import Misused
from cipher_service.client.terminal import Terminal
from cipher_service.directory.enrolment import ApiKey
from cipher_service.identity.tokens import TokenRefused, read_jwk
from cipher_service.pouches import planning
from keys import canonical


def connect(arguments: Namespace, terminal: Terminal) -> None:
    """Let the machine call whose public key a file holds; without one, let none call any more.

    Raises:
        Misused: JWK_UNREADABLE.
    """
    key = None if arguments.jwk is None else read_key(arguments.jwk)
    with at_desk(arguments, terminal) as (_, office):
        planning.connect_machine(office, key, by=arguments.by)
    if key is None:
        tell(terminal, "pouch_no_machine", {"client": None})
    else:
        tell(terminal, "pouch_machine", {"client": key.thumbprint}, client=key.thumbprint)


def read_key(path: str) -> ApiKey:
    """Read the public key of a machine. Raises Misused JWK_UNREADABLE."""
    try:
        key = read_jwk(json.loads(Path(path).read_text("utf-8")))
    except (OSError, ValueError, TokenRefused) as error:
        raise Misused("JWK_UNREADABLE", path=path) from error
    return ApiKey(key.thumbprint, canonical.encode(key.jwk()).decode("ascii"))
