"""Recognises the caller of a request from its headers, inside one API process.

What is verified once is remembered: an access token until it expires (about 2 microseconds the
next time), a public key as long as it is used. The proof is new on each request and is verified
each time. What changes from one moment to the next (is the post in service, is its key in force,
was this proof used before) is not decided here and never cached: the registrar decides it in its
transaction, with the claims that a `Caller` carries.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.identity import dpop
from cipher_service.identity.client_certificates import ClientCertificates
from cipher_service.identity.remembered import Remembered
from cipher_service.identity.tokens import (
    BY_CERTIFICATE,
    AccessToken,
    Proof,
    PublicKey,
    TokenRefused,
    key_id,
    read_access_token,
    read_proof,
)
from cipher_service.storage.replay import claim_of

_PROVED: Final = "DPoP "
_BEARER: Final = "Bearer "  # RFC 8705 §3: bound to what TLS showed
CERTIFYING: Final = "/v1/certificates"
_BETWEEN_QUESTIONS: Final = timedelta(seconds=1)

TokenKeys = Mapping[str, PublicKey]


@dataclass(frozen=True, slots=True)
class Caller:
    """A recognised post, whose proof, if it gave one, is still to be claimed by the registrar.

    Attributes:
        post: the post's code.
        client: thumbprint of the API key it authenticated with.
        until: when its token ends, in seconds since 1970.
        claims: what the registrar must use up with the act (`storage.replay`).
    """

    post: str
    client: str
    until: int
    claims: tuple[tuple[bytes, int], ...]


class Gatekeeper:
    """Recognises callers.

    Args:
        issuer: the issuer's URL; proofs name addresses below it.
        ask_keys: gives the token keys of the day by thumbprint, certified by the custodian.
        certificates: reads what posts show in TLS.
        certificates_demanded: a token that is bound by a proof serves to fetch a certificate alone.
    """

    def __init__(
        self,
        issuer: str,
        ask_keys: Callable[[], Awaitable[TokenKeys]],
        certificates: ClientCertificates,
        *,
        certificates_demanded: bool = False,
    ) -> None:
        self._issuer = issuer
        self._ask_keys = ask_keys
        self._certificates = certificates
        self._demanded = certificates_demanded
        self._keys: TokenKeys = {}
        self._asking = asyncio.Lock()
        self._asked: datetime | None = None
        self._remembered: Remembered[AccessToken] = Remembered()

    async def recognise(
        self,
        authorization: str | None,
        proof: str | None,
        certificate: str | None = None,
        *,
        method: str,
        path: str,
    ) -> Caller:
        """Recognise the caller of one request.

        Args:
            authorization: the `Authorization` header.
            proof: the `DPoP` header.
            certificate: what the caller showed in TLS (`ClientCertificates.read`), None without.
            method: of the request.
            path: of the request, without query.

        Raises:
            ServiceError: TOKEN_MISSING, TOKEN_REFUSED, PROOF_REFUSED, CLOCK_SKEWED,
                CERTIFICATE_REFUSED, CERTIFICATE_NEEDED.
        """
        now, given = clock.now(), authorization or ""
        if proof is None and certificate is not None and given.startswith(_BEARER):
            access = await self._known(given.removeprefix(_BEARER), now)
            shown = await self._certificates.read(certificate, now)
            if (access.bound_by, access.bound_to) != (BY_CERTIFICATE, shown.digest):
                raise ServiceError("CERTIFICATE_REFUSED")
            return Caller(access.post, access.client, access.expires, ())
        if proof is None or not given.startswith(_PROVED):
            raise ServiceError("TOKEN_MISSING")
        access = await self._known(given.removeprefix(_PROVED), now)
        read = read_any_proof(proof, now)
        try:
            dpop.check_bound(read, access, method=method, url=self._issuer + path)
        except TokenRefused as error:
            raise ServiceError("PROOF_REFUSED") from error
        if self._demanded and path != CERTIFYING:
            raise ServiceError("CERTIFICATE_NEEDED", post=access.post)
        return Caller(access.post, access.client, access.expires, (claim_of_proof(read),))

    async def _known(self, token: str, now: datetime) -> AccessToken:
        return self._remembered.get(token, now.timestamp()) or await self._read(token, now)

    async def _read(self, token: str, now: datetime) -> AccessToken:
        try:
            await self._know(key_id(token, "at+jwt"))
            access = read_access_token(token, self._keys, issuer=self._issuer, now=now)
        except TokenRefused as error:
            raise ServiceError("TOKEN_REFUSED") from error
        self._remembered.keep(token, access, access.expires, now.timestamp())
        return access

    async def _know(self, kid: str) -> None:
        """Ask for the keys of the day when a token names another one.

        Whoever comes meanwhile waits for that answer; a name that no key bears is asked for at most
        once a second, whoever sends it.
        """
        if kid in self._keys:
            return
        async with self._asking:
            now = clock.now()
            lately = self._asked is not None and now - self._asked < _BETWEEN_QUESTIONS
            if kid in self._keys or lately:
                return
            self._keys = await self._ask_keys()
            self._asked = now


def read_any_proof(proof: str, now: datetime) -> Proof:
    """Read a proof, naming a wrong clock apart so that a post can correct its own.

    Raises:
        ServiceError: PROOF_REFUSED, CLOCK_SKEWED.
    """
    try:
        return read_proof(proof, now=now)
    except TokenRefused as error:
        raise clock_or(error, "PROOF_REFUSED", now) from error


def clock_or(error: TokenRefused, code: str, now: datetime) -> ServiceError:
    """Name a refused token: CLOCK_SKEWED with the server's time, or `code`."""
    if error.reason == "clock":
        return ServiceError("CLOCK_SKEWED", server_time=clock.text(now))
    return ServiceError(code)


def claim_of_proof(proof: Proof) -> tuple[bytes, int]:
    """Return what the registrar uses up: the `jti` within its key's own space."""
    return claim_of(proof.jkt, proof.jti), proof.expires
