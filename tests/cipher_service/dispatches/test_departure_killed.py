"""The custodian is killed in every step of a departure: it leaves once, and no number is lost."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cipher_service import clock
from cipher_service.audit.journal import Journal
from cipher_service.audit.warrants import WarrantedCustodian
from cipher_service.dispatches import speaking
from cipher_service.dispatches.bureau import HeadquartersBureau
from cipher_service.dispatches.office import compositions, departing
from cipher_service.dispatches.office.departing import SYSTEM, Departing
from cipher_service.storage.tables.headquarters import intent
from cipher_service.storage.unit_of_work import reading
from keys.custody.errors import CustodianUnavailable
from tests.cipher_service.dispatches.test_sending import Founded, sqlite_only
from tests.support.cipher_office import LOG, Office
from tests.support.dying_custodian import DyingCustodian
from tests.support.ministry import HEADQUARTERS
from tests.support.sample_roll import founded_roll, officer_of
from tests.support.signing_in import PARTY, SITE


@pytest.fixture
def dying(tmp_path: Path) -> Iterator[DyingCustodian]:
    with DyingCustodian(tmp_path) as dying:
        yield dying


@sqlite_only
def test_killed_in_any_step_a_dispatch_leaves_once_and_every_number_is_told(
    engine: Engine, dying: DyingCustodian, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(engine, tmp_path)
    with reading(engine) as connection:
        people = [officer_of(connection, one.number, clock.now()) for one in office.of.values()]
    dying.found(office.ministry.custodian, founded_roll(people, PARTY, SITE.policy))
    journal = Journal(engine, LOG, SYSTEM)
    warranted = WarrantedCustodian(dying.remote, engine, LOG, SYSTEM)
    bureau = HeadquartersBureau(engine, office.ministry.blobs, warranted, HEADQUARTERS, journal)
    founded = Founded(office, dying.remote, Departing(engine, bureau, journal))

    cut = 0
    for step in count(1):
        number = office.released()
        dying.start(step)
        try:
            _send(founded, number)
        except CustodianUnavailable:
            cut += 1
        died = dying.stop()
        dying.start()
        if _state(engine, number) != "left":
            _send(founded, number)
        assert _state(engine, number) == "left"
        states, dispatches = founded.books()
        assert dispatches == states.count("issued") == step
        assert set(states) <= {"issued", "cancelled"}
        if not died:
            break
        dying.stop()
        assert step < 200
    assert cut > 5

    with reading(engine) as connection:
        numbers = list(
            connection.scalars(select(intent.c.register_number).order_by("register_number"))
        )
    assert numbers == list(range(1, len(numbers) + 1))
    monkeypatch.setattr(departing, "ABANDONED", timedelta(0))
    founded.departing.round()
    with reading(engine) as connection:
        heard = list(speaking.heard(connection, office.ministry.directory, "PARIS"))
    assert len([each for each in heard if each.verified]) == founded.books()[0].count("cancelled")
    dying.stop()


def _send(founded: Founded, number: str) -> None:
    prepared = founded.depart(number)
    founded.leave(number, prepared, *founded.sealed(prepared))


def _state(engine: Engine, number: str) -> str:
    with reading(engine) as connection:
        return compositions.read(connection, number).state
