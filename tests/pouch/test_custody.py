"""The custody chain: any order and repetition of the same facts gives the same chain."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pouch.alarms import alarms_of
from pouch.custody import (
    CORRECTED_BY_OTHERS,
    CORRECTION_CORRECTED,
    DIVERGED,
    NOT_THE_HOLDER,
    STAGES,
    TWICE,
    BagLost,
    BagRecalled,
    DeviceChain,
    Finding,
    StepForbidden,
    custody_of,
    device_chains,
    live_events,
    require_next,
    takers_of,
)
from pouch.events import Event
from pouch.facts import (
    DID_NOT_OCCUR,
    INTACT,
    Corrected,
    Found,
    HandedOver,
    Lost,
    Opened,
    Prepared,
    Recalled,
    Seen,
)
from tests.support.bags import ANNOUNCED, SEAL, Device, Voyage, received


def _contradictory() -> list[Event]:
    """A life with everything in it: a double, a fork, a correction, a loss, a clone."""
    voyage = Voyage()
    events = voyage.events()
    thief = Device("thief")
    events += [
        thief.tell(received(), officer="IVAN", place="ROME", minutes=575),
        thief.tell(Lost(), officer="IVAN", place="ROME"),
        thief.tell(Seen(seals=("CM-0001",)), officer="IVAN", place="CDG", minutes=30),
        voyage.courier.tell(
            HandedOver(ordinal=2, condition=INTACT),
            officer="IVAN",
            place="CDG",
            minutes=400,
            witness=(thief, "OLGA"),
        ),
        voyage.post.tell(
            Corrected(event=events[6].id, reason=DID_NOT_OCCUR, instead=()),
            officer="PAUL",
            place="PARIS",
            witness=(voyage.desk, "ABENA"),
        ),
    ]
    forked = replace(events[4], place="LYON")
    return [*events, forked]


CONTRADICTORY = _contradictory()


def test_an_uneventful_life() -> None:
    events = Voyage().events()
    stages: list[str | None] = []
    holders: list[str | None] = []
    for told in range(len(events) + 1):
        custody = custody_of(events[:told])
        stages.append(custody.stage)
        holders.append(custody.holder)
        assert (custody.findings, custody.missing, custody.pending) == ((), (), ())
    assert stages == [None, *STAGES[:3], STAGES[2], *STAGES[3:]]
    assert holders == [None, "ABENA", "ABENA", "KOUR", "PAUL", "PAUL", "PAUL", "PAUL"]
    assert custody_of(events).hand_overs == 2


@settings(max_examples=200)
@given(st.data())
def test_any_order_and_repetition_gives_the_same_state_and_the_same_alarms(
    data: st.DataObject,
) -> None:
    """P8, offline: what two telephones told in two cities meets later, in any order."""
    repeated = data.draw(st.lists(st.sampled_from(CONTRADICTORY), max_size=8))
    shuffled = data.draw(st.permutations(CONTRADICTORY + repeated))
    assert custody_of(shuffled) == custody_of(CONTRADICTORY)
    assert device_chains(shuffled) == device_chains(CONTRADICTORY)
    announced = {SEAL: ANNOUNCED}
    assert alarms_of(shuffled, announced, {}) == alarms_of(CONTRADICTORY, announced, {})


@settings(max_examples=200)
@given(st.data())
def test_merging_in_parts_is_merging_at_once(data: st.DataObject) -> None:
    """Any subset that came first changes nothing about the whole."""
    first = data.draw(st.lists(st.sampled_from(CONTRADICTORY), unique_by=lambda event: event.id))
    rest = [event for event in CONTRADICTORY if event not in first]
    assert custody_of([*first, *rest, *first]) == custody_of(CONTRADICTORY)
    stage = custody_of(first).stage
    # A later fact never takes a stage back, except by a correction.
    if stage and not any(isinstance(event.facts, Corrected) for event in rest):
        whole = custody_of(CONTRADICTORY).stage
        assert whole is not None
        assert STAGES.index(stage) <= STAGES.index(whole)


def test_contradictions_are_found_and_both_sides_kept() -> None:
    custody = custody_of(CONTRADICTORY)
    kinds = [finding.kind for finding in custody.findings]
    assert sorted(set(kinds)) == [DIVERGED, NOT_THE_HOLDER, TWICE]
    assert custody.lost
    assert custody.stage == Opened.kind
    assert custody.corrected == (CONTRADICTORY[6].id,)
    twice = next(finding for finding in custody.findings if finding.kind == TWICE)
    receipts = [event.id for event in CONTRADICTORY if event.kind == "received"]
    assert twice.events == tuple(sorted(receipts))
    assert custody_of(CONTRADICTORY[4:5] + CONTRADICTORY[7:8]).holder is None


def test_what_did_not_come_is_named() -> None:
    events = Voyage().events()
    custody = custody_of([events[3], events[5]])
    assert custody.missing == ("prepared", "sealed", "received", "handed-over 1")
    assert custody.findings == ()
    assert custody_of(events[4:5]).missing == ("prepared", "sealed", "handed-over")


def test_a_giver_who_did_not_hold_the_bag_is_found() -> None:
    voyage = Voyage()
    events = voyage.events()[:3]
    stranger = voyage.post.tell(
        HandedOver(ordinal=2, condition=INTACT),
        officer="PAUL",
        place="PARIS",
        witness=(voyage.courier, "LEA"),
    )
    assert custody_of([*events, stranger]).findings == (
        Finding(NOT_THE_HOLDER, tuple(sorted((events[2].id, stranger.id)))),
    )
    first = voyage.courier.tell(
        HandedOver(ordinal=1, condition=INTACT), officer="KOUR", witness=(voyage.post, "PAUL")
    )
    assert custody_of([*events[:2], first]).findings[0].kind == NOT_THE_HOLDER
    either = voyage.second.tell(
        HandedOver(ordinal=1, condition=INTACT), officer="BIYA-C", witness=(voyage.post, "PAUL")
    )
    assert custody_of([*events[:2], either]).findings == ()


def test_a_correction_undoes_and_is_not_undone() -> None:
    voyage = Voyage()
    events = voyage.events()
    desk, second = voyage.post, voyage.second
    undo = desk.tell(
        Corrected(event=events[6].id, reason=DID_NOT_OCCUR, instead=()),
        officer="ABENA",
        witness=(second, "BIYA-C"),
    )
    again = desk.tell(
        Corrected(event=undo.id, reason=DID_NOT_OCCUR, instead=()),
        officer="ABENA",
        witness=(second, "BIYA-C"),
    )
    custody = custody_of([*events, undo, again])
    assert custody.stage == Opened.kind
    assert custody.corrected == (events[6].id,)
    assert custody.findings == (Finding(CORRECTION_CORRECTED, tuple(sorted((undo.id, again.id)))),)
    assert events[6] not in live_events([*events, undo, again])
    # It came before what it corrects.
    early = custody_of([undo])
    assert early.pending == (events[6].id,)
    assert early.stage is None


def test_who_took_a_bag_is_told_by_the_hand_overs_that_count() -> None:
    voyage = Voyage()
    events = voyage.events()
    undo = voyage.desk.tell(
        Corrected(event=events[2].id, reason=DID_NOT_OCCUR, instead=()),
        officer="ABENA",
        witness=(voyage.second, "BIYA-C"),
    )

    assert takers_of(events[:2]) == frozenset()
    assert takers_of([*events, *events]) == {"KOUR", "PAUL"}
    assert takers_of([undo, *events]) == {"PAUL"}


def test_two_strangers_undo_nothing() -> None:
    """A thief with two devices cannot make a receipt unsaid."""
    voyage = Voyage()
    events = voyage.events()
    thief, other = Device("thief"), Device("other")
    undo = thief.tell(
        Corrected(event=events[4].id, reason=DID_NOT_OCCUR, instead=()),
        officer="IVAN",
        place="ROME",
        witness=(other, "OLGA"),
    )
    custody = custody_of([undo, *events])
    assert custody.corrected == ()
    assert custody.findings == (
        Finding(CORRECTED_BY_OTHERS, tuple(sorted((undo.id, events[4].id)))),
    )
    assert events[4] in live_events([undo, *events])


def test_lost_and_found() -> None:
    voyage = Voyage()
    events = voyage.events()[:3]
    lost = voyage.courier.tell(Lost(), officer="KOUR", place="CDG")
    found = voyage.courier.tell(
        Found(lost=lost.id), officer="KOUR", place="CDG", witness=(voyage.post, "PAUL")
    )
    assert custody_of([*events, lost]).lost
    assert not custody_of([found, *events, lost]).lost
    assert custody_of([*events, found]).pending == (lost.id,)


def test_each_step_at_the_desk_follows_the_one_before() -> None:
    voyage = Voyage()
    events = voyage.events()
    allowed = {
        0: {"prepared"},
        1: {"sealed"},
        2: {"handed-over", "recalled", "lost"},
        3: {"handed-over", "received", "recalled", "lost"},
        5: {"opened", "lost"},
        6: {"accounted"},
        7: set(),
    }
    kinds = {*STAGES, "recalled", "lost", "found"}
    for told, may in allowed.items():
        custody = custody_of(events[:told])
        for kind in kinds - may:
            with pytest.raises(StepForbidden):
                require_next(custody, kind)
        for kind in may | {"seen", "corrected"}:
            require_next(custody, kind)


def test_a_lost_bag_is_found_first_and_a_recalled_one_stays_closed() -> None:
    voyage = Voyage()
    events = voyage.events()
    lost = voyage.courier.tell(Lost(), officer="KOUR", place="CDG")
    recalled = voyage.desk.tell(Recalled(), officer="ABENA")
    with pytest.raises(BagLost):
        require_next(custody_of([*events[:4], lost]), "received")
    require_next(custody_of([*events[:4], lost]), "found")
    back = custody_of([*events[:5], recalled])
    assert back.recalled
    with pytest.raises(BagRecalled):
        require_next(back, "opened")
    require_next(custody_of([*events[:4], recalled]), "received")


@pytest.mark.parametrize("told", [2, 4, 5])
def test_a_recalled_bag_comes_back_from_wherever_it_is_and_is_opened_at_its_origin(
    told: int,
) -> None:
    """Still at home; with the courier; received at the post before the recall was known there."""
    voyage = Voyage()
    events = voyage.events()[:told]
    events.append(voyage.desk.tell(Recalled(), officer="ABENA"))
    require_next(custody_of(events), "handed-over")
    require_next(custody_of(events), "received")

    events.append(voyage.desk.tell(received(), officer="ABENA"))

    home = custody_of(events)
    assert (home.recalled, home.returned) == (True, True)
    require_next(home, "opened")
    for kind in ("received", "handed-over", "recalled"):
        with pytest.raises(StepForbidden):
            require_next(home, kind)


def test_two_closings_are_not_mixed() -> None:
    device = Device("one")
    first = device.tell(Prepared(), officer="ABENA")
    second = device.tell(Prepared(), officer="ABENA", seal="0" * 32)
    with pytest.raises(ValueError, match="two closings"):
        custody_of([first, second])


def test_a_device_s_numbering_shows_gaps_and_forks() -> None:
    device = Device("one")
    events = [device.tell(Seen(seals=()), officer="ABENA", minutes=m) for m in range(5)]
    assert device_chains(events) == {device.id: DeviceChain(5, (), ())}
    assert device_chains([events[4], events[1]]) == {device.id: DeviceChain(5, (1, 3, 4), ())}
    copied = replace(events[2], place="ROME")
    chain = device_chains([*events, copied])[device.id]
    assert set(chain.forks) == {events[2].id, copied.id}
    astray = replace(events[3], previous="ab" * 32)
    assert device_chains([*events[:3], astray])[device.id].forks == (astray.id,)
