"""What custody events say: one record for each kind of event, each with its members.

The kinds follow article 15 (confection, acheminement, sécurisation, remise) and the Vienna
Convention's art. 27: a bag is prepared, sealed, handed over from person to person, received,
opened and accounted for; besides, it is seen on the way, lost, found, recalled, or a device was
wrong and says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from keys.records import FINGERPRINT
from pouch.manifest import SEAL_NUMBER, SEALS_MAX, WEIGHT_MAX_G

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keys.records import Record

NONCE: Final = re.compile(r"[0-9a-f]{32}")

INTACT: Final = "intact"
DAMAGED: Final = "damaged"
BROKEN: Final = "broken"
MISSING: Final = "missing"

DID_NOT_OCCUR: Final = "did-not-occur"
INCORRECT_DATA: Final = "incorrect-data"

_CONDITION: Final = re.compile(f"{INTACT}|{DAMAGED}|{BROKEN}|{MISSING}")
_REASON: Final = re.compile(f"{DID_NOT_OCCUR}|{INCORRECT_DATA}")
_INSTEAD_MAX: Final = 16


class Facts:
    """What an event says.

    Attributes:
        kind: the name of the kind in the event's bytes.
        two_persons: whether the act needs a second person's signature.
    """

    __slots__: tuple[str, ...] = ()
    kind: ClassVar[str]
    two_persons: ClassVar[bool] = False

    @classmethod
    def read(cls, _record: Record) -> Self:
        """Reads the members; ValueError for a wrong one. A kind that says no more has none."""
        return cls()


@dataclass(frozen=True, slots=True)
class Prepared(Facts):
    """The bag is being made up (confection)."""

    kind: ClassVar[str] = "prepared"


@dataclass(frozen=True, slots=True)
class Sealed(Facts):
    """The bag is closed by two persons.

    Attributes:
        manifest: the salted digest of the manifest, as in the seal; 64 hexadecimal digits.
        seals: numbers of the physical seals, 1 to 8.
        weight_g: weight at closing, in grams.
    """

    kind: ClassVar[str] = "sealed"
    two_persons: ClassVar[bool] = True
    manifest: str
    seals: tuple[str, ...]
    weight_g: int

    @classmethod
    def read(cls, record: Record) -> Self:
        """See `Facts.read`."""
        return cls(
            manifest=record.text("manifest", FINGERPRINT),
            seals=_read_seals(record, least=1),
            weight_g=_weight(record.integer("weight_g", least=1)),
        )


@dataclass(frozen=True, slots=True)
class HandedOver(Facts):
    """The bag passes from the event's officer to its witness.

    Attributes:
        ordinal: 1 for the first hand-over after sealing, then one more each time. It orders the
            hand-overs without any clock.
        condition: of the seals, as both saw them.
    """

    kind: ClassVar[str] = "handed-over"
    two_persons: ClassVar[bool] = True
    ordinal: int
    condition: str

    @classmethod
    def read(cls, record: Record) -> Self:
        """See `Facts.read`."""
        return cls(
            ordinal=record.integer("ordinal", least=1),
            condition=record.text("condition", _CONDITION),
        )


@dataclass(frozen=True, slots=True)
class Seen(Facts):
    """The bag was scanned on its way, for instance counted at an airport.

    Attributes:
        seals: numbers typed from the physical seals; none where only the label was read.
    """

    kind: ClassVar[str] = "seen"
    seals: tuple[str, ...]

    @classmethod
    def read(cls, record: Record) -> Self:
        """See `Facts.read`."""
        return cls(seals=_read_seals(record, least=0))


@dataclass(frozen=True, slots=True)
class Received(Facts):
    """The bag arrived (remise). Happens once in each closing.

    Attributes:
        seals: numbers typed from the physical seals before the expected ones were shown.
        condition: of the seals, the worst of them.
        weight_g: weight at receipt in grams; None at a post without scales.
    """

    kind: ClassVar[str] = "received"
    seals: tuple[str, ...]
    condition: str
    weight_g: int | None

    @classmethod
    def read(cls, record: Record) -> Self:
        """See `Facts.read`."""
        weight = record.optional_integer("weight_g", least=1)
        return cls(
            seals=_read_seals(record, least=0),
            condition=record.text("condition", _CONDITION),
            weight_g=None if weight is None else _weight(weight),
        )


@dataclass(frozen=True, slots=True)
class Opened(Facts):
    """The seals were removed before a witness."""

    kind: ClassVar[str] = "opened"
    two_persons: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Accounted(Facts):
    """Every item was checked against the manifest: the discharge (décharge).

    Attributes:
        nonce: the secret found inside the bag, 32 hexadecimal digits; it proves the opening.
        complete: False when a discrepancy was reported.
    """

    kind: ClassVar[str] = "accounted"
    nonce: str
    complete: bool

    @classmethod
    def read(cls, record: Record) -> Self:
        """See `Facts.read`."""
        return cls(nonce=record.text("nonce", NONCE), complete=record.boolean("complete"))


@dataclass(frozen=True, slots=True)
class Lost(Facts):
    """The bag is missing. One person suffices."""

    kind: ClassVar[str] = "lost"


@dataclass(frozen=True, slots=True)
class Found(Facts):
    """A bag reported lost is back.

    Attributes:
        lost: id of the event that reported it.
    """

    kind: ClassVar[str] = "found"
    two_persons: ClassVar[bool] = True
    lost: str

    @classmethod
    def read(cls, record: Record) -> Self:
        """See `Facts.read`."""
        return cls(lost=record.text("lost", FINGERPRINT))


@dataclass(frozen=True, slots=True)
class Recalled(Facts):
    """The origin wants the bag back, unopened. One person suffices."""

    kind: ClassVar[str] = "recalled"


@dataclass(frozen=True, slots=True)
class Corrected(Facts):
    """An earlier event was wrong. It stays on record, but counts no more.

    Attributes:
        event: its id. A correction itself is never corrected.
        reason: did-not-occur or incorrect-data (the two of EPCIS 2.0).
        instead: ids of the events that tell what is right.
    """

    kind: ClassVar[str] = "corrected"
    two_persons: ClassVar[bool] = True
    event: str
    reason: str
    instead: tuple[str, ...]

    @classmethod
    def read(cls, record: Record) -> Self:
        """See `Facts.read`."""
        return cls(
            event=record.text("event", FINGERPRINT),
            reason=record.text("reason", _REASON),
            instead=record.texts("instead", FINGERPRINT, most=_INSTEAD_MAX),
        )


def facts_object(facts: Facts) -> dict[str, Any]:
    """Gives the members of `facts` as they stand in an event's bytes."""
    return {name: getattr(facts, name) for name in facts.__slots__}


READERS: Final[Mapping[str, Callable[[Record], Facts]]] = {
    facts.kind: facts.read
    for facts in (
        Prepared,
        Sealed,
        HandedOver,
        Seen,
        Received,
        Opened,
        Accounted,
        Lost,
        Found,
        Recalled,
        Corrected,
    )
}


def _read_seals(record: Record, *, least: int) -> tuple[str, ...]:
    seals = record.texts("seals", SEAL_NUMBER, most=SEALS_MAX)
    if len(seals) < least:
        raise ValueError("a bag is closed with at least one seal")
    return seals


def _weight(grams: int) -> int:
    if grams > WEIGHT_MAX_G:
        raise ValueError(f"a bag weighs at most {WEIGHT_MAX_G} g")
    return grams
