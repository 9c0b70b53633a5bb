"""Alarms over the events of all bags: the photocopied label, the swapped bag, the copied device.

A seal's signature proves who closed a bag, never that this is the bag: a photocopy verifies. What
catches it are one-time events, travel times, what the origin announced and what the physical seals
say. All of it is judged over the merged set of events, so two scans without network raise the same
alarm when they meet as two scans with it, and any order and repetition gives the same alarms.

Times are by the devices' clocks. Where a device's clock was compared with the ministry's
(`offsets`), its times are put right first: a clock that is off by a day neither raises the alarm
of another bag nor hides one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Final

from pouch.custody import device_chains, live_events
from pouch.facts import Lost, Prepared, Recalled, Received, Sealed, Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from pouch.events import Event

RECEIVED_TWICE: Final = "received-twice"
WRONG_POST: Final = "wrong-post"
OFF_ROUTE: Final = "off-route"
IMPOSSIBLE_TRAVEL: Final = "impossible-travel"
AGAINST_THE_ROUTE: Final = "against-the-route"
UNANNOUNCED: Final = "unannounced"
ANNOUNCED_OTHERWISE: Final = "announced-otherwise"
SEALS_DIFFER: Final = "seals-differ"
SWAPPED: Final = "swapped"
SEAL_NUMBER_TWICE: Final = "seal-number-twice"
DEVICE_FORKED: Final = "device-forked"
CLOCK_OFF: Final = "clock-off"
# Who acted, for those who know the officers and their functions: not judged here.
NOT_ENTITLED: Final = "not-entitled"

# Where such an act was told says nothing about where the bag was.
AT_A_DISTANCE: Final = (Lost.kind, Recalled.kind)

CLOCK_TOLERANCE: Final = timedelta(minutes=10)
"""How far a device's clock may be off before its holder is told."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A stretch of a route.

    Attributes:
        origin: code of the place where it begins.
        destination: code of the place where it ends.
        least: the shortest time in which a bag can pass it.
    """

    origin: str
    destination: str
    least: timedelta


@dataclass(frozen=True, slots=True)
class Route:
    """The legs of a route in the order of travel.

    Attributes:
        legs: at least one; each begins where the one before ends, and no place comes twice.
    """

    legs: tuple[Leg, ...]

    def __post_init__(self) -> None:
        """Refuses what is no route: ValueError."""
        joined = all(earlier.destination == later.origin for earlier, later in pairwise(self.legs))
        if not self.legs or not joined or len(set(self.places)) != len(self.places):
            raise ValueError("the legs of a route follow each other and pass each place once")

    @property
    def places(self) -> tuple[str, ...]:
        """The places in the order of travel."""
        return (*(leg.origin for leg in self.legs), *(leg.destination for leg in self.legs[-1:]))

    def least_between(self, first: str, second: str) -> timedelta:
        """Gives the shortest time between two places of the route, in either direction."""
        low, high = sorted((self.places.index(first), self.places.index(second)))
        return sum((leg.least for leg in self.legs[low:high]), timedelta())


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the origin told the destination of a closing, through the enciphered channel.

    Attributes:
        seal: 32 hexadecimal digits.
        bag: 22 digits.
        manifest: the salted digest, 64 hexadecimal digits.
        seals: numbers of the physical seals.
        route: from the origin to the destination.
    """

    seal: str
    bag: str
    manifest: str
    seals: tuple[str, ...]
    route: Route


@dataclass(frozen=True, slots=True, order=True)
class Alarm:
    """One thing that somebody must look at now.

    Attributes:
        kind: one of the names above.
        subject: the seal that it is about; for devices, the device's id.
        events: ids of the events that show it, sorted.
        places: where they happened, sorted.
    """

    kind: str
    subject: str
    events: tuple[str, ...]
    places: tuple[str, ...]


def alarms_of(
    events: Iterable[Event],
    announcements: Mapping[str, Announcement],
    offsets: Mapping[str, timedelta],
) -> tuple[Alarm, ...]:
    """Judges events of any bags, in any order, repeated or not.

    Args:
        events: read by `read_event`. Corrected events raise no alarm; a device's fork is one even
            where the event was corrected.
        announcements: by seal; every bag on its way that this reader was told of.
        offsets: device's clock minus the ministry's, by device, where it was measured.

    Returns:
        The alarms, sorted; empty if all is well.
    """
    every = {event.id: event for event in events}
    by_seal: dict[str, list[Event]] = defaultdict(list)
    for event in live_events(every.values()):
        by_seal[event.seal].append(event)
    alarms: set[Alarm] = set()
    for seal, told in by_seal.items():
        alarms |= _received_twice(told)
        announced = announcements.get(seal)
        if announced is None:
            # A bag still being made up is announced when it is closed.
            if any(event.kind != Prepared.kind for event in told):
                alarms.add(_alarm(UNANNOUNCED, seal, told))
            continue
        alarms |= _as_announced(told, announced)
        alarms |= _typed_seals(told, announced, announcements)
        alarms |= _travel(told, announced.route, offsets)
    alarms |= _seal_numbers(by_seal)
    alarms |= _devices(every, offsets)
    return tuple(sorted(alarms))


def overdue(
    events: Iterable[Event], least_news: timedelta, now: datetime, offsets: Mapping[str, timedelta]
) -> bool:
    """Says whether a closing that is on its way was silent too long (R13): absence is news.

    Args:
        events: of one closing.
        least_news: how often custody must be told on this route.
        now: by the ministry's clock.
        offsets: as in `alarms_of`.
    """
    live = live_events(events)
    on_the_way = any(event.kind == Sealed.kind for event in live) and not any(
        event.kind == Received.kind for event in live
    )
    return on_the_way and now - max(_time(event, offsets) for event in live) > least_news


