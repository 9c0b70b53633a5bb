"""Which values of a sealed bordereau may be put right: where they stand, and what they become.

Words and weights alone. No line is added or taken away, and no number of pieces, kind, level,
class, seal, bag or destination is another afterwards (pouch/SPEC.md §13).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.records import Record
from pouch.bordereau import decode, encode
from pouch.errors import RectificationNotOfBag
from pouch.manifest import LINE, REGISTER, WEIGHT_MAX_G
from pouch.members import bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pouch.manifest import Manifest

Value = str | int | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value that may be put right stands in a manifest's JSON.

    Attributes:
        within: members that lead to the object that holds it, from the head or from a line.
        member: its name there.
        read: reads a value of its grammar from a record's member.
    """

    within: tuple[str, ...]
    member: str
    read: Callable[[Record, str], Value]


def _line(record: Record, member: str) -> Value:
    return record.text(member, LINE)


def _register(record: Record, member: str) -> Value:
    return record.text(member, REGISTER)


def _optional_line(record: Record, member: str) -> Value:
    return record.optional_text(member, LINE)


def _optional_register(record: Record, member: str) -> Value:
    return record.optional_text(member, REGISTER)


def _weight(record: Record, member: str) -> Value:
    return bounded(record, member, WEIGHT_MAX_G)


_CARRIER: Final = ("waybill", "carrier")

OF_BAG: Final[Mapping[str, Place]] = {
    "weight": Place((), "weight_g", _weight),
    "waybill": Place(("waybill",), "number", _register),
    "consignee": Place(("waybill",), "consignee", _line),
    "carrier": Place(_CARRIER, "name", _line),
    "status": Place(_CARRIER, "status", _line),
    "passport": Place(_CARRIER, "passport", _optional_register),
    "vehicle": Place(_CARRIER, "vehicle", _optional_line),
}
OF_LINE: Final[Mapping[str, Place]] = {
    "register": Place((), "register", _register),
    "sender": Place((), "sender", _line),
    "addressee": Place((), "addressee", _line),
    "weight": Place((), "weight_g", _weight),
    "enclosure": Place((), "enclosure", _optional_register),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One value that is put right.

    Attributes:
        line: number of the bordereau's line, from 1; None for the bag as a whole.
        what: a name of `OF_LINE`, or of `OF_BAG`.
        was: what stood there.
        now: what is right, another value of the same grammar.
    """

    line: int | None
    what: str
    was: Value
    now: Value


def standing(manifest: Manifest, line: int | None, what: str) -> Value:
    """Gives the value that stands at a place.

    Raises:
        KeyError: nothing may be put right there.
        RectificationNotOfBag: there is no such line.
    """
    value: Value = _holder(canonical.decode(encode(manifest)), line, what)[
        place_of(line, what).member
    ]
    return value


def apply(manifest: Manifest, changes: Sequence[Change]) -> Manifest:
    """Gives a manifest with other values in some places.

    Raises:
        RectificationNotOfBag: there is no such line, or something else stood there.
    """
    value: dict[str, Any] = canonical.decode(encode(manifest))
    for change in changes:
        place = place_of(change.line, change.what)
        holder = _holder(value, change.line, change.what)
        if holder[place.member] != change.was:
            raise RectificationNotOfBag(f"{change.what} of line {change.line} was something else")
        holder[place.member] = change.now
    return decode(canonical.encode(value))


def place_of(line: int | None, what: str) -> Place:
    """Gives the place of a change; KeyError where nothing may be put right."""
    return (OF_BAG if line is None else OF_LINE)[what]


def _holder(value: dict[str, Any], line: int | None, what: str) -> dict[str, Any]:
    """Gives the object of a manifest's JSON whose member the place is."""
    place, holder = place_of(line, what), value
    if line is not None:
        if not 1 <= line <= len(value["items"]):
            raise RectificationNotOfBag(f"the bordereau has no line {line}")
        holder = value["items"][line - 1]
    for member in place.within:
        holder = holder[member]
    return holder
