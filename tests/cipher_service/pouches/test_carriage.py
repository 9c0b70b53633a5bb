"""Headquarters carries, counts, receives, opens and accounts for bags."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from cipher_service.errors import ServiceError
from cipher_service.pouches import (
    carriage,
    cases,
    handing_in,
    mishaps,
    outcomes,
    planning,
    repository,
    seal_store,
    stock,
    views,
)
from cipher_service.pouches.carriage import Counted
from cipher_service.storage.unit_of_work import reading
from keys.errors import Refusal
from pouch.custody import BagLost, StepForbidden
from pouch.discrepancies import DiscrepancyActForbidden
from pouch.events import Event
from pouch.facts import BROKEN, INTACT, Recalled, Received
from pouch.locator import grouped_locator, locator, read_locator
from tests.support.bags import NONCE, signed
from tests.support.inbound import BAG, SEAL, SEALS, WEIGHT, Inbound, run, sent_from_paris
from tests.support.office import PouchBureau


@pytest.fixture
def inbound(bureau: PouchBureau) -> Inbound:
    made = sent_from_paris(bureau)
    made.arrive()
    return made


def refused(act: Callable[[], object]) -> str:
    with pytest.raises((ServiceError, Refusal)) as caught:
        act()
    return str(getattr(caught.value, "code", ""))


def kinds(bureau: PouchBureau, seal: str) -> list[tuple[str, str]]:
    with reading(bureau.engine) as connection:
        return [(row.kind, row.what) for row in cases.cases_of(connection, seal)]


def taken(inbound: Inbound) -> None:
    """The courier hands the bag to the bureau's agent."""
    bureau = inbound.bureau
    carriage.hand_over(
        bureau.office, locator(BAG), by=bureau.courier, to=bureau.agent, condition=INTACT
    )


def receive(inbound: Inbound, *seals: str, weight_g: int | None = WEIGHT) -> dict[str, object]:
    bureau = inbound.bureau
    return carriage.receive(
        bureau.office,
        grouped_locator(BAG),
        by=bureau.agent,
        seals=seals,
        condition=INTACT,
        weight_g=weight_g,
    )


def test_a_bag_from_a_post_is_received_opened_and_discharged(inbound: Inbound) -> None:
    bureau = inbound.bureau
    taken(inbound)

    answer = receive(inbound, "pa-000002", "PA-000001")
    assert answer["receipt"] == "granted"
    assert answer["expected"] == SEALS
    assert answer["differences"] == ()
    carriage.open_bag(bureau.office, SEAL, by=bureau.chief, second=bureau.second)
    done = carriage.account(
        bureau.office, SEAL, Counted(), nonce=NONCE, by=bureau.chief, second=bureau.second
    )

    assert done["receipt"] == "granted"
    with reading(bureau.engine) as connection:
        held = outcomes.receipt_of(connection, SEAL)
        assert held is not None
        assert held.discharge is not None
        closing = repository.closing_of(connection, SEAL)
        assert closing is not None
        assert closing.stage == "accounted"
        last = repository.events_of(connection, SEAL)[-1]
        assert last.witness is not None
    assert kinds(bureau, SEAL) == []


def test_a_courier_s_right_on_a_bag_ends_with_its_receipt(inbound: Inbound) -> None:
    bureau = inbound.bureau

    def shown() -> list[str]:
        return [line.seal for line in views.under_way(bureau.office, by=bureau.courier)]

    taken(inbound)
    assert shown() == [SEAL]
    receive(inbound, *SEALS)

    assert shown() == []
    assert [line.seal for line in views.under_way(bureau.office, by=bureau.agent)] == [SEAL]
    assert (
        refused(lambda: views.journey(bureau.office, SEAL, by=bureau.courier)) == "CLOSING_UNKNOWN"
    )
    back = {"by": bureau.agent, "to": bureau.courier, "condition": INTACT}
    assert refused(lambda: carriage.hand_over(bureau.office, SEAL, **back)) == "NOT_ALLOWED"


