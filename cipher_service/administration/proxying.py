"""What the TLS proxy before the API needs: the authority of posts' certificates, and a secret."""

import os
import secrets
from argparse import Namespace
from pathlib import Path
from typing import Final

from cipher_service.administration.installation import client_authorities, journal_of, opened
from cipher_service.administration.words import Speaker
from cipher_service.client.durable import write_durably
from cipher_service.client.terminal import Terminal

_AUTHORITY: Final = "posts.pem"
_SECRET: Final = "proxy-secret.conf"  # noqa: S105  the name of a file


def proxy(arguments: Namespace, terminal: Terminal) -> None:
    """Write what `deploy/nginx` includes; the secret of before serves until the next start.

    Once another authority is in force, its certificate alone is written: the proxy takes it up
    without a stop, and the service needs no start.
    """
    folder, speaker = Path(arguments.out), Speaker(terminal)
    with opened(arguments) as installation:
        authorities = client_authorities(installation)
        folder.mkdir(mode=0o700, exist_ok=True)
        if arguments.authorities:
            with journal_of(installation).effect("post_proxy"):
                write_durably(folder / _AUTHORITY, authorities)
            speaker.show("proxy_authorities", path=os.fspath(folder), authority=_AUTHORITY)
            return
        secret = secrets.token_urlsafe(32)
        with journal_of(installation).effect("post_proxy"):
            write_durably(folder / _AUTHORITY, authorities)
            line = f'proxy_set_header Cipher-Proxy "{secret}";\n'
            write_durably(folder / _SECRET, line.encode("ascii"))
            write_durably(installation.settings.proxy_secret, secret.encode("ascii"))
    speaker.show("proxy_written", path=os.fspath(folder), authority=_AUTHORITY, secret=_SECRET)
