"""`check` finds every defect that is planted, and none in a sound installation."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from cipher_service import clock
from cipher_service.dispatches import departures
from cipher_service.dispatches.departures import Departure
from cipher_service.dispatches.integrity import CODES, Finding, check
from cipher_service.dispatches.sealed import seal_text
from cipher_service.references import new_id
from cipher_service.storage.blobs import SMALL, Blobs
from cipher_service.storage.engine import open_engine
from cipher_service.storage.unit_of_work import unit_of_work
from tests.support.ministry import EPOCH, HEADQUARTERS, Ministry, custody

SMALL_BODY = b"age-encryption.org/v1\nsmall"
LARGE_BODY = b"age-encryption.org/v1\n" + b"\x00" * SMALL


@pytest.fixture
def busy(ministry: Ministry) -> Ministry:
    """Three dispatches (the second one large), one departure cancelled."""
    for number, body in enumerate((SMALL_BODY, LARGE_BODY, SMALL_BODY), start=1):
        stored = None if len(body) > SMALL else body
        if stored is None:
            with ministry.blobs.spool() as spool:
                spool.write(body)
                spool.keep()
        ministry.submit(ministry.slip("PARIS", [("MINREX", number)], body), stored)
    for _ in range(2):
        intend(ministry)
    with unit_of_work(ministry.engine) as connection:
        departures.recover(connection, before=clock.now(), now=clock.now())
    return ministry


def intend(ministry: Ministry) -> None:
    directory = ministry.directory
    departure = Departure(
        dispatch_id=new_id(clock.now()),
        origin=HEADQUARTERS,
        kind="telegram",
        level="SECRET",
        drafter="A",
        authority="B",
        subject=seal_text("Objet", custody().card()),
        posts=("PARIS",),
    )
    with unit_of_work(ministry.engine) as connection:
        departures.intend(connection, departure, epoch=EPOCH, directory=directory, now=ministry.now)


def found(ministry: Ministry) -> list[Finding]:
    return list(check(ministry.engine, ministry.blobs, ministry.custodian.service_key()))


FIRST = "(SELECT seq FROM dispatch WHERE register_number = 1)"
SECOND = "(SELECT seq FROM dispatch WHERE register_number = 2)"


def harm(statement: str) -> Callable[[Ministry], None]:
    """Change the database behind the service's back.

    FIRST and SECOND stand for two dispatches, `:zero` for one zero byte.
    """
    statement = statement.replace("FIRST", FIRST).replace("SECOND", SECOND)

    def apply(ministry: Ministry) -> None:
        with unit_of_work(ministry.engine) as connection:
            values = {"zero": b"\x00"} if ":zero" in statement else {}
            connection.execute(text(statement), values)

    return apply


def large_file(ministry: Ministry) -> Path:
    return ministry.blobs.path(next(ministry.blobs.stored()))


def flip(ministry: Ministry) -> None:
    path = large_file(ministry)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def cut(ministry: Ministry) -> None:
    with large_file(ministry).open("r+b") as file:
        file.truncate(100)


def orphan(ministry: Ministry) -> None:
    with ministry.blobs.spool() as spool:
        spool.write(b"nobody named me")
        spool.keep()


def test_a_sound_installation_has_no_findings(busy: Ministry) -> None:
    assert found(busy) == []


@pytest.mark.parametrize(
    ("defect", "code"),
    [
        (lambda ministry: large_file(ministry).unlink(), "BODY_MISSING"),
        (flip, "BODY_DAMAGED"),
        (cut, "BODY_DAMAGED"),
        (orphan, "BODY_ORPHAN"),
        (harm("UPDATE envelope SET body = :zero WHERE dispatch = FIRST"), "BODY_DAMAGED"),
        (harm("UPDATE envelope SET signature = slip WHERE dispatch = FIRST"), "SLIP_INVALID"),
        (harm("UPDATE dispatch SET level = 'DR' WHERE register_number = 2"), "SLIP_INVALID"),
        (harm("UPDATE dispatch SET register_number = 9 WHERE register_number = 3"), "REGISTER_GAP"),
        (harm("UPDATE counter SET value = 4 WHERE name = 'register/2026'"), "REGISTER_COUNTER"),
        (harm("DELETE FROM receipt WHERE dispatch = SECOND"), "RECEIPT_MISSING"),
        (
            harm(
                "UPDATE receipt SET body = (SELECT body FROM receipt WHERE dispatch = "
                "FIRST) WHERE dispatch = SECOND"
            ),
            "RECEIPT_INVALID",
        ),
        (harm("UPDATE receipt SET body = :zero WHERE dispatch = SECOND"), "RECEIPT_INVALID"),
        (harm("DELETE FROM allotted WHERE number = 1"), "SERIES_GAP"),
        (harm("UPDATE series SET last = 7"), "SERIES_COUNTER"),
        (harm("UPDATE intent SET register_number = 9 WHERE register_number = 1"), "REGISTER_GAP"),
        (intend, "INTENT_OPEN"),
    ],
)
def test_a_planted_defect_is_found(
    busy: Ministry, defect: Callable[[Ministry], None], code: str
) -> None:
    defect(busy)
    assert code in {finding.code for finding in found(busy)}
    assert {finding.code for finding in found(busy)} <= set(CODES)


def test_a_lost_envelope_row_is_a_missing_body(busy: Ministry) -> None:
    harm("DELETE FROM envelope WHERE dispatch = FIRST")(busy)
    assert {finding.code for finding in found(busy)} == {"BODY_MISSING", "SLIP_INVALID"}


def test_a_finding_names_the_dispatch(busy: Ministry) -> None:
    flip(busy)
    (finding,) = found(busy)
    assert set(finding.facts) == {"dispatch_id", "sha256"}
    assert finding.facts["sha256"] == large_file(busy).name


def test_a_damaged_page_is_reported_and_not_a_crash(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "ministry.db"
    path.write_bytes(sqlite_template.read_bytes())
    engine = open_engine(f"sqlite:///{path}")
    ministry = Ministry(engine, tmp_path)
    for number in range(1, 30):
        ministry.submit(ministry.slip("PARIS", [("MINREX", number)], SMALL_BODY), SMALL_BODY)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 8192 * 8192
    data[middle : middle + 3 * 8192] = b"\xff" * (3 * 8192)
    path.write_bytes(data)
    damaged = open_engine(f"sqlite:///{path}")
    findings = list(check(damaged, ministry.blobs, ministry.custodian.service_key()))
    damaged.dispose()
    assert "DATABASE_DAMAGED" in {finding.code for finding in findings}


def test_an_empty_database_is_not_a_ministry(empty_engine: Engine, tmp_path: Path) -> None:
    findings = list(check(empty_engine, Blobs(tmp_path), custody().service_key()))
    assert [finding.code for finding in findings] == ["DATABASE_NOT_CURRENT"]
