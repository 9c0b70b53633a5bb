"""What two officers sign besides sealing: each move of the stock, a bag found, the discharge."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Connection

from cipher_service.errors import ServiceError
from cipher_service.identity import approvals
from cipher_service.pouches import carriage, cases, mishaps, outcomes, repository, stock
from cipher_service.pouches.carriage import Counted
from cipher_service.pouches.pair_commands import DISCHARGE, FIND, STOCK, PairDesk
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.acts import Act
from pouch.facts import INTACT
from pouch.manifest import BagClass
from tests.support.bags import NONCE
from tests.support.inbound import SEAL, SEALS, WEIGHT, sent_from_paris
from tests.support.ministry import HEADQUARTERS, custody
from tests.support.office import PouchBureau


class Pair:
    """The desk, and what it put before the officers."""

    def __init__(self, bureau: PouchBureau, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bureau = bureau
        self.desk = PairDesk(custody(), HEADQUARTERS, now=lambda: bureau.now)
        self.asked: list[bytes] = []
        monkeypatch.setattr(approvals, "ask", self._ask)

    def _ask(self, _connection: Connection, _officer: str, body: bytes, *_rest: object) -> str:
        self.asked.append(body)
        return "ticket"

    def ask(self, name: str, payload: Mapping[str, Any]) -> Act:
        with unit_of_work(self.bureau.engine) as connection:
            told = self.desk.acts()[name](connection, self.bureau.chief, {"back": "/", **payload})
        assert told == {"ticket": "ticket"}
        return Act.parse(self.asked[-1])

    def do(self, act: Act) -> None:
        executor = self.desk.executors()[act.kind]
        with unit_of_work(self.bureau.engine) as connection:
            assert executor.version(connection, act) == act.version
            executor.perform(connection, act, self.bureau.second, self.bureau.now)


@pytest.fixture
def pair(bureau: PouchBureau, monkeypatch: pytest.MonkeyPatch) -> Pair:
    return Pair(bureau, monkeypatch)


def test_each_movement_of_the_stock_is_asked_and_done(pair: Pair) -> None:
    bureau = pair.bureau

    def move(kind: str, *numbers: str, count: int = 0) -> Act:
        told = {"move": kind, "numbers": numbers, "count": count, "sort": "plastic"}
        act = pair.ask("bag_ask_stock", told)
        assert act.kind == STOCK
        return act

    def states() -> dict[str, int]:
        with reading(bureau.engine) as connection:
            return stock.counts(connection, HEADQUARTERS)

    before = states()
    pair.do(move("take-in", "nv-000001"))
    assert states()["stocked"] == before["stocked"] + 1
    late = move("issue", count=1)
    pair.do(move("issue", count=2))
    assert states()["issued"] == before["issued"] + 2
    with pytest.raises(AssertionError):
        pair.do(late)  # the register went on since: its version is another
    pair.do(move("void", bureau.seals[0]))
    pair.do(move("destroy", bureau.seals[0]))
    assert states()["destroyed"] == 1
    with pytest.raises(ServiceError) as refused:
        move("void")
    assert refused.value.code == "SEAL_NUMBERS_MALFORMED"


def test_a_lost_bag_is_found_by_two(pair: Pair) -> None:
    bureau = pair.bureau
    seal = bureau.closed().sealed.manifest.seal
    mishaps.lose(bureau.office, seal, by=bureau.agent)
    act = pair.ask("bag_ask_find", {"seal": seal})
    assert act.kind == FIND
    pair.do(act)
    with reading(bureau.engine) as connection:
        closing = repository.closing_of(connection, seal)
        last = repository.events_of(connection, seal)[-1]
    assert closing is not None
    assert not closing.lost
    assert last.witness is not None
    assert (last.officer, last.witness.officer) == (bureau.chief, bureau.second)


def test_a_controlled_bag_is_discharged_by_two_alone(pair: Pair) -> None:
    bureau = pair.bureau
    sent_from_paris(bureau).arrive()
    office = bureau.office
    carriage.hand_over(office, SEAL, by=bureau.courier, to=bureau.agent, condition=INTACT)
    carriage.receive(office, SEAL, by=bureau.agent, seals=SEALS, condition=INTACT, weight_g=WEIGHT)
    carriage.open_bag(office, SEAL, by=bureau.chief, second=bureau.second)
    with unit_of_work(bureau.engine) as connection:
        controlled = BagClass.CONTROLLED.value
        repository.change_closing(connection, SEAL, bag_class=controlled)

    with pytest.raises(ServiceError) as refused:
        carriage.account(office, SEAL, Counted(), nonce=NONCE, by=bureau.chief, second=None)
    assert refused.value.code == "TWO_PERSONS_NEEDED"
    found = {"found": {"1": 0}, "damaged": [2], "misdirected": [], "unlisted": 0}
    act = pair.ask("bag_ask_discharge", {"seal": SEAL, "nonce": NONCE, **found})
    assert act.kind == DISCHARGE
    pair.do(act)
    with reading(bureau.engine) as connection:
        held = outcomes.receipt_of(connection, SEAL)
        kinds = {(row.kind, row.what) for row in cases.cases_of(connection, SEAL)}
    assert held is not None
    assert held.discharge is not None
    assert kinds == {("missing", "1"), ("damaged", "2")}
