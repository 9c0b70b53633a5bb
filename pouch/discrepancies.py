"""Discrepancies: what is wrong with a bag, how bad, who is told, by when, and who may close it.

One form and one procedure for every post (State OIG ISP-I-22-13 found that contradictory guidance
made reporting inconsistent). A *breach* is a known or likely compromise; an *incident* is a bag
out of control whose compromise is unknown (12 FAM 131). An incident may become a breach, never the
other way; nobody closes what they reported; a breach closes only after its assessment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Final

from keys.errors import Refusal
from pouch.classes import CLASSES
from pouch.facts import BROKEN, DAMAGED, MISSING
from pouch.manifest import BagClass

BREACH: Final = "breach"
INCIDENT: Final = "incident"

REPORTED: Final = "reported"
NOTIFIED: Final = "notified"
ASSESSED: Final = "assessed"
CLOSED: Final = "closed"

# Functions of the decree, not persons: the directory says who holds them today.
VALISE: Final = "bureau-de-la-valise"
ORIGIN: Final = "origin"
HEAD_OF_POST: Final = "head-of-post"
CIPHER: Final = "bureau-du-chiffre"
ACCESS: Final = "cellule-des-autorisations"


class DiscrepancyActForbidden(Refusal):
    """The procedure does not allow this act on this discrepancy now, or not by this officer."""

    code: ClassVar[str] = "DISCREPANCY_ACT_FORBIDDEN"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of discrepancy.

    Attributes:
        severity: breach or incident.
        classified_only: it is a breach where something classified can be compromised, and an
            incident elsewhere.
    """

    severity: str
    classified_only: bool = False


KINDS: Final[Mapping[str, Kind]] = {
    "bag-missing": Kind(BREACH),
    "bag-over": Kind(INCIDENT),
    "bag-opened": Kind(BREACH),
    "bag-copied": Kind(BREACH),
    "bag-damaged": Kind(INCIDENT),
    "bag-examined": Kind(INCIDENT),
    "bag-detained": Kind(INCIDENT),
    "bag-unattended": Kind(INCIDENT),
    "bag-overdue": Kind(INCIDENT),
    "seal-broken": Kind(BREACH, classified_only=True),
    "seal-missing": Kind(BREACH, classified_only=True),
    "seal-differs": Kind(BREACH, classified_only=True),
    "weight-differs": Kind(INCIDENT),
    "missing": Kind(BREACH, classified_only=True),
    "short": Kind(BREACH, classified_only=True),
    "over": Kind(INCIDENT),
    "unlisted": Kind(INCIDENT),
    "damaged": Kind(INCIDENT),
    "wrong-addressee": Kind(INCIDENT),
}
REPORTABLE: Final = (
    "bag-damaged",
    "bag-opened",
    "bag-examined",
    "bag-detained",
    "bag-unattended",
    "bag-overdue",
)
"""What a person may report on their own; the rest follows from what was counted and typed."""

# Scales differ, and canvas drinks water.
_TOLERANCE_G: Final = 200
_TOLERANCE_SHARE: Final = 50

# How soon after the report: the recipients know, the assessment is made, the case is closed.
CLOCKS: Final[Mapping[str, tuple[timedelta, timedelta, timedelta]]] = {
    BREACH: (timedelta(hours=1), timedelta(hours=24), timedelta(days=30)),
    INCIDENT: (timedelta(hours=24), timedelta(days=7), timedelta(days=60)),
}

_NEXT: Final[Mapping[str, str]] = {
    REPORTED: NOTIFIED,
    NOTIFIED: ASSESSED,
    ASSESSED: CLOSED,
}


def severity_of(kind: str, bag_class: BagClass) -> str:
    """Says whether a discrepancy is a breach or an incident.

    A broken seal on an unclassified bag is an incident; on a classified one it is a breach and a
    compromise report (14 FAH-4 H-250).
    """
    rule = KINDS[kind]
    lenient = rule.classified_only and not CLASSES[bag_class].classified
    return INCIDENT if lenient else rule.severity


