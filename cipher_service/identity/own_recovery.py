"""The recovery copy of an officer's own key: shares that only their holders open.

    recovery = {"threshold": m, "shares": [{"holder", "card", "sealed"}, ...]}

The officer's page splits the key and enciphers each share to the card of its holder
(`keys.custody.shares` says what a share is). The service holds ciphertext: `holder` is the card's
post, `card` its fingerprint, `sealed` the age file in base64. It cannot see whether a share is
right; it demands that there are enough, of distinct holders, each for one recipient alone. Holders
hand their shares over to a security key of the officer (`cipher-service custody hand-over`), and
the page puts them together.
"""

import io
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Self

from cipher_service.errors import ServiceError
from keys import canonical
from keys.age.header import Header
from keys.age.hybrid import HYBRID_TYPE
from keys.custody.shares import HOLDERS_MAX, THRESHOLD_LEAST
from keys.errors import KeysError
from keys.records import CODE, FINGERPRINT

HOLDERS_LEAST: Final = 3
_MEMBERS: Final = frozenset({"holder", "card", "sealed"})
_SEALED_MOST: Final = 4096


@dataclass(frozen=True, slots=True)
class Recovery:
    """Shares as the service holds them.

    Attributes:
        threshold: how many holders give the key back.
        shares: `{"holder", "card", "sealed"}` of each.
        digest: hexadecimal SHA-256 of the text, which the officers sign.
    """

    threshold: int
    shares: tuple[dict[str, str], ...]
    digest: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a page made. Raises ServiceError OWN_KEY_UNSHARED."""
        try:
            told = canonical.decode(text.encode())
            threshold, shares = told["threshold"], tuple(told["shares"])
            fits = set(told) == {"threshold", "shares"} and _fits(threshold, shares)
        except (KeysError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ServiceError("OWN_KEY_UNSHARED") from error
        if not fits:
            raise ServiceError("OWN_KEY_UNSHARED")
        return cls(threshold, shares, sha256(text.encode()).hexdigest())

    @property
    def holders(self) -> list[str]:
        """Each holder's name with the fingerprint of their card."""
        return [f"{share['holder']} {share['card']}" for share in self.shares]


def _fits(threshold: Any, shares: tuple[Any, ...]) -> bool:
    return (
        type(threshold) is int
        and max(HOLDERS_LEAST, threshold) <= len(shares) <= HOLDERS_MAX
        and threshold >= THRESHOLD_LEAST
        and all(map(_sealed, shares))
        and all(len({share[name] for share in shares}) == len(shares) for name in _MEMBERS)
    )


def _sealed(share: Any) -> bool:
    """Say whether this is a share for one holder alone, as far as its outside shows."""
    if set(share) != _MEMBERS or not _matching(share["holder"], CODE):
        return False
    if not _matching(share["card"], FINGERPRINT):
        return False
    file = canonical.bytes_from_text(share["sealed"])
    if len(file) > _SEALED_MOST:
        return False
    return [one.type for one in Header.parse(io.BytesIO(file)).stanzas] == [HYBRID_TYPE]


def _matching(text: Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None