def _received_twice(told: Sequence[Event]) -> set[Alarm]:
    receipts = [event for event in told if event.kind == Received.kind]
    return {_alarm(RECEIVED_TWICE, receipts[0].seal, receipts)} if len(receipts) > 1 else set()


def _as_announced(told: Sequence[Event], announced: Announcement) -> set[Alarm]:
    """Finds events that name another bag or content, or places where the bag is not expected."""
    alarms: set[Alarm] = set()
    places = announced.route.places
    recalled = any(event.kind == Recalled.kind for event in told)
    ends = {places[-1], places[0]} if recalled else {places[-1]}
    for event in told:
        facts = event.facts
        otherwise = event.bag != announced.bag or (
            isinstance(facts, Sealed)
            and (facts.manifest, set(facts.seals)) != (announced.manifest, set(announced.seals))
        )
        if otherwise:
            alarms.add(_alarm(ANNOUNCED_OTHERWISE, event.seal, [event]))
        if event.kind in AT_A_DISTANCE:
            continue
        if event.place not in places:
            alarms.add(_alarm(OFF_ROUTE, event.seal, [event]))
        elif event.kind == Received.kind and event.place not in ends:
            alarms.add(_alarm(WRONG_POST, event.seal, [event]))
    return alarms


def _typed_seals(
    told: Sequence[Event], announced: Announcement, announcements: Mapping[str, Announcement]
) -> set[Alarm]:
    """Compares the numbers that people read from the physical seals with those announced."""
    alarms: set[Alarm] = set()
    for event in told:
        if not isinstance(event.facts, Received | Seen) or not event.facts.seals:
            continue
        typed = set(event.facts.seals)
        if typed == set(announced.seals):
            continue
        others = [
            other
            for other in announcements.values()
            if other.seal != event.seal and typed & set(other.seals)
        ]
        alarms.add(_alarm(SWAPPED if others else SEALS_DIFFER, event.seal, [event]))
    return alarms


def _travel(told: Sequence[Event], route: Route, offsets: Mapping[str, timedelta]) -> set[Alarm]:
    """Finds two places seen too close in time for their distance, or against the direction.

    One alarm for each pair of places, by the events that show it best: a thousand scans at one
    airport are one thing to look at.
    """
    alarms: set[Alarm] = set()
    recalled = any(event.kind == Recalled.kind for event in told)
    by_place: dict[str, list[tuple[datetime, str, Event]]] = {}
    for event in told:
        if event.place in route.places and event.kind not in AT_A_DISTANCE:
            by_place.setdefault(event.place, []).append((_time(event, offsets), event.id, event))
    places = sorted(by_place, key=route.places.index)
    for first, second in combinations(places, 2):
        earlier, later = sorted(by_place[first]), sorted(by_place[second])
        near, pair = _nearest(earlier, later)
        if near < route.least_between(first, second):
            alarms.add(_alarm(IMPOSSIBLE_TRAVEL, pair[0].seal, pair))
        elif later[0][0] < earlier[-1][0] and not recalled:
            alarms.add(_alarm(AGAINST_THE_ROUTE, pair[0].seal, (earlier[-1][2], later[0][2])))
    return alarms


def _nearest(
    one: Sequence[tuple[datetime, str, Event]], other: Sequence[tuple[datetime, str, Event]]
) -> tuple[timedelta, tuple[Event, Event]]:
    """Gives the two events, one of each place, that are nearest in time."""
    marked = sorted(
        [(*told, False) for told in one] + [(*told, True) for told in other],
        key=lambda told: told[:2],
    )
    neighbours = (
        (after[0] - before[0], (before[2], after[2]))
        for before, after in pairwise(marked)
        if before[3] != after[3]
    )
    return min(neighbours, key=lambda near: (near[0], near[1][0].id, near[1][1].id))


def _seal_numbers(by_seal: Mapping[str, Sequence[Event]]) -> set[Alarm]:
    """Finds physical seals on two closings: each number is used once (R4)."""
    users: dict[str, dict[str, Event]] = defaultdict(dict)
    for told in by_seal.values():
        for event in told:
            if isinstance(event.facts, Sealed):
                for number in event.facts.seals:
                    users[number][event.id] = event
    return {
        _alarm(SEAL_NUMBER_TWICE, event.seal, list(using.values()))
        for using in users.values()
        if len({event.seal for event in using.values()}) > 1
        for event in using.values()
    }


def _devices(every: Mapping[str, Event], offsets: Mapping[str, timedelta]) -> set[Alarm]:
    forked = {
        _alarm(DEVICE_FORKED, device, [every[id_] for id_ in chain.forks])
        for device, chain in device_chains(every.values()).items()
        if chain.forks
    }
    told_by = {event.device for event in every.values()}
    return forked | {
        Alarm(CLOCK_OFF, device, (), ())
        for device, offset in offsets.items()
        if device in told_by and abs(offset) > CLOCK_TOLERANCE
    }


def _time(event: Event, offsets: Mapping[str, timedelta]) -> datetime:
    return event.at - offsets.get(event.device, timedelta())


def _alarm(kind: str, subject: str, events: Iterable[Event]) -> Alarm:
    shown = list(events)
    return Alarm(
        kind,
        subject,
        tuple(sorted({event.id for event in shown})),
        tuple(sorted({event.place for event in shown})),
    )
