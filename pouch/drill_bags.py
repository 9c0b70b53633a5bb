"""A bag of an exercise as its seed draws it: its manifest, and what there is to see of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import shake_256
from typing import TYPE_CHECKING, Final

from keys import canonical
from keys.records import EXERCISE
from keys.signing import SEED_BYTES
from pouch.defects import Defect
from pouch.manifest import (
    SALT_BYTES,
    BagClass,
    Carrier,
    Certifier,
    Item,
    ItemKind,
    Manifest,
    Mode,
    Waybill,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeVar

    _Each = TypeVar("_Each")

DESTINATION: Final = f"{EXERCISE}-POSTE"

_TYPE: Final = "valise/v1 drill"
_CLASSES: Final = (
    BagClass.UNCLASSIFIED,
    BagClass.RESTRICTED,
    BagClass.CONFIDENTIAL,
    BagClass.SECRET,
)
_KINDS: Final = (ItemKind.DISPATCH, ItemKind.LETTER, ItemKind.DOCUMENT, ItemKind.PARCEL)
# A piece more or less and this together stay within what scales are allowed.
_NOISE_G: Final = 60
_PIECE_G: Final = 120
_OFF_G: Final = 500


class Condition(StrEnum):
    """How the physical seals look."""

    INTACT = "intact"
    # Dirty and scratched, and whole: nothing is wrong with it.
    WORN = "worn"
    REGLUED = "reglued"


@dataclass(frozen=True, slots=True)
class Piece:
    """What was found in the bag: how many pieces of which number."""

    register: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to see at a station.

    Attributes:
        seals: numbers on the physical seals.
        condition: how these look.
        weight_g: on the scales.
        pieces: in the bag.
        at: when it was presented.
    """

    seals: tuple[str, ...]
    condition: Condition
    weight_g: int
    pieces: tuple[Piece, ...]
    at: datetime


class Draw:
    """What the seed says: each question has one answer, whatever was asked before."""

    def __init__(self, seed: str) -> None:
        self._seed = seed

    def octets(self, *what: str | int, count: int = SEED_BYTES) -> bytes:
        """Gives so many octets."""
        asked = canonical.encode([_TYPE, self._seed, *what])
        return shake_256(asked).digest(count)

    def below(self, most: int, *what: str | int) -> int:
        """Gives a number from 0, less than `most`."""
        return int.from_bytes(self.octets(*what, count=16)) % most

    def shuffled(self, values: Sequence[_Each], *what: str | int) -> list[_Each]:
        """Gives the values in an order of their own."""
        order = sorted(range(len(values)), key=lambda place: self.octets(*what, place))
        return [values[place] for place in order]

    def chance(self, one_in: int, *what: str | int) -> bool:
        """Says yes once in so many times."""
        return self.below(one_in, *what) == 0


def manifest_of(draw: Draw, number: int, closed: datetime, nonce_sha256: str) -> Manifest:
    """Draws the manifest of a bag."""
    bag_class = _CLASSES[draw.below(len(_CLASSES), "class", number)]
    items = tuple(
        _item(draw, number, line, bag_class)
        for line in range(1, 3 + draw.below(5, "lines", number))
    )
    return Manifest(
        number=f"{EXERCISE} {number:02d}",
        bag=f"{int.from_bytes(draw.octets('bag', number, count=16)) % 10**22:022d}",
        seal=draw.octets("seal", number, count=16).hex(),
        ordinal=1,
        bag_class=bag_class,
        seals=_seals(draw, "seals", number),
        weight_g=sum(item.weight_g for item in items) + 1500 + draw.below(900, "canvas", number),
        closed=closed,
        expires=closed + timedelta(days=45),
        certifier=Certifier(f"{EXERCISE}.1", EXERCISE, EXERCISE),
        waybill=Waybill(
            number=f"{EXERCISE} LC {number:02d}",
            mode=Mode.COURIER,
            origin=EXERCISE,
            destination=DESTINATION,
            consignee=EXERCISE,
            packages=1,
            carrier=Carrier(EXERCISE, EXERCISE, f"{EXERCISE} 0", None),
            itinerary=(),
            departs=closed + timedelta(hours=1),
            due=closed + timedelta(days=2),
        ),
        items=items,
        nonce_sha256=nonce_sha256,
        salt=draw.octets("salt", number, count=SALT_BYTES),
    )


def _item(draw: Draw, number: int, line: int, bag_class: BagClass) -> Item:
    quantity = 1 + draw.below(4, "quantity", number, line)
    return Item(
        line=line,
        register=f"EX/{number:02d}{line:02d}{draw.below(10**4, 'register', number, line):04d}",
        sender=EXERCISE,
        addressee=DESTINATION,
        kind=_KINDS[draw.below(len(_KINDS), "kind", number, line)],
        level=bag_class.value,
        quantity=quantity,
        weight_g=quantity * (20 + draw.below(_PIECE_G - 20, "weight", number, line)),
        enclosure=None,
        salt=draw.octets("salt", number, line, count=SALT_BYTES),
    )


def _seals(draw: Draw, *what: str | int) -> tuple[str, ...]:
    """Gives one or two seal numbers, each of digits that differ."""
    return tuple(
        "EX-" + "".join(draw.shuffled("0123456789", *what, nth)[:7])
        for nth in range(1 + draw.below(2, *what))
    )


def found_at(
    draw: Draw, number: int, inside: Manifest, defect: Defect | None, at: datetime
) -> Found:
    """Draws what there is to see of a bag, its defect among it."""
    pieces, moved_g = _pieces(draw, number, inside, defect)
    noise = draw.below(2 * _NOISE_G + 1, "noise", number) - _NOISE_G
    if defect is Defect.WEIGHT:
        off = _OFF_G + draw.below(_OFF_G, "off", number)
        noise = off if draw.chance(2, "more", number) else -off
    return Found(
        seals=_observed(draw, number, inside.seals, defect),
        condition=_condition(draw, number, defect),
        weight_g=inside.weight_g + moved_g + noise,
        pieces=pieces,
        at=at + timedelta(hours=8, minutes=draw.below(540, "at", number)),
    )


def _condition(draw: Draw, number: int, defect: Defect | None) -> Condition:
    if defect is Defect.BROKEN:
        return Condition.REGLUED
    return Condition.WORN if draw.chance(4, "worn", number) else Condition.INTACT


def _observed(
    draw: Draw, number: int, seals: tuple[str, ...], defect: Defect | None
) -> tuple[str, ...]:
    """Gives the numbers on the bag."""
    if defect is Defect.EDITED:
        return _seals(draw, "other seals", number)
    if defect is Defect.TRANSPOSED:
        first = seals[0]
        place = 3 + draw.below(6, "transposed", number)
        return (first[:place] + first[place + 1] + first[place] + first[place + 2 :], *seals[1:])
    return seals


def _pieces(
    draw: Draw, number: int, inside: Manifest, defect: Defect | None
) -> tuple[tuple[Piece, ...], int]:
    """Gives the pieces in the bag, and the grams by which they are more than those sealed."""
    pieces = [Piece(item.register, item.quantity) for item in inside.items]
    place = draw.below(len(pieces), "moved", number)
    item = inside.items[place]
    one_g = item.weight_g // item.quantity
    if defect is Defect.SHORT:
        pieces[place] = replace(pieces[place], quantity=item.quantity - 1)
        return tuple(piece for piece in pieces if piece.quantity), -one_g
    if defect is Defect.OVER:
        pieces[place] = replace(pieces[place], quantity=item.quantity + 1)
        return tuple(pieces), one_g
    return tuple(pieces), 0
