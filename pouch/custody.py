"""The custody chain: where a closing of a bag stands, as a pure function of what was told.

Events come from devices without network, late, twice and in any order, by clocks that nobody
trusts. So nothing here looks at times or at the order of arrival: the stage is the furthest that
any event reached, hand-overs are ordered by their ordinals, and whatever contradicts is a finding
with both sides kept. Any permutation and repetition of the same events gives the same `Custody`.

    prepared > sealed > handed over (1, 2, ...) > received > opened > accounted

`require_next` is for the live act at a desk; events that were signed offline are facts and are
merged without it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from keys.errors import Refusal
from pouch.facts import (
    Accounted,
    Corrected,
    Found,
    HandedOver,
    Lost,
    Opened,
    Prepared,
    Recalled,
    Received,
    Sealed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pouch.events import Event

STAGES: Final = (
    Prepared.kind,
    Sealed.kind,
    HandedOver.kind,
    Received.kind,
    Opened.kind,
    Accounted.kind,
)
ONCE: Final = (Prepared.kind, Sealed.kind, Received.kind, Opened.kind, Accounted.kind)

# What an act at a desk may follow. A bag that was never handed over is not received: somebody
# carried it, and that somebody is on record.
_MAY_FOLLOW: Final[Mapping[str, frozenset[str | None]]] = {
    Prepared.kind: frozenset({None}),
    Sealed.kind: frozenset({Prepared.kind}),
    HandedOver.kind: frozenset({Sealed.kind, HandedOver.kind}),
    Received.kind: frozenset({HandedOver.kind}),
    Opened.kind: frozenset({Received.kind}),
    Accounted.kind: frozenset({Opened.kind}),
    Recalled.kind: frozenset({Sealed.kind, HandedOver.kind}),
    Lost.kind: frozenset({Sealed.kind, HandedOver.kind, Received.kind}),
}
# A recalled bag that is not back yet goes on from wherever the recall met it: still at its origin,
# or received already.
_MAY_FOLLOW_RECALL: Final[Mapping[str, frozenset[str]]] = {
    HandedOver.kind: frozenset({Received.kind}),
    Received.kind: frozenset({Sealed.kind, Received.kind}),
}

TWICE: Final = "twice"
DIVERGED: Final = "diverged"
NOT_THE_HOLDER: Final = "not-the-holder"
CORRECTION_CORRECTED: Final = "correction-corrected"
CORRECTED_BY_OTHERS: Final = "corrected-by-others"


class StepForbidden(Refusal):
    """An act that the chain does not allow now, such as opening a bag that was not received."""

    code: ClassVar[str] = "STEP_FORBIDDEN"


class BagLost(Refusal):
    """The bag is reported lost: before anything else, two persons state that it is found."""

    code: ClassVar[str] = "BAG_LOST"


class BagRecalled(Refusal):
    """The origin has recalled the bag: it goes back unopened, and is opened there."""

    code: ClassVar[str] = "BAG_RECALLED"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Events that contradict each other, or one that contradicts the chain.

    Attributes:
        kind: twice (a one-time event was told twice), diverged (two hand-overs with one ordinal),
            not-the-holder (somebody gave what another held), correction-corrected,
            corrected-by-others.
        events: their ids, sorted.
    """

    kind: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Custody:
    """Where one closing of one bag stands.

    Attributes:
        stage: the furthest of `STAGES` that any event reached; None before the first.
        holder: code of the officer who holds the bag by the furthest event; None where two events
            name different ones, or nobody is named yet.
        hand_overs: ordinal of the furthest hand-over, 0 for none.
        missing: what must have happened and was not told (yet): stages, and hand-overs as
            `handed-over 2`.
        lost: whether a loss was reported and the bag not found since.
        recalled: whether the origin wants it back.
        returned: whether it was received where it was sealed: a recalled bag may be opened.
        corrected: ids of the events that count no more, sorted.
        pending: ids of events that corrections or findings name and that have not come, sorted.
        findings: contradictions, sorted.
    """

    stage: str | None
    holder: str | None
    hand_overs: int
    missing: tuple[str, ...]
    lost: bool
    recalled: bool
    returned: bool
    corrected: tuple[str, ...]
    pending: tuple[str, ...]
    findings: tuple[Finding, ...]


