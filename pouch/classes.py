"""Bag classes and modes of carriage as data, which of them go together, and what a bag may weigh.

Sources: Vienna Convention art. 27 (external marks; courier's document; a captain is no courier);
14 FAM 720 and 14 FAH-4 H-211 (classified bags are always accompanied by a cleared courier);
12 FAM 130; UN ST/AI/368 (16 kg an item); PUAS art. 105 (a postal bag: 20 kg, 140 cm, 60 cm).
Requirements R1 and R12.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from keys.errors import Refusal
from pouch.manifest import BagClass, Mode


class ModeForbidden(Refusal):
    """A bag of this class does not travel in this mode."""

    code: ClassVar[str] = "MODE_FORBIDDEN"


class LevelAboveBag(Refusal):
    """An item's level is above what a bag of this class may hold, or of no known rank."""

    code: ClassVar[str] = "LEVEL_ABOVE_BAG"


class LimitsExceeded(Refusal):
    """A bag or an item is too heavy or too large for the bag's class, mode or route."""

    code: ClassVar[str] = "LIMITS_EXCEEDED"


class NotCertified(Refusal):
    """No named officer has stated that the bag holds what a bag may hold."""

    code: ClassVar[str] = "NOT_CERTIFIED"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a route carries, a mode or a class of bag; None where there is no limit.

    Attributes:
        item_g: weight of one item, grams.
        bag_g: weight of a bag, grams.
        side_cm: longest side of a bag, centimetres.
        sides_cm: length, width and height together, centimetres.
    """

    item_g: int | None = None
    bag_g: int | None = None
    side_cm: int | None = None
    sides_cm: int | None = None


@dataclass(frozen=True, slots=True)
class ModeRule:
    """What holds for bags that travel in one way.

    Attributes:
        accompanied: a person stays with it all the way.
        courier: that person is a diplomatic courier with an official document.
        limits: what is carried so, whatever the route allows.
    """

    accompanied: bool
    courier: bool
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class ClassRule:
    """What holds for bags of one class.

    Attributes:
        classified: its items are registered one by one and its loss is a compromise.
        modes: those in which it may travel.
        limits: what the bag holds. No source sets them: a classified bag stays in its courier's
            hand and sight, the others are lifted by one person.
    """

    classified: bool
    modes: frozenset[Mode]
    limits: Limits


POSTAL_LIMITS: Final = Limits(bag_g=20_000, side_cm=60, sides_cm=140)
"""PUAS art. 105."""

MODES: Final[Mapping[Mode, ModeRule]] = {
    Mode.COURIER: ModeRule(accompanied=True, courier=True),
    Mode.AD_HOC: ModeRule(accompanied=True, courier=True),
    Mode.CAPTAIN: ModeRule(accompanied=True, courier=False),
    Mode.FREIGHT: ModeRule(accompanied=False, courier=False),
    Mode.POSTAL: ModeRule(accompanied=False, courier=False, limits=POSTAL_LIMITS),
}

_ANY: Final = frozenset(Mode)
_NOT_POSTAL: Final = _ANY - {Mode.POSTAL}
_LIFTED: Final = Limits(bag_g=32_000)
_IN_HAND: Final = Limits(bag_g=20_000)
_COURIERS: Final = frozenset(mode for mode, rule in MODES.items() if rule.courier)

CLASSES: Final[Mapping[BagClass, ClassRule]] = {
    BagClass.UNCLASSIFIED: ClassRule(classified=False, modes=_ANY, limits=_LIFTED),
    BagClass.RESTRICTED: ClassRule(classified=False, modes=_NOT_POSTAL, limits=_LIFTED),
    BagClass.CONTROLLED: ClassRule(classified=False, modes=_NOT_POSTAL, limits=_LIFTED),
    BagClass.CONFIDENTIAL: ClassRule(classified=True, modes=_COURIERS, limits=_IN_HAND),
    BagClass.SECRET: ClassRule(classified=True, modes=_COURIERS, limits=_IN_HAND),
    BagClass.TOP_SECRET: ClassRule(
        classified=True, modes=frozenset({Mode.COURIER}), limits=_IN_HAND
    ),
}


def require_pair(bag_class: BagClass, mode: Mode) -> None:
    """Demands that a bag of this class may travel in this mode (R1).

    Raises:
        ModeForbidden: it may not.
    """
    if mode not in CLASSES[bag_class].modes:
        raise ModeForbidden(f"a bag of class {bag_class} does not travel as {mode}")


def require_level(bag_class: BagClass, level: str, ranks: Mapping[str, int]) -> None:
    """Demands that an item is not above the bag that is to hold it: packing lowers no label.

    Args:
        bag_class: of the bag.
        level: of the item, a code of the scheme of markings.
        ranks: of the scheme's levels by code; the classes' own codes are among them.

    Raises:
        LevelAboveBag: it is, or the scheme knows no such level.
    """
    # A controlled bag is opened by cleared persons only, yet holds nothing classified.
    held = BagClass.RESTRICTED if bag_class is BagClass.CONTROLLED else bag_class
    if level not in ranks or ranks[level] > ranks[held]:
        raise LevelAboveBag(f"an item at {level} does not go into a bag of class {bag_class}")


PRESETS: Final[Mapping[str, Limits]] = {
    "UN": Limits(item_g=16_000),
    "POSTAL": POSTAL_LIMITS,
    "NONE": Limits(),
}
"""Starting points for a route's own limits."""


