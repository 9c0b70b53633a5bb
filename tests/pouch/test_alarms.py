"""Alarms: each way in which a bag is not the bag."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pouch.alarms import (
    AGAINST_THE_ROUTE,
    ANNOUNCED_OTHERWISE,
    CLOCK_OFF,
    DEVICE_FORKED,
    IMPOSSIBLE_TRAVEL,
    OFF_ROUTE,
    RECEIVED_TWICE,
    SEAL_NUMBER_TWICE,
    SEALS_DIFFER,
    SWAPPED,
    UNANNOUNCED,
    WRONG_POST,
    Alarm,
    Announcement,
    Leg,
    Route,
    alarms_of,
    overdue,
)
from pouch.events import Event
from pouch.facts import DID_NOT_OCCUR, Corrected, Lost, Prepared, Recalled, Seen
from tests.support.bags import ANNOUNCED, NOON, ROUTE, SEAL, Device, Voyage, received, sealed

OTHER = Announcement("0b" * 16, "0" * 21 + "9", "0e" * 32, ("CM-11111", "CM-22222"), ROUTE)
KNOWN = {SEAL: ANNOUNCED, OTHER.seal: OTHER}


def _alarms(events: list[Event], offsets: dict[str, timedelta] | None = None) -> tuple[Alarm, ...]:
    return alarms_of(events, KNOWN, offsets or {})


def _kinds(events: list[Event], offsets: dict[str, timedelta] | None = None) -> set[str]:
    return {alarm.kind for alarm in _alarms(events, offsets)}


def test_an_uneventful_voyage_raises_nothing() -> None:
    assert _alarms(Voyage().events()) == ()


@pytest.mark.parametrize("online", [True, False])
def test_a_photocopied_label_at_two_posts_always_alarms(online: bool) -> None:
    """P8: told one after the other or merged later, the same alarm with both places."""
    voyage = Voyage()
    events = voyage.events()
    copy = Device("rome").tell(received(), officer="IVAN", place="ROME", minutes=575)
    merged = [*events, copy] if online else [copy, *events]
    alarms = {alarm.kind: alarm for alarm in _alarms(merged)}
    assert alarms.keys() == {RECEIVED_TWICE, OFF_ROUTE}
    assert alarms[RECEIVED_TWICE].places == ("PARIS", "ROME")
    assert alarms[RECEIVED_TWICE].events == tuple(sorted((events[4].id, copy.id)))


def test_a_copy_on_the_route_is_caught_by_its_travel_time() -> None:
    voyage = Voyage()
    events = voyage.events()
    copy = Device("cdg").tell(Seen(seals=()), officer="IVAN", place="CDG", minutes=100)
    alarms = _alarms([*events[:3], copy])
    assert {alarm.kind for alarm in alarms} == {IMPOSSIBLE_TRAVEL}
    assert all(copy.id in alarm.events for alarm in alarms)


def test_a_bag_does_not_arrive_before_it_leaves() -> None:
    voyage = Voyage()
    events = voyage.events()
    early = Device("cdg").tell(Seen(seals=()), officer="IVAN", place="CDG", minutes=-1000)
    assert AGAINST_THE_ROUTE in _kinds([*events[:3], early])
    # A recalled bag comes back.
    back = Device("desk 2").tell(received(), officer="ABENA", minutes=2000)
    recalled = voyage.desk.tell(Recalled(), officer="ABENA", minutes=600)
    seen = Device("cdg").tell(Seen(seals=()), officer="KOUR", place="CDG", minutes=500)
    assert _kinds([*events[:3], seen, recalled, back]) == set()
    assert _kinds([*events[:3], seen, back]) == {WRONG_POST, AGAINST_THE_ROUTE}
    # Whoever reports a loss may be anywhere.
    lost = Device("rome").tell(Lost(), officer="IVAN", place="ROME", minutes=501)
    assert _kinds([*events[:3], seen, lost]) == set()


def test_a_clock_off_by_a_day_neither_raises_nor_hides_an_alarm() -> None:
    voyage = Voyage()
    events = voyage.events()
    wrong = [
        replace(event, at=event.at - timedelta(days=1)) if event.device == voyage.post.id else event
        for event in events
    ]
    offsets = {voyage.post.id: timedelta(days=-1)}
    assert _kinds(wrong) >= {AGAINST_THE_ROUTE}
    put_right = [alarm.kind for alarm in _alarms(wrong, offsets) if alarm.kind != DEVICE_FORKED]
    assert put_right == [CLOCK_OFF]
    copy = Device("cdg").tell(Seen(seals=()), officer="IVAN", place="CDG", minutes=100 + 1440)
    assert _kinds([*events[:3], copy]) == set()
    ahead = {copy.device: timedelta(days=1)}
    assert _kinds([*events[:3], copy], ahead) == {IMPOSSIBLE_TRAVEL, CLOCK_OFF}
    assert _kinds(events, {"ab" * 32: timedelta(days=1)}) == set()
    assert _kinds(events, {voyage.post.id: timedelta(minutes=10)}) == set()


def test_swapped_bags() -> None:
    voyage = Voyage()
    events = voyage.events()[:4]
    events.append(
        voyage.post.tell(received(OTHER.seals), officer="PAUL", place="PARIS", minutes=570)
    )
    assert _kinds(events) == {SWAPPED}
    one_wrong = replace(events[4], facts=received(("CM-48213", "CM-90178")))
    assert _kinds([*events[:4], one_wrong]) == {SEALS_DIFFER}


def test_a_reused_seal_number() -> None:
    voyage = Voyage()
    events = voyage.events()[:2]
    again = voyage.desk.tell(
        sealed(OTHER.manifest, ("CM-48213", "CM-22222")),
        officer="ABENA",
        minutes=30,
        witness=(voyage.second, "BIYA-C"),
        seal=OTHER.seal,
        bag=OTHER.bag,
    )
    alarms = _alarms([*events, again])
    assert {alarm.kind for alarm in alarms} == {SEAL_NUMBER_TWICE, ANNOUNCED_OTHERWISE}
    assert {alarm.subject for alarm in alarms if alarm.kind == SEAL_NUMBER_TWICE} == {
        SEAL,
        OTHER.seal,
    }


def test_what_was_announced_otherwise_or_not_at_all() -> None:
    events = Voyage().events()
    assert {alarm.kind for alarm in alarms_of(events, {}, {})} == {UNANNOUNCED}
    assert alarms_of(events[:1], {}, {}) == ()
    assert events[0].facts == Prepared()
    another_bag = {SEAL: replace(ANNOUNCED, bag=OTHER.bag)}
    assert {alarm.kind for alarm in alarms_of(events, another_bag, {})} == {ANNOUNCED_OTHERWISE}
    # An item added after sealing: another manifest under the same seal.
    added = {SEAL: replace(ANNOUNCED, manifest=OTHER.manifest)}
    (alarm,) = alarms_of(events, added, {})
    assert (alarm.kind, alarm.events) == (ANNOUNCED_OTHERWISE, (events[1].id,))


def test_a_corrected_event_raises_no_alarm() -> None:
    voyage = Voyage()
    events = voyage.events()
    rome = Device("rome")
    wrong = rome.tell(received(), officer="IVAN", place="ROME", minutes=575)
    undo = voyage.desk.tell(
        Corrected(event=wrong.id, reason=DID_NOT_OCCUR, instead=()),
        officer="ABENA",
        minutes=700,
        witness=(rome, "IVAN"),
    )
    assert _alarms([*events, wrong, undo]) == ()


def test_a_copied_device_is_named() -> None:
    voyage = Voyage()
    events = voyage.events()
    copied = replace(events[4], at=events[4].at + timedelta(minutes=1))
    forked = [alarm for alarm in _alarms([*events, copied]) if alarm.kind == DEVICE_FORKED]
    assert [(alarm.subject, set(alarm.events)) for alarm in forked] == [
        (voyage.post.id, {events[4].id, copied.id})
    ]


def test_silence_is_news() -> None:
    events = Voyage().events()
    day = timedelta(days=1)
    last = events[2].at
    assert not overdue(events[:3], day, last + day, {})
    assert overdue(events[:3], day, last + day + timedelta(seconds=1), {})
    assert not overdue(events[:3], day, last + day * 2, {events[2].device: -day})
    assert not overdue(events[:1], day, NOON + day * 9, {})
    assert not overdue(events, day, NOON + day * 9, {})


@pytest.mark.parametrize(
    "legs",
    [
        (),
        (Leg("AA", "BB", timedelta()), Leg("CC", "DD", timedelta())),
        (Leg("AA", "BB", timedelta()), Leg("BB", "AA", timedelta())),
    ],
)
def test_what_is_no_route(legs: tuple[Leg, ...]) -> None:
    with pytest.raises(ValueError, match="route"):
        Route(legs)


def test_the_least_time_between_two_places() -> None:
    assert ROUTE.places == ("MINREX", "NSI", "CDG", "PARIS")
    assert ROUTE.least_between("CDG", "MINREX") == timedelta(hours=6, minutes=40)
    assert ROUTE.least_between("NSI", "NSI") == timedelta()
