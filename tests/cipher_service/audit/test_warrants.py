"""The service before a custodian with officers: what it asks for stands in its log, and holds."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from sqlalchemy import Engine, select

from cipher_service.audit.heads import sign_head
from cipher_service.audit.integrity import check_log
from cipher_service.audit.journal import Journal
from cipher_service.audit.warrants import Session, WarrantedCustodian
from cipher_service.storage import migrations
from cipher_service.storage.engine import open_engine
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading
from keys.age.files import encrypt
from keys.custody import Custodian, found, open_custodian, read_credential
from keys.custody.errors import GrantMissing
from keys.custody.roll_file import RollFile
from tests.support.intents import grant_of, granted
from tests.support.officers import CLERK, Ministry, found_ministry, whole_now

ORIGIN = "chiffre.example.cm/audit"
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)


@dataclass
class Office:
    """A database with its log, a custodian, and the officers whom both know."""

    engine: Engine
    custodian: Custodian
    ministry: Ministry
    store: Path
    credential: bytes

    def hire(self) -> None:
        RollFile(self.store, self.credential).write(self.ministry.roll)

    def asking(self, *, session: bool = True) -> WarrantedCustodian:
        tokens = {}
        if session:
            tokens["open"] = granted(self.ministry, self.custodian, grant_of(CLERK))
        return WarrantedCustodian(
            self.custodian, self.engine, ORIGIN, "account/chiffre", Session(CLERK, tokens)
        )

    def sealed(self, text: bytes = b"Brouillon") -> bytes:
        return encrypt(text, [self.custodian.card().recipient])

    def entries(self) -> list[tuple[Any, ...]]:
        columns = (audit_entry.c.actor, audit_entry.c.action, audit_entry.c.outcome)
        with reading(self.engine) as connection:
            return [tuple(row) for row in connection.execute(select(*columns)).all()]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    found(folder / "custodian", folder / "credential", "MINREX", START, END)
    engine = open_engine(f"sqlite:///{folder / 'ministry.db'}")
    migrations.upgrade(engine)
    engine.dispose()
    return folder


@pytest.fixture
def office(tmp_path: Path, installed: Path) -> Iterator[Office]:
    copytree(installed, tmp_path, dirs_exist_ok=True)
    store = tmp_path / "custodian"
    engine = open_engine(f"sqlite:///{tmp_path / 'ministry.db'}")
    secret = read_credential(tmp_path / "credential")
    custodian = open_custodian(f"file:{store}", lambda _: secret)
    Journal(engine, ORIGIN, "account/chiffre").effect("first").__enter__()
    yield Office(engine, custodian, found_ministry(whole_now()), store, secret)
    engine.dispose()


def test_a_trial_opens_without_more_entries(office: Office) -> None:
    before = office.entries()
    assert office.asking(session=False).open_sealed(office.sealed()) == b"Brouillon"
    assert office.entries() == before


def test_an_opening_stands_in_the_log_before_it_is_done(office: Office) -> None:
    office.hire()
    assert office.asking().open_sealed(office.sealed()) == b"Brouillon"
    assert office.entries()[1:] == [
        (CLERK, "open_sealed", "intended"),
        (CLERK, "open_sealed", "done"),
    ]
    sign_head(office.engine, office.custodian)
    with reading(office.engine) as connection:
        key = office.custodian.log_keys().note_key(ORIGIN)
        assert not list(check_log(connection, key))


def test_without_an_officer_s_session_nothing_is_opened(office: Office) -> None:
    office.hire()
    with pytest.raises(GrantMissing):
        office.asking(session=False).open_sealed(office.sealed())
    with pytest.raises(GrantMissing):
        WarrantedCustodian(office.custodian, office.engine, ORIGIN, "-").open_sealed(
            office.sealed()
        )


def test_what_the_custodian_refuses_is_in_the_log_with_its_reason(office: Office) -> None:
    office.hire()
    asking = office.asking()
    office.custodian.seal()
    with pytest.raises(Exception, match="sealed"):
        asking.open_sealed(office.sealed())
    assert office.entries()[-1] == (CLERK, "open_sealed", "refused")


def test_two_processes_that_sign_heads_at_once_do_not_disturb_each_other(office: Office) -> None:
    office.hire()
    failures: list[BaseException] = []

    def work(asking: WarrantedCustodian) -> None:
        try:
            for number in range(5):
                text = b"%d" % number
                assert asking.open_sealed(office.sealed(text)) == text
        except BaseException as error:  # noqa: BLE001  told to the test, whatever it is
            failures.append(error)

    threads = [threading.Thread(target=work, args=(office.asking(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(office.entries()) == 1 + 3 * 5 * 2
