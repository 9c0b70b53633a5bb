"""A machine at headquarters' counter: what it does, in whose name, and that it seals nothing."""

from typing import Any

import pytest

from cipher_service.errors import ServiceError
from cipher_service.pouches import packing, repository
from cipher_service.pouches.counter import OFFICERS_ALONE, Counter, command
from cipher_service.pouches.office_commands import PouchOfficeDesk
from cipher_service.storage.unit_of_work import reading, unit_of_work
from pouch.locator import locator
from pouch.manifest import BagClass
from tests.support.ministry import HEADQUARTERS, custody
from tests.support.office import PIECE, PouchBureau


@pytest.fixture
def counter(bureau: PouchBureau) -> Counter:
    desk = PouchOfficeDesk(custody(), HEADQUARTERS, now=lambda: bureau.now)
    return Counter(desk, HEADQUARTERS)


def test_a_machine_lays_pieces_in_takes_them_out_counts_and_reports(
    bureau: PouchBureau, counter: Counter
) -> None:
    handlers = counter.handlers()

    def act(name: str, officer: str = bureau.agent, **told: object) -> Any:
        payload = {"caller": HEADQUARTERS, "officer": officer, "told": told}
        with unit_of_work(bureau.engine) as connection:
            return handlers[command(name)](connection, payload)

    seal = packing.begin(
        bureau.office, bureau.departure, bureau.bag, BagClass.SECRET, by=bureau.agent
    )
    number = packing.hand_in(bureau.office, PIECE, by=bureau.agent)
    assert act("scan", seal=seal, number=number)["new"] is True
    assert act("scan", seal=seal, number=number)["new"] is False
    assert act("take-out", seal=seal)["number"] == number
    with pytest.raises(ServiceError) as refused:
        act("scan", officer=bureau.courier, seal=seal, number=number)
    assert refused.value.code == "NOT_ALLOWED"
    with reading(bureau.engine) as connection:
        assert repository.lines_of(connection, seal) == []

    counted = act("count", departure=bureau.departure, locators=[locator(bureau.bag)], place=None)
    assert (counted["missing"], counted["over"]) == ([], [seal])
    assert len(act("report", seal=seal, kind="bag-damaged")["cases"]) == 1
    with pytest.raises(ServiceError) as refused:
        act("count", departure=bureau.departure, locators=["1234"], place=None)
    assert refused.value.code == "LOCATOR_WRONG"


@pytest.mark.parametrize("name", sorted(OFFICERS_ALONE))
def test_what_binds_the_ministry_is_an_officers(
    bureau: PouchBureau, counter: Counter, name: str
) -> None:
    handler = counter.handlers()[command(name)]
    with unit_of_work(bureau.engine) as connection, pytest.raises(ServiceError) as refused:
        handler(connection, {"caller": HEADQUARTERS})
    assert refused.value.code == "OFFICER_NEEDED"


def test_headquarters_machines_take_no_device_in_and_close_no_bag_by_devices(
    counter: Counter, bureau: PouchBureau
) -> None:
    """A device's signature counts as its officer's word: headquarters' come from officers."""
    told: list[str] = []
    names = ("pouch_device", "pouch_begin", "pouch_line", "pouch_seal", "pouch_events")
    acts = {name: lambda _connection, _payload, name=name: told.append(name) for name in names}
    closed = counter.for_officers(acts)
    with reading(bureau.engine) as connection:
        for name in names[:-1]:
            member = "post" if name == "pouch_device" else "caller"
            with pytest.raises(ServiceError) as refused:
                closed[name](connection, {member: HEADQUARTERS})
            assert refused.value.code == "OFFICER_NEEDED"
            closed[name](connection, {member: "PARIS"})
        closed["pouch_events"](connection, {"caller": HEADQUARTERS})
    assert told == list(names)
