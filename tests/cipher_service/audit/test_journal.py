"""Acts outside the registrar: no act without its entry, no entry without its act."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, select, text

from cipher_service import clock
from cipher_service.audit.journal import Found, Journal
from cipher_service.directory import enrolment
from cipher_service.directory.register import read_directory
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys import canonical
from tests.support.ministry import Ministry

ORIGIN = "ministry.example/audit"
DISPATCH = "01KAMV6R8P3ZDFWQ5XJ9T2C4EN"
Row = tuple[str, str, str | None, str | None]


@pytest.fixture
def ministry(engine: Engine, tmp_path: Path) -> Ministry:
    return Ministry(engine, tmp_path)


@pytest.fixture
def journal(ministry: Ministry) -> Journal:
    return Journal(ministry.engine, ORIGIN, "account/chiffre")


def entries(ministry: Ministry) -> list[Row]:
    with reading(ministry.engine) as connection:
        records = connection.scalars(select(audit_entry.c.record).order_by(audit_entry.c.seq))
        said = [canonical.decode(bytes(record)) for record in records]
    assert {record["actor"] for record in said} <= {"account/chiffre"}
    return [
        (record["action"], record["outcome"], record.get("resource"), record.get("reason"))
        for record in said
    ]


def actors(ministry: Ministry) -> list[str]:
    with reading(ministry.engine) as connection:
        records = connection.scalars(select(audit_entry.c.record).order_by(audit_entry.c.seq))
        return [canonical.decode(bytes(record))["actor"] for record in records]


def state(ministry: Ministry, post: str) -> str:
    with reading(ministry.engine) as connection:
        return str(read_directory(connection).post(post).state)


def _suspend(connection: Connection) -> None:
    enrolment.suspend(connection, "PARIS", clock.now())


def _suspend_and_refuse(connection: Connection, found: Found | None = None, *signers: str) -> None:
    _suspend(connection)
    if found is not None:
        found.signers = signers
    raise ServiceError("NOT_FOUND")


def test_an_act_and_its_entry_are_one_commit(ministry: Ministry, journal: Journal) -> None:
    with journal.act("post_suspend", "PARIS") as connection:
        _suspend(connection)
        assert entries(ministry) == []

    assert state(ministry, "PARIS") == "suspended"
    assert entries(ministry) == [("post_suspend", "done", "PARIS", None)]


def test_a_refusal_undoes_the_act_and_outlives_it(ministry: Ministry, journal: Journal) -> None:
    with pytest.raises(ServiceError), journal.act("post_suspend", "PARIS") as connection:
        _suspend_and_refuse(connection)

    assert state(ministry, "PARIS") == "active"
    assert entries(ministry) == [("post_suspend", "refused", "PARIS", "NOT_FOUND")]


def test_a_refusal_is_of_who_had_signed_until_then(ministry: Ministry, journal: Journal) -> None:
    """An account types for several officers: whoever signed it is who was refused."""
    found = Found()
    with pytest.raises(ServiceError), journal.act("post_suspend", "PARIS", found) as connection:
        _suspend_and_refuse(connection, found, "OFF-000003", "OFF-000018")
    with pytest.raises(ServiceError), journal.act("post_suspend", "PARIS", Found()) as connection:
        _suspend_and_refuse(connection)

    assert actors(ministry) == ["OFF-000003", "account/chiffre"]


def test_what_fails_is_recorded_without_its_text(ministry: Ministry, journal: Journal) -> None:
    with pytest.raises(OSError, match="secret"), journal.act("bureau_send"):
        raise OSError("the subject is secret")

    assert entries(ministry) == [("bureau_send", "failed", None, None)]


def test_what_cannot_be_recorded_is_not_done(ministry: Ministry, journal: Journal) -> None:
    """The log refuses the entry, as a full disk would: the act is undone with it."""
    with journal.act("post_resume", "LOME"):
        pass
    with unit_of_work(ministry.engine) as connection:
        connection.execute(text("UPDATE audit_log SET peaks = :none"), {"none": b""})

    with pytest.raises(ServiceError), journal.act("post_suspend", "PARIS") as connection:
        _suspend(connection)

    assert state(ministry, "PARIS") == "active"
    with pytest.raises(ServiceError), journal.effect("bureau_open"):
        pytest.fail("the effect took place")


def test_an_effect_is_intended_in_a_commit_before_it(ministry: Ministry, journal: Journal) -> None:
    with journal.effect("bureau_open", DISPATCH):
        assert entries(ministry) == [("bureau_open", "intended", DISPATCH, None)]

    assert entries(ministry)[1:] == [("bureau_open", "done", DISPATCH, None)]


def test_an_effect_that_is_refused_has_its_outcome_too(
    ministry: Ministry, journal: Journal
) -> None:
    with pytest.raises(ServiceError), journal.effect("bureau_open", DISPATCH):
        raise ServiceError("NOT_FOUND")

    assert [row[1] for row in entries(ministry)] == ["intended", "refused"]
