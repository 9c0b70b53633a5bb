"""No writing down: what comes out of a dispatch is never less protected (articles 14 and 15).

Pure. A marking is a level and caveats; it covers another when its level is at least as high and it
has every caveat of the other. The policies say the same (`lattice-no-write-down`); these rules give
whoever drafts or packs the lowest marking that will do.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import Scheme


@dataclass(frozen=True, slots=True)
class Marking:
    """A level's code and caveats."""

    level: str
    caveats: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Declassification:
    """An act that lowers a marking: the original is kept under its own, a copy gets the new one."""

    dispatch_id: str
    original: Marking
    lowered: Marking
    reason: str


def covers(scheme: Scheme, marking: Marking, other: Marking) -> bool:
    """Say whether a marking protects at least as much as another. Raises UnknownLabel."""
    higher = scheme.level(marking.level).rank >= scheme.level(other.level).rank
    return higher and marking.caveats >= other.caveats


def lowest_for(scheme: Scheme, sources: Iterable[Marking]) -> Marking:
    """Return the lowest marking that covers all sources: of a reply, or of a bag with its items."""
    level, caveats = scheme.levels[0], frozenset[str]()
    for source in sources:
        level = max(level, scheme.level(source.level), key=lambda each: each.rank)
        caveats |= source.caveats
    return Marking(level.code, caveats)


def refuse_lower(scheme: Scheme, sources: Iterable[Marking], wanted: Marking) -> None:
    """Refuse a reply, a forwarding, an attachment or a bag that would lower a marking.

    Raises:
        ServiceError: LABEL_LOWERED, with the lowest level that would do.
    """
    needed = lowest_for(scheme, sources)
    if not covers(scheme, wanted, needed):
        missing = ", ".join(sorted(needed.caveats - wanted.caveats)) or "-"
        raise ServiceError("LABEL_LOWERED", level=needed.level, caveats=missing)


def declassify(
    scheme: Scheme, dispatch_id: str, original: Marking, lowered: Marking, reason: str
) -> Declassification:
    """Describe a declassification; two persons decide it, and the original stays as it is.

    Raises:
        ServiceError: LABEL_RAISED (it adds protection, or changes nothing), REASON_MISSING.
    """
    if not reason.strip():
        raise ServiceError("REASON_MISSING")
    if lowered == original or not covers(scheme, original, lowered):
        raise ServiceError("LABEL_RAISED", level=original.level)
    return Declassification(dispatch_id, original, lowered, reason.strip())