@dataclass(frozen=True, slots=True)
class Measures:
    """A bag as measured.

    Attributes:
        items_g: weight of each item, grams.
        bag_g: weight of the closed bag, grams.
        sides_cm: length, width, height in centimetres, rounded up; None for a soft bag that
            nobody measures.
    """

    items_g: tuple[int, ...]
    bag_g: int
    sides_cm: tuple[int, int, int] | None = None


def limits_of(bag_class: BagClass, mode: Mode, route: Limits) -> Limits:
    """Gives what holds for a bag: the least of what its class, its mode and its route allow."""
    every = (CLASSES[bag_class].limits, MODES[mode].limits, route)
    least = {
        name: min((limit for limit in limits if limit is not None), default=None)
        for name in Limits.__slots__
        for limits in [[getattr(each, name) for each in every]]
    }
    return Limits(**least)


def require_within(limits: Limits, measures: Measures) -> None:
    """Demands that a bag keeps its limits.

    Raises:
        LimitsExceeded: the first that it does not keep; the text says by how much.
    """
    sides = measures.sides_cm or (0, 0, 0)
    _at_most("an item weighs", max(measures.items_g, default=0), limits.item_g, "g")
    _at_most("the bag weighs", measures.bag_g, limits.bag_g, "g")
    _at_most("the longest side has", max(sides), limits.side_cm, "cm")
    _at_most("the three sides have", sum(sides), limits.sides_cm, "cm")


PROHIBITED: Final[Mapping[str, tuple[str, str]]] = {
    "weapons": ("armes et munitions", "weapons and ammunition"),
    "explosives": ("explosifs et matières dangereuses", "explosives and dangerous goods"),
    "drugs": ("stupéfiants", "narcotics"),
    "money": ("espèces et valeurs non officielles", "cash and valuables that are not official"),
    "private": ("effets privés et marchandises", "private goods and merchandise"),
    "living": ("personnes, animaux, plantes, restes humains", "persons, animals, plants, remains"),
}
"""What no bag holds: code to (French, English). A bag is for documents and articles intended for
official use (art. 27(4))."""


@dataclass(frozen=True, slots=True)
class Certification:
    """The statement of the officer who answers for the contents (ST/AI/368).

    Attributes:
        officer: code of the officer.
        absent: codes of `PROHIBITED` that the officer has checked to be absent.
    """

    officer: str
    absent: frozenset[str]


def require_certified(certification: Certification | None, packers: Iterable[str]) -> None:
    """Demands that somebody other than the packers checked every point of the list.

    Raises:
        NotCertified: nobody did, one of the packers did, or a point was left out.
    """
    if certification is None:
        raise NotCertified("no officer has certified the contents")
    if certification.officer in set(packers):
        raise NotCertified("nobody certifies what they packed themselves")
    left = sorted(PROHIBITED.keys() - certification.absent)
    if left:
        raise NotCertified(f"not checked: {', '.join(left)}")


def _at_most(what: str, value: int, limit: int | None, unit: str) -> None:
    if limit is not None and value > limit:
        raise LimitsExceeded(f"{what} {value} {unit}, {value - limit} {unit} above the limit")