def test_the_expected_numbers_are_shown_only_after_the_typed_ones_are_on_record(
    inbound: Inbound,
) -> None:
    taken(inbound)

    answer = receive(inbound, "PA-000001", "PA-000009", weight_g=WEIGHT - 400)

    assert answer["expected"] == SEALS
    found = {("seal-differs", "PA-000009"), ("weight-differs", "")}
    assert found <= set(answer["differences"])  # type: ignore[call-overload]  # a tuple of pairs
    assert found <= set(kinds(inbound.bureau, SEAL))


def test_what_is_short_over_damaged_or_unlisted_opens_a_case_each(inbound: Inbound) -> None:
    bureau = inbound.bureau
    taken(inbound)
    receive(inbound, *SEALS)
    carriage.open_bag(bureau.office, SEAL, by=bureau.chief, second=bureau.second)
    counted = Counted({1: 0, 2: 5}, frozenset({3}), frozenset({3}), unlisted=1)

    answer = carriage.account(
        bureau.office, SEAL, counted, nonce=NONCE, by=bureau.chief, second=bureau.second
    )

    assert set(kinds(bureau, SEAL)) == {
        ("missing", "1"), ("over", "2"), ("damaged", "3"), ("wrong-addressee", "3"),
        ("unlisted", "1"),
    }  # fmt: skip
    assert len(answer["differences"]) == 5
    with reading(bureau.engine) as connection:
        event = repository.events_of(connection, SEAL)[-1]
        assert event.facts.complete is False  # type: ignore[attr-defined]  # it is `accounted`


def test_a_wrong_secret_discharges_nothing(inbound: Inbound) -> None:
    bureau = inbound.bureau
    taken(inbound)
    receive(inbound, *SEALS)
    carriage.open_bag(bureau.office, SEAL, by=bureau.chief, second=bureau.second)

    answer = carriage.account(
        bureau.office, SEAL, Counted(), nonce="00" * 16, by=bureau.chief, second=bureau.second
    )

    assert answer["receipt"] == "wrong-nonce"
    with reading(bureau.engine) as connection:
        held = outcomes.receipt_of(connection, SEAL)
        assert held is not None
        assert held.discharge is None


def test_nobody_opens_alone_or_before_the_receipt(inbound: Inbound) -> None:
    bureau = inbound.bureau
    taken(inbound)

    def open_by(by: str, second: str) -> str:
        return refused(lambda: carriage.open_bag(bureau.office, SEAL, by=by, second=second))

    assert open_by(bureau.chief, bureau.second) == "RECEIPT_MISSING"
    receive(inbound, *SEALS)
    assert open_by(bureau.chief, bureau.chief) == "NOT_ALLOWED"
    assert open_by(bureau.agent, bureau.second) == "NOT_ALLOWED"
    assert open_by(bureau.chief, bureau.courier) == "NOT_ALLOWED"


def test_who_does_not_hold_a_bag_does_not_give_it(inbound: Inbound) -> None:
    bureau = inbound.bureau

    def give(by: str, to: str) -> str:
        return refused(
            lambda: carriage.hand_over(bureau.office, SEAL, by=by, to=to, condition=INTACT)
        )

    assert give(bureau.chief, bureau.agent) == "NOT_THE_HOLDER"
    other = bureau.person("COURIER")
    assert give(other, bureau.agent) == "NOT_ALLOWED"


def test_two_persons_destroy_what_is_in_an_opened_bag_once(inbound: Inbound) -> None:
    bureau = inbound.bureau
    taken(inbound)
    receive(inbound, *SEALS)

    def destroy(*lines: int, second: str = bureau.second) -> None:
        carriage.destroy(
            bureau.office, SEAL, lines, ordered_by="Chef de mission", method="incinération",
            by=bureau.chief, second=second,
        )  # fmt: skip

    assert refused(lambda: destroy(1)) == "BAG_NOT_OPEN"
    carriage.open_bag(bureau.office, SEAL, by=bureau.chief, second=bureau.second)
    assert refused(lambda: destroy(1, second=bureau.chief)) == "NOT_ALLOWED"
    assert refused(lambda: destroy(1, 9)) == "LINE_UNKNOWN"
    destroy(1, 2)
    assert refused(lambda: destroy(2)) == "LINE_DESTROYED"
    with reading(bureau.engine) as connection:
        gone = repository.destructions_of(connection, SEAL)
        assert [(row.line, row.first, row.second) for row in gone] == [
            (1, bureau.chief, bureau.second), (2, bureau.chief, bureau.second),
        ]  # fmt: skip


