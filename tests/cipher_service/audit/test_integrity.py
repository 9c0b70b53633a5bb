"""Whoever rules the database and lifts its guards is found out by `check`."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, delete, text, update

from cipher_service.audit.heads import sign_head
from cipher_service.audit.integrity import ENTRY_FALSE, HEAD_FALSE, TILE_FALSE, check_log
from cipher_service.audit.ledger import append
from cipher_service.audit.records import DONE, Event
from cipher_service.storage.tables.audit import (
    audit_checkpoint,
    audit_entry,
    audit_log,
    audit_tile,
)
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody import no_secret, open_custodian
from keys.custody.protocol import Custodian

ORIGIN = "minrex.example/audit"


@pytest.fixture(scope="module")
def keys() -> Custodian:
    return open_custodian("memory:", no_secret)


def found(engine: Engine, custodian: Custodian) -> list[tuple[str, int]]:
    with reading(engine) as connection:
        return list(check_log(connection, custodian.log_keys().note_key(ORIGIN)))


def written(engine: Engine) -> Custodian:
    custodian = open_custodian("memory:", no_secret)
    for _ in range(2):
        with unit_of_work(engine) as connection:
            append(connection, ORIGIN, [Event(1, "PARIS", "submit", DONE)] * 150)
        sign_head(engine, custodian)
    return custodian


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (lambda: update(audit_entry).where(audit_entry.c.seq == 7).values(actor="LOME"),
         [(ENTRY_FALSE, 7)]),
        (lambda: update(audit_entry).where(audit_entry.c.seq == 7).values(salt=bytes(32)),
         [(ENTRY_FALSE, 7)]),
        (lambda: update(audit_tile).values(hashes=bytes(8192)), [(TILE_FALSE, 0)]),
        (lambda: delete(audit_tile), [(TILE_FALSE, 0)]),
        (lambda: update(audit_checkpoint).where(audit_checkpoint.c.size == 150).values(note=b""),
         [(HEAD_FALSE, 150)]),
        (lambda: update(audit_log).values(size=299), [(HEAD_FALSE, 300)]),
        (lambda: delete(audit_entry).where(audit_entry.c.seq == 299),
         [(HEAD_FALSE, 300), (HEAD_FALSE, 299)]),
    ],
)  # fmt: skip
def test_what_was_changed_is_named(
    engine: Engine, statement: Callable[[], Any], expected: list[tuple[str, int]]
) -> None:
    custodian = written(engine)
    assert found(engine, custodian) == []
    with engine.connect() as connection, connection.begin():
        for lifted in guards_lifted(engine):
            connection.execute(text(lifted))
        connection.execute(statement())
        seen = list(check_log(connection, custodian.log_keys().note_key(ORIGIN)))
        connection.rollback()
    assert seen == expected


def guards_lifted(engine: Engine) -> list[str]:
    if engine.dialect.name == "postgresql":
        return ["SET LOCAL session_replication_role = replica"]
    tables = ("audit_entry", "audit_tile", "audit_checkpoint")
    return [f"DROP TRIGGER {name}_no_{act}" for name in tables for act in ("update", "delete")]


def test_another_keys_heads_are_false(engine: Engine, keys: Custodian) -> None:
    written(engine)
    assert found(engine, keys) == [(HEAD_FALSE, 150), (HEAD_FALSE, 300)]
