"""Which post or door signed an assertion (RFC 7523bis), found by the key that it names."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from cipher_service.directory.register import Client
from cipher_service.errors import ServiceError
from cipher_service.identity.gatekeeper import clock_or
from cipher_service.identity.tokens import (
    Assertion,
    TokenRefused,
    key_id,
    read_assertion,
    read_jwk,
)
from keys.jws import ApiKey

_NOBODYS: Final = json.dumps(ApiKey.generate().public_jwk())


def recognise_client(
    written: str, clients: Mapping[str, Client], *, issuer: str, now: datetime
) -> tuple[str, Assertion]:
    """Verify an assertion with the enrolled key that it names, which must be its subject's.

    An unknown key fails like any other wrong key, after as long a look at the signature.

    Args:
        written: the compact form.
        clients: API keys by thumbprint.
        issuer: the only accepted audience.
        now: the present instant.

    Returns:
        The key's thumbprint, and the assertion, whose `jti` is still to be claimed.

    Raises:
        ServiceError: ASSERTION_REFUSED, CLOCK_SKEWED.
    """
    try:
        kid = key_id(written, "client-authentication+jwt")
        client = clients.get(kid)
        key = read_jwk(json.loads(_NOBODYS if client is None else client.jwk))
        assertion = read_assertion(written, {kid: key}, issuer=issuer, now=now)
    except TokenRefused as error:
        raise clock_or(error, "ASSERTION_REFUSED", now) from error
    if client is None or assertion.post != client.subject:
        raise ServiceError("ASSERTION_REFUSED")
    return kid, assertion
