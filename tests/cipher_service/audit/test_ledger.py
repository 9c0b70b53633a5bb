"""Every act and every refusal leaves its entry; the tree over them is the one outsiders compute."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, func, select, text, update
from sqlalchemy.exc import DBAPIError

from cipher_service.audit.heads import sign_head
from cipher_service.audit.ledger import append, entries, latest_note, size_and_origin, tree
from cipher_service.audit.recorder import SILENT, Recorder, event_of
from cipher_service.audit.records import DONE, REFUSED, Event
from cipher_service.dispatches.sealing import ReceiptSealer
from cipher_service.errors import ServiceError
from cipher_service.storage import counters
from cipher_service.storage.batch import Batches, BeforeCommit, Outcome, Request
from cipher_service.storage.tables.audit import audit_checkpoint, audit_entry, audit_tile
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys import canonical
from keys.custody import no_secret, open_custodian
from keys.log.checkpoints import Checkpoint, read_checkpoint
from keys.log.errors import LogForked, LogRolledBack
from keys.log.leaves import require_record
from keys.log.notes import Note
from keys.merkle import leaf_hash, root
from tests.support.ministry import HEADQUARTERS, Ministry

ORIGIN = "minrex.example/audit"


def event(number: int) -> Event:
    return Event(1_700_000_000_000_000 + number, "PARIS", "submit", DONE, resource=f"D{number}")


def write(engine: Engine, count: int, first: int = 0) -> None:
    with unit_of_work(engine) as connection:
        append(connection, ORIGIN, [event(number) for number in range(first, first + count)])


def rows(engine: Engine) -> Sequence[Any]:
    with reading(engine) as connection:
        return connection.execute(select(audit_entry).order_by(audit_entry.c.seq)).all()


@pytest.mark.parametrize("steps", [(1,), (3, 5), (255, 1), (256, 257), (700,), (300, 300, 1)])
def test_the_tree_is_the_one_over_the_entries(engine: Engine, steps: tuple[int, ...]) -> None:
    for step in steps:
        write(engine, step)
    found = rows(engine)
    for row in found:
        require_record(row.entry, row.record, row.salt)
        assert canonical.decode(row.record)["seq"] == row.seq
    with reading(engine) as connection:
        size, origin = size_and_origin(connection)
        assert (size, origin) == (sum(steps), ORIGIN)
        leaves = [leaf_hash(row.entry) for row in found]
        assert tree(connection, size).root() == root(leaves)
        assert entries(connection, 0, size) == [row.entry for row in found]


def test_an_undone_act_leaves_no_entry(engine: Engine) -> None:
    write(engine, 2)
    with contextlib.suppress(ZeroDivisionError), unit_of_work(engine) as connection:
        append(connection, ORIGIN, [event(2)])
        raise ZeroDivisionError
    write(engine, 1, first=2)
    assert [row.seq for row in rows(engine)] == [0, 1, 2]


@pytest.mark.parametrize("table", [audit_entry, audit_tile, audit_checkpoint])
def test_no_statement_changes_or_removes_a_row(engine: Engine, table: Any) -> None:
    write(engine, 256)
    sign_head(engine, open_custodian("memory:", no_secret))
    column = {audit_entry: "actor", audit_tile: "level", audit_checkpoint: "signed_at"}[table]
    for statement in (delete(table), update(table).values({column: table.c[column]})):
        with pytest.raises(DBAPIError, match="append-only"), unit_of_work(engine) as connection:
            connection.execute(statement)


# The registrar's commands


def take(connection: Connection, _payload: object) -> int:
    return counters.advance(connection, "a")


def take_and_refuse(connection: Connection, _payload: object) -> None:
    counters.advance(connection, "a")
    raise ServiceError("REFUSED_HERE")


def take_and_break(connection: Connection, _payload: object) -> None:
    counters.advance(connection, "a")
    raise ZeroDivisionError


HANDLERS = {"take": take, "refuse": take_and_refuse, "break": take_and_break, "health": take}


def batches(engine: Engine, then: BeforeCommit | None = None) -> Batches:
    recorder = Recorder(ORIGIN)

    def last(connection: Connection, outcomes: Sequence[Outcome]) -> None:
        recorder.before_commit(connection, outcomes)
        if then is not None:
            then(connection, outcomes)

    return Batches(engine, HANDLERS, last)


def told(engine: Engine) -> list[tuple[str, str, str | None]]:
    records = [canonical.decode(row.record) for row in rows(engine)]
    return [(record["action"], record["outcome"], record.get("reason")) for record in records]


def test_a_refusal_survives_its_rollback_in_the_same_commit(engine: Engine) -> None:
    commands = ("take", "refuse", "break", "unknown", "health")
    asked = [Request(command, {"post": "PARIS", "client": "k"}) for command in commands]
    batches(engine).run(asked)
    assert told(engine) == [
        ("take", "done", None),
        ("refuse", "refused", "REFUSED_HERE"),
        ("break", "failed", "INTERNAL"),
        ("unknown", "failed", "INTERNAL"),
    ]
    with reading(engine) as connection:
        assert counters.read(connection, "a") == 2  # `take` and `health` alone
    assert {row.actor for row in rows(engine)} == {"PARIS"}


@pytest.mark.parametrize(
    ("payload", "result", "facts", "actor", "resource"),
    [
        ({"post": "P", "act": {"origin": "LOME", "seal": "S", "act": "A"}}, None, {}, "P", "S"),
        ({"officer": "OFF-1", "act": {"officer": "OFF-2", "act": "A"}}, None, {}, "OFF-1", "A"),
        ({"officer": "OFF-1", "act": {"officer": "OFF-2"}}, {"act": "A"}, {}, "OFF-1", "OFF-2"),
        ({"officer": "OFF-1", "dispatch_id": 7}, {"act": "A"}, {"act": "F"}, "OFF-1", "A"),
        ({"origin": "LOME", "message_id": "M"}, {"officer": "OFF-1"}, {}, "LOME", "M"),
        ({}, {"officer": "OFF-1", "dispatch_id": "D"}, {"signer": "OFF-2"}, "OFF-1", "D"),
        ({"post": ""}, None, {"signer": "OFF-2", "about": "B"}, "OFF-2", "B"),
        (None, None, {}, "-", None),
    ],
)  # fmt: skip
def test_an_entry_names_whom_and_what_the_nearest_names(
    payload: object, result: object, facts: dict[str, str], actor: str, resource: str | None
) -> None:
    refusal = ServiceError("NOT_ALLOWED", **facts) if facts else None
    event = event_of(Outcome(Request("take", payload), result, refusal), 1)
    assert (event.actor, event.resource) == (actor, resource)


def test_nothing_is_done_that_cannot_be_recorded(engine: Engine) -> None:
    with unit_of_work(engine) as connection:
        connection.execute(text("ALTER TABLE audit_entry RENAME TO audit_lost"))
    try:
        (outcome,) = batches(engine).run([Request("take", {})])
        assert outcome.refusal is not None
        with reading(engine) as connection:
            assert counters.read(connection, "a") == 0
    finally:
        with unit_of_work(engine) as connection:
            connection.execute(text("ALTER TABLE audit_lost RENAME TO audit_entry"))


def test_what_cannot_be_sealed_was_not_done_and_is_not_recorded(engine: Engine) -> None:
    def refuse(_connection: Connection, _outcomes: Sequence[Outcome]) -> None:
        raise ServiceError("UNAVAILABLE")

    batches(engine, refuse).run([Request("take", {}), Request("refuse", {})])
    assert told(engine) == []


def test_as_many_entries_as_decisions(engine: Engine, tmp_path: Path) -> None:
    """P5, gate 13: over six commands of posts, accepted, repeated and refused, and a silent one."""
    ministry = Ministry(engine, tmp_path)
    decisions = 0
    sealer = ReceiptSealer(ministry.custodian, HEADQUARTERS, Recorder(ORIGIN).before_commit)
    ministry.batches = Batches(
        engine,
        ministry.desk.handlers(),
        sealer.before_commit,
    )
    slips = [ministry.slip("PARIS", [("LOME", number)], b"x") for number in (1, 2, 1)]
    payloads = [ministry.judged(slip).to_payload(b"x") for slip in slips]
    for payload in (*payloads, payloads[0]):
        (outcome,) = ministry.run(("submit", payload))
        decisions += 1
    ministry.run(("mark_fetched", {"post": "LOME", "dispatch_id": slips[0].dispatch_id}))
    ministry.run(("mark_fetched", {"post": "LOME", "dispatch_id": "none"}), ("housekeep", None))
    decisions += 2
    assert outcome.refusal is None
    found = rows(engine)
    assert len(found) == decisions
    assert [row.outcome for row in found] == [DONE, DONE, REFUSED, DONE, DONE, REFUSED]
    assert found[2].resource == slips[2].dispatch_id
    assert found[4].actor == "LOME"
    assert "housekeep" in SILENT


# Signed heads


def test_heads_follow_the_commits_and_continue_each_other(engine: Engine) -> None:
    custodian = open_custodian("memory:", no_secret)
    assert not sign_head(engine, custodian)
    for count in (3, 300, 1):
        write(engine, count)
        assert sign_head(engine, custodian)
        assert not sign_head(engine, custodian)
    with reading(engine) as connection:
        size, note = latest_note(connection)
        head = read_checkpoint(Note.parse(note), custodian.log_keys().note_key(ORIGIN))
        assert head == Checkpoint(ORIGIN, size, tree(connection, 304).root())
        assert connection.scalar(select(func.count()).select_from(audit_checkpoint)) == 3


def test_a_head_signed_but_not_stored_is_no_dead_end(engine: Engine) -> None:
    custodian = open_custodian("memory:", no_secret)
    write(engine, 5)
    with reading(engine) as connection:
        head = Checkpoint(ORIGIN, 5, tree(connection, 5).root()).encode()
    custodian.sign_checkpoint(head.encode(), b"", b"")  # and the power goes
    write(engine, 4)
    assert sign_head(engine, custodian)


def test_a_rewritten_or_restored_log_gets_no_signature(
    engine: Engine, tmp_path: Path, open_empty: Any
) -> None:
    """P5: another history under the same name is refused by the custodian, not by the database."""
    custodian = open_custodian("memory:", no_secret)
    write(engine, 9)
    sign_head(engine, custodian)
    from cipher_service.storage.migrations import upgrade  # noqa: PLC0415  only this test needs it

    other = open_empty(engine.dialect.name, tmp_path)
    upgrade(other)
    write(other, 5)
    with pytest.raises(LogRolledBack):
        sign_head(other, custodian)
    write(other, 7)
    with pytest.raises(LogForked):
        sign_head(other, custodian)
    other.dispose()
