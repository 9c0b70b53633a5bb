"""The certificate of the day's token key: which ES256 key may sign access tokens, and until when.

The registrar makes a fresh P-256 key each day and has its public half certified by the custodian's
certifying key; whoever accepts tokens takes the key from such a certificate and from nowhere else.
A stolen token key is therefore worth at most the rest of its period.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from keys import canonical
from keys.errors import Refusal
from keys.jws import jwk_thumbprint, point_jwk, read_point
from keys.signing import TOKEN_KEY
from keys.statements import decode_signed, encode_signed, encode_statement, parse_statement

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from keys.records import Record
    from keys.signing import Signatures, VerifyingKey

PERIOD_MAX: Final = timedelta(hours=48)

_ISSUER: Final = re.compile(r"https?://[!-~]{1,200}")


class TokenKeyMalformed(Refusal):
    """A token key's statement or certificate is not canonical JSON of the one shape."""

    code: ClassVar[str] = "TOKEN_KEY_MALFORMED"


class TokenKeyNotInForce(Refusal):
    """A token key's certificate is used outside its period, or by another issuer."""

    code: ClassVar[str] = "TOKEN_KEY_NOT_IN_FORCE"


@dataclass(frozen=True, slots=True)
class TokenKey:
    """What the certifying key states about a day's token key.

    Attributes:
        issuer: URL of the service, the `iss` of its tokens.
        x: first coordinate of the P-256 key, base64url without padding, 43 characters.
        y: second coordinate, likewise.
        valid_from: UTC, whole seconds, included.
        valid_until: UTC, whole seconds, excluded; at most 48 hours later, so that consecutive days
            overlap.
    """

    issuer: str
    x: str
    y: str
    valid_from: datetime
    valid_until: datetime

    @property
    def jwk(self) -> dict[str, str]:
        """The public key as a JWK of exactly kty, crv, x and y."""
        return point_jwk(self.x, self.y)

    @property
    def kid(self) -> str:
        """The key's RFC 7638 thumbprint, the `kid` of its tokens."""
        return jwk_thumbprint(self.jwk)

    def encode(self) -> bytes:
        """Gives the canonical bytes that are signed in context `depeche/v1 token-key`.

        Raises:
            TokenKeyMalformed: a field is not as it must be.
        """
        return encode_statement(self, _object_of, _read, TokenKeyMalformed)

    @classmethod
    def parse(cls, data: bytes) -> TokenKey:
        """Reads what `encode` gives; TokenKeyMalformed for anything else."""
        return parse_statement(data, _read, TokenKeyMalformed)

    def require_in_force(self, issuer: str, time: datetime) -> None:
        """Demands that `issuer` may use the key at `time`.

        Raises:
            TokenKeyNotInForce: another issuer, or outside the period.
        """
        if self.issuer != issuer or not self.valid_from <= time < self.valid_until:
            raise TokenKeyNotInForce(
                f"the token key of {self.issuer} is not in force for {issuer} at "
                f"{canonical.text_from_time(time)}"
            )


def certify_token_key(token_key: TokenKey, sign: Callable[[bytes], Signatures]) -> bytes:
    """Makes a certificate.

    Args:
        token_key: what to state.
        sign: both signatures in context `depeche/v1 token-key`; a custodian's `certify_token_key`
            fits.

    Raises:
        TokenKeyMalformed: a field is not as it must be.
    """
    statement = token_key.encode()
    return encode_signed(statement, sign(statement))


def read_token_key(data: bytes, certifying_key: VerifyingKey) -> TokenKey:
    """Reads a certificate and checks both its signatures; its period is for `require_in_force`.

    Raises:
        TokenKeyMalformed: not canonical JSON of the one shape.
        SignatureInvalid: either signature does not hold.
    """
    statement, signatures = decode_signed(data, "token-key certificate", TokenKeyMalformed)
    token_key = TokenKey.parse(statement)
    certifying_key.verify(TOKEN_KEY, statement, signatures)
    return token_key


def _object_of(token_key: TokenKey) -> dict[str, Any]:
    return {
        "v": 1,
        "type": TOKEN_KEY,
        "issuer": token_key.issuer,
        "jwk": token_key.jwk,
        "valid_from": canonical.text_from_time(token_key.valid_from),
        "valid_until": canonical.text_from_time(token_key.valid_until),
    }


def _read(record: Record) -> TokenKey:
    record.constant("v", 1)
    record.constant("type", TOKEN_KEY)
    x, y = read_point(record.record("jwk"))
    token_key = TokenKey(
        issuer=record.text("issuer", _ISSUER),
        x=x,
        y=y,
        valid_from=record.time("valid_from"),
        valid_until=record.time("valid_until"),
    )
    record.close()
    if not timedelta(0) < token_key.valid_until - token_key.valid_from <= PERIOD_MAX:
        raise ValueError(f"a token key is in force for at most {PERIOD_MAX}")
    return token_key
