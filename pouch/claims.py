"""What a seal claims, and its one CBOR encoding: the payload of the COSE_Sign1 message.

A CWT (RFC 8392) in little room: issuer 1, expiry 4, issue 6, identifier 7, and everything of the
bag in one array under the private claim -65537. Class and mode are numbers by their order in
`pouch.manifest`. What the bag holds is not here: only a salted digest, a count and a weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from keys.cose import KID_BYTES, decode_cbor, encode_cbor
from keys.records import POST
from pouch.locator import BAG_DIGITS
from pouch.manifest import (
    ITEMS_MAX,
    PACKAGES_MAX,
    SEAL_NUMBER,
    SEALS_MAX,
    VALIDITY_MAX,
    WEIGHT_MAX_G,
    BagClass,
    Mode,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION: Final = 1
DIGEST_BYTES: Final = 32
SEAL_BYTES: Final = 16

_ISSUER: Final = 1
_EXPIRES: Final = 4
_ISSUED: Final = 6
_IDENTIFIER: Final = 7
_BAG: Final = -65537
_BAG_BYTES: Final = 10
_CLASSES: Final = tuple(BagClass)
_MODES: Final = tuple(Mode)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_MAX: Final = 253_402_300_799  # the year 9999


@dataclass(frozen=True, slots=True)
class Claims:
    """What a seal says.

    Attributes:
        issuer: code of the post that sealed, which is the bag's origin.
        issued: when the bag was closed, UTC, whole seconds.
        expires: from then on the seal is void; at most 45 days after `issued`.
        seal: identifier of this closing, 32 hexadecimal digits.
        bag: the bag's own 22 digits.
        ordinal: this is bag n ...
        packages: ... of N.
        destination: code of the post that receives.
        seals: numbers of the physical seals, 1 to 8.
        bag_class: what the bag may hold.
        mode: how it travels.
        items: number of lines of the bordereau.
        weight_g: of the closed bag, in grams.
        digest: of the bordereau, salted, 32 bytes.
        witness: first 8 bytes of the fingerprint of the second person's card; None for a bag that
            one person closed alone.
    """

    issuer: str
    issued: datetime
    expires: datetime
    seal: str
    bag: str
    ordinal: int
    packages: int
    destination: str
    seals: tuple[str, ...]
    bag_class: BagClass
    mode: Mode
    items: int
    weight_g: int
    digest: bytes
    witness: bytes | None

    def encode(self) -> bytes:
        """Gives the one encoding."""
        return encode_cbor(
            {
                _ISSUER: self.issuer,
                _EXPIRES: _seconds(self.expires),
                _ISSUED: _seconds(self.issued),
                _IDENTIFIER: bytes.fromhex(self.seal),
                _BAG: [
                    VERSION,
                    int(self.bag).to_bytes(_BAG_BYTES),
                    self.ordinal,
                    self.packages,
                    self.destination,
                    list(self.seals),
                    _CLASSES.index(self.bag_class),
                    _MODES.index(self.mode),
                    self.items,
                    self.weight_g,
                    self.digest,
                    self.witness,
                ],
            }
        )


def read_claims(data: bytes) -> Claims:
    """Reads what `Claims.encode` gives.

    Raises:
        ValueError: anything else.
    """
    value = decode_cbor(data)
    if not isinstance(value, dict):
        raise ValueError("claims are a map")
    try:
        claims = _take(value)
    except (KeyError, TypeError) as error:
        raise ValueError("claims are not of the one shape") from error
    # Encoding again refuses the rest: members too many, and what Python takes for equal.
    if claims.encode() != data:
        raise ValueError("claims are not of the one form")
    return claims


def _take(value: Mapping[int, object]) -> Claims:
    version, bag, ordinal, packages, to, seals, bag_class, mode, items, weight, digest, witness = (
        _listed(value[_BAG])
    )
    if version != VERSION:
        raise ValueError("a seal of another version")
    number = int.from_bytes(_octets(bag, _BAG_BYTES))
    if number >= 10**BAG_DIGITS:
        raise ValueError("a bag's number has 22 digits")
    issued, expires = (_time(value[label]) for label in (_ISSUED, _EXPIRES))
    if not timedelta() < expires - issued <= VALIDITY_MAX:
        raise ValueError("a seal ends within 45 days after it was made")
    packages_count = _count(packages, PACKAGES_MAX)
    return Claims(
        issuer=_post(value[_ISSUER]),
        issued=issued,
        expires=expires,
        seal=_octets(value[_IDENTIFIER], SEAL_BYTES).hex(),
        bag=f"{number:0{BAG_DIGITS}d}",
        ordinal=_count(ordinal, packages_count),
        packages=packages_count,
        destination=_post(to),
        seals=_seal_numbers(seals),
        bag_class=_CLASSES[_count(bag_class, len(_CLASSES) - 1, least=0)],
        mode=_MODES[_count(mode, len(_MODES) - 1, least=0)],
        items=_count(items, ITEMS_MAX),
        weight_g=_count(weight, WEIGHT_MAX_G),
        digest=_octets(digest, DIGEST_BYTES),
        witness=None if witness is None else _octets(witness, KID_BYTES),
    )


def _seconds(time: datetime) -> int:
    return int((time - _EPOCH).total_seconds())


def _time(value: object) -> datetime:
    return _EPOCH + timedelta(seconds=_count(value, _SECONDS_MAX))


def _listed(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("not an array")
    return value


def _post(value: object) -> str:
    if not isinstance(value, str) or not POST.fullmatch(value):
        raise ValueError("not the code of a post")
    return value


def _seal_numbers(value: object) -> tuple[str, ...]:
    numbers = tuple(each for each in _listed(value) if isinstance(each, str))
    if not 1 <= len(numbers) <= SEALS_MAX or len(set(numbers)) != len(numbers):
        raise ValueError("a bag has 1 to 8 seals, each once")
    if not all(map(SEAL_NUMBER.fullmatch, numbers)):
        raise ValueError("not the number of a seal")
    return numbers


def _count(value: object, most: int, *, least: int = 1) -> int:
    if not isinstance(value, int) or not least <= value <= most:
        raise ValueError("a number is out of range")
    # CBOR's true would come back from the claims as true again.
    return int(value)


def _octets(value: object, length: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != length:
        raise ValueError(f"not {length} bytes")
    return value