def live_events(events: Iterable[Event]) -> tuple[Event, ...]:
    """Gives each event once, sorted by id, without corrections and what they correct."""
    told = {event.id: event for event in events}
    voided = {
        event.facts.event
        for event in told.values()
        if isinstance(event.facts, Corrected) and is_in_order(event, told.get(event.facts.event))
    }
    return tuple(
        event
        for id_, event in sorted(told.items())
        if id_ not in voided and not isinstance(event.facts, Corrected)
    )


def takers_of(events: Iterable[Event]) -> frozenset[str]:
    """Gives the codes of those to whom a bag was ever handed over, by what still counts.

    Args:
        events: of one closing, in any order, repeated or not.
    """
    return frozenset(
        event.witness.officer
        for event in live_events(events)
        if isinstance(event.facts, HandedOver) and event.witness is not None
    )


def is_in_order(correction: Event, wrong: Event | None) -> bool:
    """Says whether a correction counts: one of its two devices told the wrong event itself.

    Two strangers must not undo a receipt. A device that is gone corrects nothing more; what it told
    wrongly is a discrepancy.

    Args:
        correction: an event `corrected`.
        wrong: the event that it names; None while that has not come.
    """
    devices = {correction.device} | ({correction.witness.device} if correction.witness else set())
    return wrong is not None and not isinstance(wrong.facts, Corrected) and wrong.device in devices


def custody_of(events: Iterable[Event]) -> Custody:
    """Judges the events of one closing of one bag.

    Args:
        events: of one `seal`, in any order, repeated or not; each was read by `read_event`.

    Raises:
        ValueError: events of two closings are mixed.
    """
    told = {event.id: event for event in events}
    if len({event.seal for event in told.values()}) > 1:
        raise ValueError("events of two closings")
    live = live_events(told.values())
    by_kind: dict[str, list[Event]] = defaultdict(list)
    for event in live:
        by_kind[event.kind].append(event)
    stage = next((stage for stage in reversed(STAGES) if by_kind[stage]), None)
    hand_overs = _by_ordinal(live)
    corrections, targets = _corrections(told)
    found = {event.facts.lost for event in live if isinstance(event.facts, Found)}
    return Custody(
        stage=stage,
        holder=_holder(stage, by_kind, hand_overs),
        hand_overs=max(hand_overs, default=0),
        missing=_missing(stage, by_kind, hand_overs),
        lost=any(event.id not in found for event in by_kind[Lost.kind]),
        recalled=bool(by_kind[Recalled.kind]),
        returned=_returned(by_kind[Sealed.kind], by_kind[Received.kind]),
        corrected=tuple(sorted(targets & told.keys())),
        pending=tuple(sorted((targets | found) - told.keys())),
        findings=tuple(
            sorted(
                {
                    *_told_twice(by_kind),
                    *_diverged(hand_overs),
                    *_wrong_givers(by_kind[Sealed.kind], hand_overs),
                    *corrections,
                }
            )
        ),
    )


def require_next(custody: Custody, kind: str) -> None:
    """Demands that an act of this kind may be done now, at a desk that sees the whole chain.

    Raises:
        BagLost: the bag is lost; only `found` may follow.
        BagRecalled: the bag is recalled and would be opened elsewhere than where it was sealed.
        StepForbidden: the act does not follow the stage, or follows it twice.
    """
    if kind == Found.kind:
        if not custody.lost:
            raise StepForbidden("the bag is not lost")
        return
    if custody.lost:
        raise BagLost("the bag is reported lost")
    coming_back = custody.recalled and not custody.returned
    if coming_back and kind == Opened.kind:
        raise BagRecalled("the bag is recalled: it goes back unopened")
    if coming_back and custody.stage in _MAY_FOLLOW_RECALL.get(kind, ()):
        return
    if kind in _MAY_FOLLOW and custody.stage not in _MAY_FOLLOW[kind]:
        raise StepForbidden(f"{kind} does not follow {custody.stage or 'nothing'}")


@dataclass(frozen=True, slots=True)
class DeviceChain:
    """What is known of one device's numbering.

    Attributes:
        highest: its highest counter.
        missing: counters below it that have not come.
        forks: ids of different events with one counter, or that follow another event than the one
            before them: the device was copied, restored from a copy, or lies.
    """

    highest: int
    missing: tuple[int, ...]
    forks: tuple[str, ...]


