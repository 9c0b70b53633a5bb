"""What the TLS proxy before the API needs: the authority of posts' certificates, and a secret."""

import os
import secrets
from argparse import Namespace
from pathlib import Path
from typing import Final

from cipher_service.administration.installation import client_authority, journal_of, opened
from cipher_service.administration.words import Speaker
from cipher_service.client.durable import write_durably
from cipher_service.client.terminal import Terminal
from keys.certificates import pem

_AUTHORITY: Final = "posts.pem"
_SECRET: Final = "proxy-secret.conf"  # noqa: S105  the name of a file


def proxy(arguments: Namespace, terminal: Terminal) -> None:
    """Write what `deploy/nginx` includes; the secret of before serves until the next start."""
    folder = Path(arguments.out)
    with opened(arguments) as installation:
        authority = pem(client_authority(installation))
        folder.mkdir(mode=0o700, exist_ok=True)
        secret = secrets.token_urlsafe(32)
        with journal_of(installation).effect("post_proxy"):
            write_durably(folder / _AUTHORITY, authority.encode("ascii"))
            line = f'proxy_set_header Cipher-Proxy "{secret}";\n'
            write_durably(folder / _SECRET, line.encode("ascii"))
            write_durably(installation.settings.proxy_secret, secret.encode("ascii"))
    speaker = Speaker(terminal)
    speaker.show("proxy_written", path=os.fspath(folder), authority=_AUTHORITY, secret=_SECRET)
