"""The token key of the day: made, certified and used in the registrar; trusted by certificate.

The private half never leaves the registrar's memory. It is replaced every 24 hours, on every start
and when the custodian certifies by another key; its certificate runs a little longer than its use,
so that the last token lives its life. A lost key costs each post one more token request and nothing
else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from cipher_service.identity.tokens import (
    ACCESS_LIFETIME,
    LEEWAY,
    PublicKey,
    issue_access_token,
    read_jwk,
)
from keys.jws import ApiKey
from keys.signing import Signatures, VerifyingKey
from keys.statements import key_fingerprint
from keys.token_keys import TokenKey, certify_token_key, read_token_key

USE: Final = timedelta(hours=24)
_OVERLAP: Final = timedelta(seconds=ACCESS_LIFETIME + 2 * LEEWAY)


class Certifier(Protocol):
    """What a `keys.custody.Custodian` does for token keys."""

    def certifying_key(self) -> VerifyingKey:
        """The key that verifies their certificates."""
        ...

    def certify_token_key(self, statement: bytes) -> Signatures:
        """Signs the statement of one."""
        ...


@dataclass(frozen=True, slots=True)
class _Key:
    private: ApiKey
    certificate: bytes
    used_until: datetime
    certified_by: str


class TokenKeys:
    """The registrar's token keys.

    Args:
        issuer: the issuer's URL.
        custodian: certifies them.
    """

    def __init__(self, issuer: str, custodian: Certifier) -> None:
        self._issuer = issuer
        self._custodian = custodian
        self._current: _Key | None = None
        self._former: _Key | None = None

    def issue(
        self, *, post: str, client: str, confirmation: Mapping[str, str], now: datetime
    ) -> str:
        """Sign an access token; see `tokens.issue_access_token`."""
        key = self._for(now)
        return issue_access_token(
            key.private,
            issuer=self._issuer,
            post=post,
            client=client,
            confirmation=confirmation,
            now=now,
        )

    def certificates(self, now: datetime) -> list[bytes]:
        """Return the certificates in force, the current key's first."""
        current = self._for(now)
        former = [] if self._former is None else [self._former]
        return [key.certificate for key in (current, *former) if now < key.used_until + _OVERLAP]

    def _for(self, now: datetime) -> _Key:
        current, by = self._current, key_fingerprint(self._custodian.certifying_key())
        if current is not None and current.certified_by != by:
            # The certifying key was rotated: nobody believes what the former one certified.
            current = self._current = None
        if current is None or now >= current.used_until:
            self._former = current
            current = self._current = self._make(now, by)
        return current

    def _make(self, now: datetime, by: str) -> _Key:
        private = ApiKey.generate()
        start = now.replace(microsecond=0)
        jwk = private.public_jwk()
        certificate = certify_token_key(
            TokenKey(
                issuer=self._issuer,
                x=jwk["x"],
                y=jwk["y"],
                # Other machines' clocks may be a little behind this one.
                valid_from=start - timedelta(seconds=LEEWAY),
                valid_until=start + USE + _OVERLAP,
            ),
            self._custodian.certify_token_key,
        )
        return _Key(private, certificate, start + USE, by)


def trusted(
    certificates: Iterable[bytes], certifying_key: VerifyingKey, *, issuer: str, now: datetime
) -> dict[str, PublicKey]:
    """Return the token keys that certificates vouch for, by thumbprint.

    Raises:
        keys.errors.Refusal: a certificate is malformed, not signed by `certifying_key`, of
            another issuer, or not in force.
    """
    found: dict[str, PublicKey] = {}
    for certificate in certificates:
        token_key = read_token_key(certificate, certifying_key)
        token_key.require_in_force(issuer, now)
        key = read_jwk(token_key.jwk)
        found[key.thumbprint] = key
    return found
