"""An officer has what is missing asked for again: who may, once, and not lost in between."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from cipher_service import clock
from cipher_service.audit.journal import Journal
from cipher_service.dispatches import openings, speaking
from cipher_service.dispatches.bureau import HeadquartersBureau
from cipher_service.dispatches.office import chasing
from cipher_service.dispatches.office.chasing import Chasing
from cipher_service.dispatches.openings import Opening
from cipher_service.errors import ServiceError
from cipher_service.references import new_id
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody.errors import CustodySealed
from tests.support.cipher_office import LOG, Office
from tests.support.ministry import EPOCH, HEADQUARTERS


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Office:
    found = Office(engine, tmp_path)
    arrived = Opening(
        receiver=HEADQUARTERS,
        dispatch_id=new_id(clock.now()),
        manifest_hash="ab" * 32,
        origin="PARIS",
        fingerprint="cd" * 32,
        epoch=EPOCH,
        number=3,
        level="SECRET",
        subject=b"",
    )
    with unit_of_work(engine) as connection:
        openings.admit(connection, arrived, clock.now())
    return found


def press(office: Office, who: str) -> None:
    with unit_of_work(office.engine) as connection:
        chasing.acts(office.gate, HEADQUARTERS)["numbers_chase"](
            connection, office.of[who].number, None
        )


def wanted(office: Office) -> bool:
    with reading(office.engine) as connection:
        return chasing.awaited(connection, HEADQUARTERS)


def due(office: Office) -> int:
    with reading(office.engine) as connection:
        return len(speaking.due(connection, office.ministry.directory, HEADQUARTERS))


def test_it_is_asked_once_however_often_it_is_wanted_and_outlives_a_sealed_custodian(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = Chasing(office.engine, office.bureau, Journal(office.engine, LOG, "x"), HEADQUARTERS)
    assert not asking.round()
    press(office, "CLERK")
    press(office, "CHIEF")

    def sealed(_bureau: HeadquartersBureau) -> None:
        raise CustodySealed("the keys are under seal")

    with monkeypatch.context() as under_seal:
        under_seal.setattr(HeadquartersBureau, "chase", sealed)
        with pytest.raises(CustodySealed):
            asking.round()
    assert wanted(office)
    assert due(office) == 2
    assert asking.round()
    assert not wanted(office)
    assert due(office) == 0
    assert not asking.round()


@pytest.mark.parametrize("who", ["DRAFTER", "SECURITY"])
def test_whoever_may_let_no_mail_leave_may_not_ask(office: Office, who: str) -> None:
    with pytest.raises(ServiceError) as refused:
        press(office, who)
    assert refused.value.code == "NOT_ALLOWED"
    assert not wanted(office)