def recipients_of(severity: str, bag_class: BagClass) -> tuple[str, ...]:
    """Gives the functions that are told of it, in the order in which they are told."""
    told = [VALISE, ORIGIN, HEAD_OF_POST]
    if severity == BREACH:
        told.append(ACCESS)
    if severity == BREACH and CLASSES[bag_class].classified:
        told.append(CIPHER)
    return tuple(told)


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One case, from its report to its close.

    Attributes:
        kind: one of `KINDS`.
        bag_class: of the bag.
        severity: breach or incident.
        state: reported, notified, assessed or closed.
        reporter: code of the officer who reported it.
        reported_at: aware, UTC.
        state_at: when the present state was reached.
    """

    kind: str
    bag_class: BagClass
    severity: str
    state: str
    reporter: str
    reported_at: datetime
    state_at: datetime

    @property
    def due(self) -> datetime | None:
        """When the next step must be done; None once closed."""
        if self.state == CLOSED:
            return None
        step = list(_NEXT).index(self.state)
        return self.reported_at + CLOCKS[self.severity][step]


def report(kind: str, bag_class: BagClass, reporter: str, at: datetime) -> Discrepancy:
    """Opens a case. Anyone may: one person suffices to make things safer."""
    return Discrepancy(
        kind=kind,
        bag_class=bag_class,
        severity=severity_of(kind, bag_class),
        state=REPORTED,
        reporter=reporter,
        reported_at=at,
        state_at=at,
    )


def advance(case: Discrepancy, state: str, officer: str, at: datetime) -> Discrepancy:
    """Takes a case to its next state.

    Raises:
        DiscrepancyActForbidden: the state is not the next one, or the officer would close what
            they reported themselves.
    """
    if _NEXT.get(case.state) != state:
        raise DiscrepancyActForbidden(f"{state[:20]} does not follow {case.state}")
    if state == CLOSED and officer == case.reporter:
        raise DiscrepancyActForbidden("nobody closes what they reported themselves")
    return replace(case, state=state, state_at=at)


def raise_to_breach(case: Discrepancy, at: datetime) -> Discrepancy:
    """Makes an incident a breach: its recipients are told anew, by the breach's clocks.

    Raises:
        DiscrepancyActForbidden: it is one already, or closed.
    """
    if case.severity == BREACH or case.state == CLOSED:
        raise DiscrepancyActForbidden("only an open incident becomes a breach")
    return replace(case, severity=BREACH, state=REPORTED, reported_at=at, state_at=at)


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """What a check at receipt found.

    Attributes:
        kind: one of `KINDS`.
        what: the seal number or the line of the manifest; empty for the bag itself.
    """

    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class Line:
    """An item of the manifest as the receiver counts it.

    Attributes:
        number: line of the manifest.
        expected: quantity that the manifest states.
        found: quantity found.
        damaged: whether what was found is damaged.
        misdirected: whether it is addressed to another post.
    """

    number: int
    expected: int
    found: int
    damaged: bool = False
    misdirected: bool = False


def check_items(lines: Sequence[Line], unlisted: int = 0) -> tuple[Difference, ...]:
    """Compares item by item (R9).

    Args:
        lines: one for each line of the manifest.
        unlisted: how many items lay in the bag that no line lists.
    """
    found: list[Difference] = []
    for line in lines:
        kinds = {
            "missing": line.found == 0 < line.expected,
            "short": 0 < line.found < line.expected,
            "over": line.found > line.expected,
            "damaged": line.damaged,
            "wrong-addressee": line.misdirected,
        }
        found += [Difference(kind, str(line.number)) for kind, holds in kinds.items() if holds]
    found += [Difference("unlisted", str(number)) for number in range(1, unlisted + 1)]
    return tuple(found)


def check_seals(
    expected: Sequence[str], typed: Sequence[str], condition: str
) -> tuple[Difference, ...]:
    """Compares the physical seals as typed blindly with those announced.

    A number that is nearly right counts as wrong: who copies a label knows the number on it, and
    who reads a seal reads it right. `near_misses` is for the reader's second look.
    """
    found = [Difference("seal-differs", number) for number in typed if number not in expected]
    # Each wrong number stands for one expected; what is left over was not there at all.
    absent = [number for number in expected if number not in typed]
    found += [Difference("seal-missing", number) for number in absent[len(found) :]]
    if condition == BROKEN:
        found.append(Difference("seal-broken", ""))
    if condition == DAMAGED:
        found.append(Difference("bag-damaged", ""))
    if condition == MISSING and not any(each.kind == "seal-missing" for each in found):
        found.append(Difference("seal-missing", ""))
    return tuple(found)


def near_misses(expected: Sequence[str], typed: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Pairs (typed, expected) that differ in one character or one swap of neighbours.

    To be looked at again with the seal in hand: a slip of the finger, or a seal made to pass.
    """
    return tuple(
        (given, wanted)
        for given in typed
        for wanted in expected
        if given != wanted and given not in expected and _is_near(given, wanted)
    )


def check_weight(sealed_g: int, received_g: int, tolerance_g: int) -> tuple[Difference, ...]:
    """Compares the weights at both ends by the route's tolerance (R14)."""
    off = weight_is_off(sealed_g, received_g, tolerance_g)
    return (Difference("weight-differs", ""),) if off else ()


def weight_is_off(sealed_g: int, received_g: int, tolerance_g: int | None = None) -> bool:
    """Tells whether two weights differ too much.

    Args:
        sealed_g: at closing, grams.
        received_g: at the other end.
        tolerance_g: of the route; where none is known, 200 g or 2 %, whichever is more.
    """
    if tolerance_g is None:
        tolerance_g = max(_TOLERANCE_G, sealed_g // _TOLERANCE_SHARE)
    return abs(sealed_g - received_g) > tolerance_g


def _is_near(first: str, second: str) -> bool:
    if len(first) == len(second):
        match [place for place in range(len(first)) if first[place] != second[place]]:
            case [_]:
                return True
            case [one, after]:  # two neighbours changed places
                return (
                    after == one + 1 and first[one] == second[after] and first[after] == second[one]
                )
            case _:
                return False
    longer, shorter = sorted((first, second), key=len, reverse=True)
    return any(longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer)))
