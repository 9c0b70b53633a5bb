"""What a post shows in TLS, as its ministry's proxy hands it on (RFC 8705).

A certificate is verified once by one process and remembered by its text; whether it is in force is
asked each time, and whether its key and its post are, by the registrar as for every caller.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from urllib.parse import unquote

from cipher_service.errors import ServiceError
from cipher_service.identity.remembered import Remembered
from keys.certificates import (
    ClientCertificate,
    ClientCertificateInvalid,
    authorities_of,
    from_pem,
    read_client_certificate,
)
from keys.errors import Refusal


class ClientCertificates:
    """Reads posts' certificates in one API process.

    Args:
        ask_authorities: gives the posts' authorities as `Custodian.client_authorities` does.
    """

    def __init__(self, ask_authorities: Callable[[], Awaitable[bytes]]) -> None:
        self._ask_authorities = ask_authorities
        self._authorities: tuple[bytes, ...] = ()
        self._remembered: Remembered[ClientCertificate] = Remembered()

    async def read(self, written: str, now: datetime) -> ClientCertificate:
        """Read a certificate.

        Args:
            written: its PEM, percent-encoded, as nginx writes `$ssl_client_escaped_cert`.
            now: the present instant.

        Raises:
            ServiceError: CERTIFICATE_REFUSED.
        """
        try:
            known = self._remembered.get(written, now.timestamp())
            found = known or await self._verified(written, now)
            found.require_in_force(now)
        except Refusal as error:
            raise ServiceError("CERTIFICATE_REFUSED") from error
        return found

    async def _verified(self, written: str, now: datetime) -> ClientCertificate:
        certificate = from_pem(unquote(written))
        found = self._by_one_of_them(certificate)
        if found is None:
            # Another authority may be in force since. The proxy lets nothing pass that none made.
            self._authorities = authorities_of(await self._ask_authorities())
            found = self._by_one_of_them(certificate)
        if found is None:
            raise ServiceError("CERTIFICATE_REFUSED")
        self._remembered.keep(written, found, found.valid_until.timestamp(), now.timestamp())
        return found

    def _by_one_of_them(self, certificate: bytes) -> ClientCertificate | None:
        for authority in self._authorities:
            with suppress(ClientCertificateInvalid):
                return read_client_certificate(certificate, authority)
        return None