def device_chains(events: Iterable[Event]) -> dict[str, DeviceChain]:
    """Judges the numbering of each device, over all bags that it told of, in any order."""
    by_device: dict[str, dict[int, dict[str, Event]]] = defaultdict(lambda: defaultdict(dict))
    for event in events:
        by_device[event.device][event.counter][event.id] = event
    return {device: _chain(told) for device, told in sorted(by_device.items())}


def _chain(told: Mapping[int, Mapping[str, Event]]) -> DeviceChain:
    highest = max(told)
    forks = {id_ for same in told.values() if len(same) > 1 for id_ in same}
    for counter, same in told.items():
        before = told.get(counter - 1)
        if before is not None:
            forks |= {id_ for id_, event in same.items() if event.previous not in before}
    missing = tuple(counter for counter in range(1, highest) if counter not in told)
    return DeviceChain(highest, missing, tuple(sorted(forks)))


def _by_ordinal(events: Sequence[Event]) -> dict[int, list[Event]]:
    hand_overs: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        if isinstance(event.facts, HandedOver):
            hand_overs[event.facts.ordinal].append(event)
    return hand_overs


def _corrections(told: Mapping[str, Event]) -> tuple[set[Finding], set[str]]:
    findings: set[Finding] = set()
    targets: set[str] = set()
    for event in told.values():
        if not isinstance(event.facts, Corrected):
            continue
        target = event.facts.event
        if target not in told or is_in_order(event, told[target]):
            targets.add(target)
        elif isinstance(told[target].facts, Corrected):
            findings.add(_finding(CORRECTION_CORRECTED, (event.id, target)))
        else:
            findings.add(_finding(CORRECTED_BY_OTHERS, (event.id, target)))
    return findings, targets


def _told_twice(by_kind: Mapping[str, Sequence[Event]]) -> set[Finding]:
    return {
        _finding(TWICE, [event.id for event in by_kind[kind]])
        for kind in ONCE
        if len(by_kind[kind]) > 1
    }


def _diverged(hand_overs: Mapping[int, Sequence[Event]]) -> set[Finding]:
    return {
        _finding(DIVERGED, [event.id for event in same])
        for same in hand_overs.values()
        if len(same) > 1
    }


def _wrong_givers(
    sealed: Sequence[Event], hand_overs: Mapping[int, Sequence[Event]]
) -> set[Finding]:
    """Finds hand-overs whose giver is nobody to whom the bag had come."""
    holders = {0: {officer for event in sealed for officer in _both(event)}}
    before = {0: sealed, **hand_overs}
    for ordinal, events in hand_overs.items():
        holders[ordinal] = {_taker(event) for event in events}
    return {
        _finding(NOT_THE_HOLDER, (event.id, *(earlier.id for earlier in before[ordinal - 1])))
        for ordinal, events in hand_overs.items()
        for event in events
        if holders.get(ordinal - 1) and event.officer not in holders[ordinal - 1]
    }


def _returned(sealed: Iterable[Event], received: Iterable[Event]) -> bool:
    origins = {event.place for event in sealed}
    return any(event.place in origins for event in received)


def _missing(
    stage: str | None,
    by_kind: Mapping[str, Sequence[Event]],
    hand_overs: Mapping[int, Sequence[Event]],
) -> tuple[str, ...]:
    if stage is None:
        return ()
    reached = STAGES[: STAGES.index(stage)]
    gaps = (n for n in range(1, max(hand_overs, default=0)) if n not in hand_overs)
    return (
        *(earlier for earlier in reached if not by_kind[earlier]),
        *(f"{HandedOver.kind} {ordinal}" for ordinal in gaps),
    )


def _holder(
    stage: str | None,
    by_kind: Mapping[str, Sequence[Event]],
    hand_overs: Mapping[int, Sequence[Event]],
) -> str | None:
    if stage is None:
        return None
    if stage == HandedOver.kind:
        holders = {_taker(event) for event in hand_overs[max(hand_overs)]}
    else:
        holders = {event.officer for event in by_kind[stage]}
    return holders.pop() if len(holders) == 1 else None


def _taker(event: Event) -> str:
    return _both(event)[-1]


def _both(event: Event) -> tuple[str, ...]:
    return (event.officer,) if event.witness is None else (event.officer, event.witness.officer)


def _finding(kind: str, ids: Iterable[str]) -> Finding:
    return Finding(kind, tuple(sorted(ids)))
