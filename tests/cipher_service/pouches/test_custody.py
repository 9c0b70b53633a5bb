"""Receipts, discharges, alarms: the books follow the facts, whatever order they come in."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cipher_service.clock import text
from cipher_service.pouches import cases, outcomes, repository
from cipher_service.storage.unit_of_work import reading, unit_of_work
from pouch.alarms import CLOCK_OFF, OFF_ROUTE, RECEIVED_TWICE, SWAPPED
from pouch.discrepancies import ASSESSED, BREACH, CLOSED, NOTIFIED, DiscrepancyActForbidden
from pouch.events import Event
from pouch.facts import (
    DID_NOT_OCCUR,
    Accounted,
    Corrected,
    Found,
    Lost,
    Opened,
    Recalled,
    Received,
    Seen,
)
from tests.support.bags import BAG, NONCE, NOON, SEAL, Device, received, signed
from tests.support.pouches import NUMBERS, OTHER_BAG, OTHER_SEAL, Pouches


def _alarms(pouches: Pouches, subject: str = SEAL) -> dict[str, tuple[str, ...]]:
    with reading(pouches.engine) as connection:
        return {alarm.kind: alarm.places for alarm in outcomes.alarms_about(connection, subject)}


def _cases(pouches: Pouches, seal: str = SEAL) -> list[tuple[str, str, str]]:
    with reading(pouches.engine) as connection:
        return [(row.kind, row.what, row.severity) for row in cases.cases_of(connection, seal)]


def _open(pouches: Pouches, nonce: str = NONCE) -> list[Event]:
    return [
        pouches.paris.tell(
            Opened(), officer="PAUL", place="PARIS", minutes=600, witness=(pouches.courier, "LEA")
        ),
        pouches.paris.tell(
            Accounted(nonce=nonce, complete=True), officer="PAUL", place="PARIS", minutes=640
        ),
    ]


def test_from_the_seal_to_the_discharge(pouches: Pouches) -> None:
    pouches.closed()
    first, second = pouches.journey()
    pouches.bring("MINREX", first)
    (_, arrived) = pouches.bring("PARIS", second, pouches.arrival())
    assert (arrived["receipt"], arrived["expected"], arrived["differences"]) == (
        "granted",
        NUMBERS[:2],
        (),
    )
    opened, accounted = pouches.bring("PARIS", *_open(pouches))
    assert (opened["new"], accounted["receipt"]) == (True, "granted")
    assert _alarms(pouches) == {}
    assert _cases(pouches) == []
    with reading(pouches.engine) as connection:
        closing = repository.closing_of(connection, SEAL)
        receipt = outcomes.receipt_of(connection, SEAL)
    assert closing is not None
    assert closing.stage == "accounted"
    assert receipt is not None
    assert receipt.discharge is not None
    # The bag is empty at Paris and cannot be filled at the ministry.
    assert pouches.refused("pouch_begin", pouches.begin(BAG, OTHER_SEAL)) == "BAG_NOT_HERE"


def test_facts_in_any_order_and_twice_lead_to_the_same_books(pouches: Pouches) -> None:
    pouches.closed()
    journey, arrival = pouches.journey(), pouches.arrival()
    late = [*_open(pouches)[::-1], arrival, *journey[::-1], arrival]
    answers = pouches.bring("PARIS", *late)
    assert [answer["new"] for answer in answers] == [True] * 5 + [False]
    assert [answer["receipt"] for answer in answers] == [
        "granted",
        None,
        "granted",
        None,
        None,
        "granted",
    ]
    assert all(not answer["new"] for answer in pouches.bring("PARIS", *late))
    assert _alarms(pouches) == {}


def test_expected_numbers_are_shown_to_the_receiver_only_after_typing(pouches: Pouches) -> None:
    """Blind entry: no answer shows a number before a receipt with typed ones is on record."""
    pouches.closed()
    seen = pouches.paris.tell(Seen(seals=()), officer="PAUL", place="PARIS", minutes=565)
    (looked,) = pouches.bring("PARIS", *[seen])
    assert looked["expected"] == ()
    wrong = received(("CM-48213", "CM-90178"))
    (arrived,) = pouches.bring("PARIS", pouches.arrival(facts=wrong))
    assert arrived["expected"] == NUMBERS[:2]
    assert arrived["differences"] == (("seal-differs", "CM-90178"),)
    assert _cases(pouches) == [("seal-differs", "CM-90178", BREACH)]
    # Typing again, now with the right numbers, does not undo what was typed.
    (again,) = pouches.bring("PARIS", pouches.arrival(minutes=571))
    assert (again["receipt"], again["expected"]) == ("second", ())


def test_who_carries_a_receipt_for_another_is_shown_no_number(pouches: Pouches) -> None:
    pouches.closed()
    arrival = pouches.arrival()
    (carried,) = pouches.bring("LOME", arrival)
    assert (carried["receipt"], carried["expected"]) == ("granted", ())
    (own,) = pouches.bring("PARIS", arrival)
    assert own["expected"] == NUMBERS[:2]


def test_a_receipt_once_granted_stays_as_it_was_granted(pouches: Pouches) -> None:
    pouches.closed()
    pouches.bring("PARIS", pouches.arrival())
    with reading(pouches.engine) as connection:
        first = outcomes.receipt_of(connection, SEAL)
    pouches.now = NOON + timedelta(days=1)
    pouches.bring("PARIS", *_open(pouches), pouches.arrival(minutes=700))
    with reading(pouches.engine) as connection:
        later = outcomes.receipt_of(connection, SEAL)
    assert first is not None
    assert later is not None
    assert (later.event_id, later.granted_at) == (first.event_id, first.granted_at)


def test_condition_and_weight_open_cases(pouches: Pouches) -> None:
    pouches.closed()
    damaged = Received(seals=NUMBERS[:2], condition="broken", weight_g=7100)
    (answer,) = pouches.bring("PARIS", pouches.arrival(facts=damaged))
    assert set(answer["differences"]) == {("seal-broken", ""), ("weight-differs", "")}
    with reading(pouches.engine) as connection:
        assert cases.is_disputed(connection, BAG)
        by_kind = {row.kind: row for row in cases.cases_of(connection, SEAL)}
    broken = by_kind["seal-broken"].discrepancy_id
    with unit_of_work(pouches.engine) as connection:
        for state in (NOTIFIED, ASSESSED):
            cases.take_further(connection, broken, state, officer="ABENA", now=NOON)
        with pytest.raises(DiscrepancyActForbidden):
            cases.take_further(connection, broken, CLOSED, officer="PAUL", now=NOON)
        cases.take_further(connection, broken, CLOSED, officer="ABENA", now=NOON)
        weight = by_kind["weight-differs"].discrepancy_id
        assert cases.make_breach(connection, weight, officer="ABENA", now=NOON).severity == BREACH


def test_a_wrong_nonce_gives_no_discharge(pouches: Pouches) -> None:
    """Who did not open the bag cannot say what lies in it."""
    pouches.closed()
    pouches.bring("PARIS", *pouches.journey(), pouches.arrival())
    _, accounted = pouches.bring("PARIS", *_open(pouches, nonce="00" * 16))
    assert accounted["receipt"] == "wrong-nonce"
    right = pouches.paris.tell(
        Accounted(nonce=NONCE, complete=True), officer="PAUL", place="PARIS", minutes=650
    )
    (second,) = pouches.bring("PARIS", right)
    assert second["receipt"] == "granted"


@pytest.mark.parametrize("offline", [False, True])
def test_a_photocopied_label_at_two_posts_always_alarms(pouches: Pouches, offline: bool) -> None:
    """P8: online one after the other; offline told later, the copy first."""
    pouches.closed()
    genuine = pouches.arrival()
    copy = pouches.arrival(pouches.lome, "LOME", minutes=575)
    journey = pouches.journey()
    if offline:
        (early,) = pouches.bring("LOME", copy)
        assert early["receipt"] == "withheld"
        answers = pouches.bring("PARIS", genuine, *journey)
        assert answers[0]["receipt"] == "granted"
    else:
        pouches.bring("PARIS", *journey, genuine)
        (late,) = pouches.bring("LOME", copy)
        assert late["receipt"] == "second"
        assert late["expected"] == ()
    alarms = _alarms(pouches)
    assert alarms.keys() == {RECEIVED_TWICE, OFF_ROUTE}
    assert alarms[RECEIVED_TWICE] == ("LOME", "PARIS")
    assert ("bag-copied", "", BREACH) in _cases(pouches)


def test_swapped_bags_are_noticed_at_the_seals(pouches: Pouches) -> None:
    pouches.closed()
    pouches.closed(numbers=NUMBERS[2:4], bag=OTHER_BAG, seal=OTHER_SEAL)
    (answer,) = pouches.bring("PARIS", pouches.arrival(facts=received(NUMBERS[2:4])))
    assert SWAPPED in answer["alarms"]
    assert SWAPPED in _alarms(pouches)
    assert {kind for kind, _, _ in _cases(pouches)} == {"seal-differs"}


def test_a_clock_off_by_a_day(pouches: Pouches) -> None:
    """The times are put right by the comparison at synchronisation, and its holder is told."""
    pouches.closed()
    pouches.bring("MINREX", *pouches.journey()[:1])
    pouches.now = NOON + timedelta(minutes=580)
    day = timedelta(days=1)
    arrival = pouches.arrival(minutes=570 - 24 * 60)
    (answer,) = pouches.bring(
        "PARIS", arrival, device=pouches.paris.id, clock=text(pouches.now - day)
    )
    assert answer["receipt"] == "granted"
    assert _alarms(pouches) == {}
    assert _alarms(pouches, pouches.paris.id).keys() == {CLOCK_OFF}
    # The same a day ahead, with a scan that would need an aeroplane.
    seen = pouches.lome.tell(Seen(seals=()), officer="IVAN", place="CDG", minutes=100 + 1440)
    pouches.bring("LOME", seen, device=pouches.lome.id, clock=text(pouches.now + day))
    assert "impossible-travel" in _alarms(pouches)


def test_a_device_of_another_post_receives_nothing(pouches: Pouches) -> None:
    """A courier's stolen telephone cannot receive in the post's name."""
    pouches.closed()
    forged = pouches.arrival(pouches.courier)
    (answer,) = pouches.bring("PARIS", forged)
    assert answer["receipt"] == "withheld"
    assert answer["new"] is True


def test_a_lost_bag_is_received_once_it_is_found(pouches: Pouches) -> None:
    pouches.closed()
    lost = pouches.courier.tell(Lost(), officer="KOUR", place="CDG", minutes=500)
    (answer,) = pouches.bring("PARIS", lost)
    arrived = pouches.arrival()
    assert answer["new"] is True
    (withheld,) = pouches.bring("PARIS", arrived)
    assert withheld["receipt"] == "withheld"
    found = pouches.courier.tell(
        Found(lost=lost.id),
        officer="KOUR",
        place="PARIS",
        minutes=569,
        witness=(pouches.paris, "PAUL"),
    )
    pouches.bring("PARIS", found)
    (again,) = pouches.bring("PARIS", arrived)
    assert (again["new"], again["receipt"]) == (False, "granted")


def test_a_recalled_bag_is_received_at_home(pouches: Pouches) -> None:
    pouches.closed()
    recalled = pouches.desk.tell(Recalled(), officer="ABENA", minutes=30)
    home = pouches.arrival(pouches.desk, "MINREX", minutes=90)
    answers = pouches.bring("MINREX", recalled, home)
    assert answers[1]["receipt"] == "granted"


def test_a_corrected_receipt_makes_room_for_the_right_one(pouches: Pouches) -> None:
    pouches.closed()
    wrong = pouches.arrival(facts=received(("CM-48213",)))
    right = pouches.arrival(minutes=580)
    first, second = pouches.bring("PARIS", wrong, right)
    assert (first["receipt"], second["receipt"]) == ("granted", "second")
    undo = pouches.paris.tell(
        Corrected(event=wrong.id, reason=DID_NOT_OCCUR, instead=(right.id,)),
        officer="PAUL",
        place="PARIS",
        minutes=590,
        witness=(pouches.courier, "LEA"),
    )
    pouches.bring("PARIS", undo)
    first, second = pouches.bring("PARIS", wrong, right)
    assert (first["receipt"], second["receipt"]) == ("second", "granted")
    # What was alarmed stays on record.
    assert RECEIVED_TWICE in _alarms(pouches)


def test_what_cannot_be_believed_is_refused_by_name_and_alone(pouches: Pouches) -> None:
    pouches.closed()
    good = pouches.arrival()
    stranger = Device("stranger")
    unknown = signed(stranger.tell(received(), officer="IVAN", place="PARIS"), stranger)
    forged = pouches.signed(good).replace(b'"PARIS"', b'"LOMEE"')
    payload = pouches.payload("PARIS", unknown, b"{}", forged, pouches.signed(good))
    answers = pouches.run("pouch_events", payload)
    assert [answer["refusal"] for answer in answers] == [
        "DEVICE_UNKNOWN",
        "EVENT_MALFORMED",
        "SIGNATURE_INVALID",
        None,
    ]
    assert answers[3]["receipt"] == "granted"


def test_a_revoked_device_tells_nothing_more(pouches: Pouches) -> None:
    pouches.closed()
    arrival = pouches.arrival()
    payload = pouches.payload("PARIS", pouches.signed(arrival))
    pouches.run("pouch_device_revoked", {"post": "PARIS", "device": pouches.paris.id})
    (answer,) = pouches.run("pouch_events", payload)
    assert answer["refusal"] == "DEVICE_UNKNOWN"
    (answer,) = pouches.bring("PARIS", arrival)
    assert answer["refusal"] == "DEVICE_UNKNOWN"
    again = {"post": "PARIS", "ed25519": pouches.paris.public}
    assert pouches.refused("pouch_device", again) == "DEVICE_OF_ANOTHER"
    lome = {"post": "PARIS", "device": pouches.lome.id}
    assert pouches.refused("pouch_device_revoked", lome) == "NOT_FOUND"
    nobody = {**pouches.payload("PARIS"), "device": "ab" * 32, "clock": text(NOON)}
    assert pouches.refused("pouch_events", nobody) == "DEVICE_UNKNOWN"


def test_a_copied_device_is_noticed_over_all_bags(pouches: Pouches) -> None:
    pouches.closed()
    pouches.closed(numbers=NUMBERS[2:4], bag=OTHER_BAG, seal=OTHER_SEAL)
    first = pouches.arrival()
    twin = replace(first, seal=OTHER_SEAL, bag=OTHER_BAG, facts=received(NUMBERS[2:4]))
    pouches.bring("PARIS", first)
    (answer,) = pouches.bring("PARIS", twin)
    assert answer["alarms"] == ("device-forked",)
    assert _alarms(pouches, pouches.paris.id).keys() == {"device-forked"}


def test_an_unannounced_bag_is_an_alarm(pouches: Pouches) -> None:
    stray = pouches.arrival(seal="7a" * 16)
    (answer,) = pouches.bring("PARIS", stray)
    assert (answer["receipt"], answer["alarms"]) == ("withheld", ("unannounced",))
