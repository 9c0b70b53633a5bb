"""Auditors' questions find what is there and nothing else; interrupted intents are closed once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from cipher_service.audit import inquiry
from cipher_service.audit.closing import close_intents
from cipher_service.audit.integrity import check_log
from cipher_service.audit.ledger import append
from cipher_service.audit.questions import READINGS, Wanted, every, outcome_of, page
from cipher_service.audit.recorder import Recorder
from cipher_service.audit.records import DONE, FAILED, INTENDED, REFUSED, UNKNOWN, Event
from cipher_service.errors import ServiceError
from cipher_service.storage.batch import Outcome, Request
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody import no_secret, open_custodian
from tests.support.ministry import Ministry

ORIGIN = "minrex.example/audit"
# A Wednesday, 09:00 in Yaoundé.
MORNING = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


@pytest.fixture
def ministry(engine: Engine, tmp_path: Path) -> Ministry:
    return Ministry(engine, tmp_path)


def at(instant: datetime, actor: str, action: str, outcome: str = DONE, **more: Any) -> Event:
    return Event(int(instant.timestamp() * 1_000_000), actor, action, outcome, **more)


def put(ministry: Ministry, *events: Event) -> None:
    with unit_of_work(ministry.engine) as connection:
        append(connection, ORIGIN, events)


def seqs(ministry: Ministry, wanted: Wanted) -> list[int]:
    with reading(ministry.engine) as connection:
        return [entry.seq for entry in every(connection, wanted, 100)]


def test_each_filter_finds_its_entries_newest_first(ministry: Ministry) -> None:
    hour = timedelta(hours=1)
    put(
        ministry,
        at(MORNING, "OFF-1", "dispatch_open", INTENDED, resource="A"),
        at(MORNING, "OFF-1", "dispatch_open", resource="A", mandate="M-1", policies=("read",)),
        at(MORNING + hour, "OFF-2", "dispatch_open", REFUSED, resource="A", reason="NOT_ALLOWED"),
        at(MORNING + 12 * hour, "OFF-1", "bureau_open", resource="B"),
        at(MORNING + 72 * hour, "PARIS", "submit", resource="B"),
    )
    assert seqs(ministry, Wanted(resource="A", actions=READINGS)) == [2, 1, 0]
    assert seqs(ministry, Wanted(actor="OFF-1", actions=READINGS)) == [3, 1, 0]
    assert seqs(ministry, Wanted(outcomes=(REFUSED,))) == [2]
    assert seqs(ministry, Wanted(mandate="M-1")) == [1]
    assert seqs(ministry, Wanted(outside_hours=True)) == [4, 3]  # evening; Saturday
    assert seqs(ministry, Wanted(since=MORNING + hour, until=MORNING + 13 * hour)) == [3, 2]
    assert seqs(ministry, Wanted(since=MORNING + 100 * hour)) == []
    assert seqs(ministry, Wanted(levels=("SECRET",))) == []
    with reading(ministry.engine) as connection:
        first = page(connection, Wanted(), 2)
        rest = page(connection, Wanted(before=first.next), 5)
        assert [[e.seq for e in got.entries] for got in (first, rest)] == [[4, 3], [2, 1, 0]]
        assert (first.next, rest.next) == (3, None)
        intent = rest.entries[-1]
        ended = outcome_of(connection, intent)
        assert ended is not None
        assert (ended.seq, ended.said["policies"], ended.said["mandate"]) == (1, ["read"], "M-1")
        assert inquiry.holes(connection) == []
        assert inquiry.after_leaving(connection) == []
        assert inquiry.grants_on(connection, MORNING) == []
        with pytest.raises(ServiceError, match="NOT_FOUND"):
            inquiry.approvals(connection, "none")


def test_a_clock_that_went_back_is_found(ministry: Ministry) -> None:
    put(ministry, at(MORNING, "A", "x"), at(MORNING - timedelta(minutes=5), "A", "x"))
    put(ministry, at(MORNING + timedelta(minutes=1), "A", "x"))
    with reading(ministry.engine) as connection:
        assert [line["defect"] for line in inquiry.holes(connection)] == ["clock"]


def test_a_hole_in_the_numbering_is_found_and_hides_no_clock_that_went_back(
    ministry: Ministry,
) -> None:
    """Rows that somebody wrote beside the log: the last number is another, the date older."""
    put(ministry, at(MORNING, "A", "x"), at(MORNING, "A", "x"))
    for seq, earlier, defects in (
        (3, timedelta(), ["numbering"]),
        (5, timedelta(minutes=5), ["numbering", "clock"]),
    ):
        event = at(MORNING - earlier, "A", "x")
        with unit_of_work(ministry.engine) as connection:
            beside = {"seq": seq, "time_us": event.time_us, "record": event.encode(seq)}
            said = {"actor": "A", "action": "x", "outcome": DONE, "salt": bytes(32)}
            connection.execute(audit_entry.insert().values(**beside, **said, entry=bytes(32)))
        with reading(ministry.engine) as connection:
            assert [line["defect"] for line in inquiry.holes(connection)] == defects


def test_what_was_interrupted_is_closed_once_as_unknown(ministry: Ministry) -> None:
    put(
        ministry,
        at(MORNING, "OFF-1", "bureau_open", INTENDED, resource="A"),
        at(MORNING, "OFF-1", "bureau_open", DONE, resource="A"),
        at(MORNING, "OFF-1", "bureau_open", INTENDED, resource="B"),
        at(MORNING, "OFF-1", "bureau_unseal", INTENDED),
        at(MORNING, "OFF-2", "bureau_open", DONE, resource="B"),
    )
    for closed in (2, 0):
        with unit_of_work(ministry.engine) as connection:
            assert close_intents(connection, ORIGIN, MORNING) == closed
    with reading(ministry.engine) as connection:
        found = every(connection, Wanted(outcomes=(FAILED,)), 10)
    assert [(e.said["action"], e.said.get("resource"), e.said["reason"]) for e in found] == [
        ("bureau_unseal", None, UNKNOWN),
        ("bureau_open", "B", UNKNOWN),
    ]


def test_an_entry_says_what_decided_under_which_mandate_in_which_session(
    ministry: Ministry,
) -> None:
    message = {"officer": "OFF-1", "session": "cookie", "act": {"dispatch_id": "A"}}
    ruled = {"policies": ["read-need", "x"], "digest": "d" * 64, "mandate": "M-000001"}
    allowed = Outcome(Request("dispatch_assign", message), {"decision": ruled})
    refusal = ServiceError("NOT_ALLOWED", officer="OFF-1", action="read", policies="a, b")
    refused = Outcome(Request("dispatch_open.intend", message), None, refusal)
    with unit_of_work(ministry.engine) as connection:
        Recorder(ORIGIN, lambda: MORNING).before_commit(connection, [allowed, refused])
    with reading(ministry.engine) as connection:
        no, yes = (entry.said for entry in every(connection, Wanted(), 10))
        keys = open_custodian("memory:", no_secret).log_keys().note_key(ORIGIN)
        assert list(check_log(connection, keys)) == []
    assert {name: yes[name] for name in ("policies", "digest", "mandate")} == {
        "policies": ["read-need", "x"],
        "digest": "d" * 64,
        "mandate": "M-000001",
    }
    assert (no["outcome"], no["reason"], no["policies"]) == (REFUSED, "NOT_ALLOWED", ["a", "b"])
    assert len(yes["session"]) == 16
    assert "cookie" not in str(yes)