def test_a_bag_leaves_by_hand_over_and_is_counted_at_the_airport(bureau: PouchBureau) -> None:
    kept = bureau.closed()
    bag = kept.sealed.manifest.bag
    assert carriage.hand_over(
        bureau.office, locator(bag), by=bureau.chief, to=bureau.courier, condition=INTACT
    ) == 1  # fmt: skip

    def count(*bags: str) -> carriage.CountedBags:
        return carriage.count(
            bureau.office, bureau.departure, map(locator, bags), by=bureau.agent, place="NSI"
        )

    assert count(bag).complete
    stranger = "1" * 22
    short = count(stranger)
    assert not short.complete
    assert short.strangers == (stranger,)
    assert kinds(bureau, kept.sealed.manifest.seal) == [("bag-missing", "")]
    with reading(bureau.engine) as connection:
        events = repository.events_of(connection, kept.sealed.manifest.seal)
    assert [(event.kind, event.place) for event in events[-2:]] == [
        ("handed-over", "MINREX"),
        ("seen", "NSI"),
    ]


def test_one_person_reports_a_loss_and_two_end_it(bureau: PouchBureau) -> None:
    kept = bureau.closed()
    seal = kept.sealed.manifest.seal
    bureau.now += timedelta(hours=1)
    mishaps.lose(bureau.office, seal, by=bureau.agent)

    with pytest.raises(BagLost):
        carriage.hand_over(
            bureau.office, seal, by=bureau.chief, to=bureau.courier, condition=INTACT
        )
    assert kinds(bureau, seal) == [("bag-missing", "")]
    assert refused(
        lambda: mishaps.recover(bureau.office, seal, by=bureau.agent, second=bureau.agent)
    ) == "EVENT_MALFORMED"  # fmt: skip
    mishaps.recover(bureau.office, seal, by=bureau.agent, second=bureau.second)
    carriage.hand_over(bureau.office, seal, by=bureau.chief, to=bureau.courier, condition=BROKEN)
    with pytest.raises(StepForbidden):
        mishaps.recover(bureau.office, seal, by=bureau.agent, second=bureau.second)


def test_a_bag_is_recalled_by_its_origin_on_its_way_only(bureau: PouchBureau) -> None:
    unsealed = bureau.packed()
    with pytest.raises(StepForbidden):
        mishaps.recall(bureau.office, unsealed, by=bureau.agent)
    kept = bureau.closed(2, planning.add_bag(bureau.office, by=bureau.chief))

    mishaps.recall(bureau.office, kept.sealed.manifest.seal, by=bureau.agent)

    with reading(bureau.engine) as connection:
        closing = repository.closing_of(connection, kept.sealed.manifest.seal)
        assert closing is not None
        assert closing.recalled


