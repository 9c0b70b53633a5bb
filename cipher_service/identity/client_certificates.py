"""What a post shows in TLS, as its ministry's proxy hands it on (RFC 8705).

A certificate is verified once by one process and remembered by its text; whether it is in force is
asked each time, and whether its key and its post are, by the registrar as for every caller.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final
from urllib.parse import unquote

from cipher_service.errors import ServiceError
from keys.certificates import ClientCertificate, from_pem, read_client_certificate
from keys.errors import Refusal

_REMEMBERED: Final = 4096


class ClientCertificates:
    """Reads posts' certificates in one API process.

    Args:
        ask_authority: gives the certificate of the posts' authority, DER, from the custodian.
    """

    def __init__(self, ask_authority: Callable[[], Awaitable[bytes]]) -> None:
        self._ask_authority = ask_authority
        self._authority = b""
        self._remembered: dict[str, ClientCertificate] = {}

    async def read(self, written: str, now: datetime) -> ClientCertificate:
        """Read a certificate.

        Args:
            written: its PEM, percent-encoded, as nginx writes `$ssl_client_escaped_cert`.
            now: the present instant.

        Raises:
            ServiceError: CERTIFICATE_REFUSED.
        """
        try:
            found = self._remembered.get(written) or await self._verified(written)
            found.require_in_force(now)
        except Refusal as error:
            raise ServiceError("CERTIFICATE_REFUSED") from error
        return found

    async def _verified(self, written: str) -> ClientCertificate:
        if not self._authority:
            self._authority = await self._ask_authority()
        found = read_client_certificate(from_pem(unquote(written)), self._authority)
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[written] = found
        return found
