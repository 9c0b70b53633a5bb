"""The pouch bureau's own rules: cut-offs, levels, counts. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time

from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import Scheme
from pouch import classes
from pouch.classes import LevelAboveBag
from pouch.manifest import BagClass


def require_cut_off(cut_off: datetime, departs: datetime) -> None:
    """Demand that hand-in ends before the day of departure begins (R7: the eve at the latest).

    Raises:
        ServiceError: CUT_OFF_TOO_LATE.
    """
    if cut_off > datetime.combine(departs.date(), time(), departs.tzinfo):
        raise ServiceError("CUT_OFF_TOO_LATE")


def require_open(cut_off: datetime, now: datetime) -> None:
    """Demand that items are still taken for a departure.

    Raises:
        ServiceError: CUT_OFF_PASSED.
    """
    if now >= cut_off:
        raise ServiceError("CUT_OFF_PASSED")


def require_level(scheme: Scheme, level: str, bag_class: BagClass) -> None:
    """Demand that an item is not above the bag that is to hold it.

    Raises:
        ServiceError: LEVEL_ABOVE_BAG; UNKNOWN_LEVEL.
    """
    ranks = {known.code: known.rank for known in scheme.levels}
    if level not in ranks:
        raise ServiceError("UNKNOWN_LEVEL", level=level)
    try:
        classes.require_level(bag_class, level, ranks)
    except LevelAboveBag as error:
        raise ServiceError(error.code, level=level, bag_class=bag_class.value) from error


@dataclass(frozen=True, slots=True)
class Count:
    """Bags at an airport against the waybill (R8), by the identifiers of their seals.

    Attributes:
        missing: expected and not seen.
        over: seen and not expected.
    """

    missing: tuple[str, ...]
    over: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether the courier may leave the airport."""
        return not self.missing and not self.over


def count(expected: Iterable[str], seen: Iterable[str]) -> Count:
    """Compare the bags of a departure with those that were scanned."""
    wanted, found = set(expected), set(seen)
    return Count(tuple(sorted(wanted - found)), tuple(sorted(found - wanted)))
