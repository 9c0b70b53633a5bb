"""What the proxy in front says of a caller: the certificate that it saw, proved by a shared secret.

The service listens on loopback, where any process of the machine can write any header. A request
that bears either of the two headers below without the proxy's secret is refused, whoever sends it;
the proxy for its part overwrites both (`deploy/nginx/cipher-service.conf`).
"""

import hmac
from typing import Final

from starlette.requests import Request
from starlette.types import Scope

from cipher_service.errors import ServiceError
from cipher_service.settings import Settings

PROXY: Final = b"cipher-proxy"
CERTIFICATE: Final = b"cipher-client-certificate"
_SHOWN: Final = "cipher_service.certificate"


class Forwarding:
    """Judges what a proxy hands on.

    Args:
        secret: shared with the proxy; empty where none was made, and then nobody is believed.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def take(self, scope: Scope) -> None:
        """Take over what stands in a request that bears one of the headers, each at most once.

        Raises:
            ServiceError: PROXY_UNPROVED.
        """
        headers = dict(scope["headers"])
        proved = hmac.compare_digest(headers.get(PROXY, b""), self._secret)
        if not self._secret or not proved:
            raise ServiceError("PROXY_UNPROVED")
        if CERTIFICATE in headers:
            scope[_SHOWN] = str(headers[CERTIFICATE], "latin-1")


def forwarding_of(settings: Settings) -> Forwarding:
    """Return what an installation believes of its proxy, as its data folder says at the start."""
    try:
        return Forwarding(settings.proxy_secret.read_bytes().strip())
    except FileNotFoundError:
        return Forwarding(b"")


def shown_certificate(request: Request) -> str | None:
    """Return the certificate that the caller showed in TLS, as the proxy wrote it."""
    shown: str | None = request.scope.get(_SHOWN)
    return shown
