"""The service before a custodian with officers: what it asks for stands in its log, and holds."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from typing import Any, cast

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
from keys.custody.core import Custody
from keys.custody.errors import GrantMissing
from keys.custody.frames import listen
from keys.custody.remote import RemoteCustodian
from keys.custody.roll_file import RollFile
from keys.custody.server import Server
from keys.signing import SLIP
from keys.slips import SeriesNumber, Slip, SlipAddressee
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


def test_what_two_must_grant_is_not_asked_for_by_one(office: Office) -> None:
    office.hire()
    session = Session(CLERK, {"endorse": bytes(32)})
    asking = WarrantedCustodian(office.custodian, office.engine, ORIGIN, "-", session)
    before = office.entries()
    with pytest.raises(GrantMissing, match="second officer"):
        asking.endorse_card(office.custodian.card().to_bytes())
    assert office.entries() == before


@pytest.mark.parametrize(("session", "actor"), [(True, CLERK), (False, "account/chiffre")])
def test_what_needs_no_grant_stands_under_the_officer_at_work_or_under_the_account(
    office: Office, session: bool, actor: str
) -> None:
    office.hire()
    asking = office.asking() if session else _alone(office.custodian, office.engine)
    card = office.custodian.card()
    slip = Slip(
        dispatch_id="01KAMV6R8P3ZDFWQ5XJ9T2C4EN",
        origin=card.post,
        origin_card=card.fingerprint,
        kind="telegram",
        level="SECRET",
        caveats=(),
        dtg=whole_now(),
        envelope_sha256="ab" * 32,
        envelope_size=4096,
        addressees=(
            SlipAddressee(
                "PARIS", "cd" * 32, "action", "ROUTINE", "cipher", SeriesNumber(202600, 1)
            ),
        ),
    ).encode()
    card.verifying_key.verify_ed25519(SLIP, slip, asking.sign_slip(slip))
    assert office.entries()[1:] == [(actor, "sign_slip", said) for said in ("intended", "done")]


def test_who_lets_go_of_a_warranted_custodian_lets_go_of_its_connections(
    office: Office, tmp_path: Path
) -> None:
    path = tmp_path / "door.sock"
    door = Server(cast("Custody", office.custodian), listen(path, mode=0o600), {os.geteuid()})
    serving = threading.Thread(target=door.serve, daemon=True)
    serving.start()
    remote = RemoteCustodian(path)
    asking = _alone(remote, office.engine)
    asking.card()
    assert len(remote._idle) == 1
    asking.close()
    assert remote._idle == []
    door.stop()
    serving.join()


def _alone(custodian: Custodian, engine: Engine) -> WarrantedCustodian:
    return WarrantedCustodian(custodian, engine, ORIGIN, "account/chiffre")


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