def test_a_recalled_bag_is_opened_at_its_origin_and_what_was_in_it_waits_again(
    bureau: PouchBureau,
) -> None:
    office = bureau.office
    kept = bureau.closed()
    seal = kept.sealed.manifest.seal
    give = {"condition": INTACT, "by": bureau.chief, "to": bureau.courier}
    carriage.hand_over(office, seal, **give)
    mishaps.recall(office, seal, by=bureau.agent)
    bureau.now += timedelta(hours=1)
    pair = {"by": bureau.chief, "second": bureau.second}
    assert refused(lambda: carriage.open_bag(office, seal, **pair)) == "RECEIPT_MISSING"

    carriage.hand_over(office, seal, condition=INTACT, by=bureau.courier, to=bureau.agent)
    answer = carriage.receive(
        office, seal, by=bureau.agent, seals=kept.sealed.manifest.seals, condition=INTACT,
        weight_g=None,
    )  # fmt: skip
    assert (answer["receipt"], answer["alarms"]) == ("granted", ())
    carriage.open_bag(office, seal, **pair)
    done = carriage.account(office, seal, Counted(), nonce=kept.nonce, **pair)

    assert done["receipt"] == "granted"
    assert kinds(bureau, seal) == []
    assert bureau.bag.replace(" ", "") in {
        read_locator(each) for each in views.bags_at_hand(office, by=bureau.chief)
    }
    with reading(bureau.engine) as connection:
        assert len(handing_in.waiting(connection, "PARIS")) == 2
        assert len(repository.lines_of(connection, seal)) == 2, "the bordereau stays as it was"
        assert stock.applied_to(connection, seal) == []


def test_a_bag_recalled_after_it_arrived_is_not_opened_there_but_goes_back(
    inbound: Inbound,
) -> None:
    """The recall of Paris comes when headquarters has received: nobody there may open it."""
    bureau = inbound.bureau
    taken(inbound)
    receive(inbound, *SEALS)
    told = inbound.tell(inbound.clerk, Recalled(), inbound.people[0])
    tell_from_paris(inbound, told)

    opened = refused(
        lambda: carriage.open_bag(bureau.office, SEAL, by=bureau.chief, second=bureau.second)
    )
    assert opened == "BAG_RECALLED"
    carriage.hand_over(bureau.office, SEAL, condition=INTACT, by=bureau.agent, to=bureau.courier)
    bureau.now += timedelta(hours=9)
    home = inbound.tell(inbound.clerk, Received(SEALS, INTACT, WEIGHT), inbound.people[0])
    tell_from_paris(inbound, home)

    with reading(bureau.engine) as connection:
        held = outcomes.receipt_of(connection, SEAL)
    assert held is not None
    assert (held.post, held.event_id) == ("PARIS", home.id)


def tell_from_paris(inbound: Inbound, event: Event) -> None:
    payload = {
        "caller": "PARIS",
        "events": [[signed(event, inbound.clerk), None]],
        "device": None,
        "clock": None,
    }
    run(inbound.bureau, "pouch_events", payload)


def test_a_case_goes_its_way_and_its_reporter_does_not_close_it(bureau: PouchBureau) -> None:
    seal = bureau.closed().sealed.manifest.seal
    assert refused(
        lambda: mishaps.report(bureau.office, seal, "missing", by=bureau.agent)
    ) == "KIND_UNKNOWN"  # fmt: skip
    (case,) = mishaps.report(bureau.office, seal, "bag-detained", by=bureau.agent)

    mishaps.raise_case(bureau.office, case, by=bureau.agent)
    for state in ("notified", "assessed"):
        mishaps.advance(bureau.office, case, state, by=bureau.agent)
    with pytest.raises(DiscrepancyActForbidden):
        mishaps.advance(bureau.office, case, "closed", by=bureau.agent)
    mishaps.advance(bureau.office, case, "closed", by=bureau.chief)
    assert refused(
        lambda: mishaps.advance(bureau.office, "nothing", "closed", by=bureau.chief)
    ) == "CASE_UNKNOWN"  # fmt: skip


def test_an_opened_bags_seals_are_broken_in_their_own_posts_register(inbound: Inbound) -> None:
    bureau = inbound.bureau
    taken(inbound)
    receive(inbound, *SEALS)
    with reading(bureau.engine) as connection:
        assert stock.applied_to(connection, SEAL) == list(SEALS)

    carriage.open_bag(bureau.office, SEAL, by=bureau.chief, second=bureau.second)

    with reading(bureau.engine) as connection:
        assert stock.applied_to(connection, SEAL) == []
    assert (
        refused(
            lambda: seal_store.destroy(bureau.office, SEALS, by=bureau.chief, second=bureau.agent)
        )
        == "SEAL_NOT_IN_HAND"
    )
