"""What the log is asked again and again reads no more of it the longer it is, in SQLite.

There the planner has no counts to go by: which index it takes, the question's words decide.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from cipher_service.audit.closing import close_intents
from cipher_service.audit.ledger import append, read_tile
from cipher_service.audit.questions import Wanted, page
from cipher_service.audit.records import DONE, FAILED, INTENDED, REFUSED, Event
from cipher_service.dispatches.continuity import BACKED_UP, last_backup
from cipher_service.storage.engine import open_engine
from cipher_service.storage.unit_of_work import unit_of_work
from keys.log.tiles import WIDTH, Tile
from keys.merkle import HASH_SIZE

ORIGIN = "minrex.example/audit"
NOW = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
STEPS = 100
"""Of SQLite's machine, between two counts."""


@pytest.fixture
def engine(sqlite_template: Path, tmp_path: Path) -> Iterator[Engine]:
    """An embedded database whose log has some of each sort of entry."""
    path = tmp_path / "ministry.db"
    path.write_bytes(sqlite_template.read_bytes())
    engine = open_engine(f"sqlite:///{path}")
    entered(engine, Event(1, "OFF-1", BACKED_UP, DONE, resource="2026/000001"))
    entered(engine, Event(2, "OFF-1", "bureau_open", INTENDED, resource="A"))
    entered(engine, Event(2, "OFF-1", "bureau_open", FAILED, resource="A"))
    entered(engine, Event(3, "OFF-2", "dispatch_open", REFUSED, resource="A", mandate="M-1"))
    yield engine
    engine.dispose()


def entered(engine: Engine, event: Event, times: int = 1) -> None:
    with unit_of_work(engine) as connection:
        append(connection, ORIGIN, [event] * times)


def counted(engine: Engine, question: Callable[[Connection], Any]) -> int:
    """Count how often SQLite went through so many steps for a question."""
    counts = [0]

    def count() -> int:
        counts[0] += 1
        return 0

    with unit_of_work(engine) as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        driver.set_progress_handler(count, STEPS)
        question(connection)
        driver.set_progress_handler(None, 0)
    return counts[0]


def asking(**wanted: Any) -> Callable[[Connection], Any]:
    return partial(page, wanted=Wanted(**wanted), limit=50)


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(last_backup, id="the last backup"),
        pytest.param(partial(close_intents, origin=ORIGIN, now=NOW), id="what was interrupted"),
        pytest.param(asking(outcomes=(REFUSED,)), id="refusals"),
        pytest.param(asking(outcomes=(REFUSED, FAILED)), id="all that was not done"),
        pytest.param(asking(outcomes=(DONE,), actions=(BACKED_UP,)), id="one act done"),
        pytest.param(asking(mandate="M-1"), id="under a mandate"),
        pytest.param(asking(actor="OFF-2"), id="by an officer"),
        pytest.param(asking(resource="A"), id="on a dispatch"),
    ],
)
def test_a_longer_log_is_no_more_work(
    engine: Engine, question: Callable[[Connection], Any]
) -> None:
    entered(engine, Event(4, "PARIS", "submit", DONE, resource="B"), times=100)
    before = counted(engine, question)
    entered(engine, Event(5, "PARIS", "submit", DONE, resource="B"), times=3000)
    assert counted(engine, question) <= before + 1


def test_a_tile_of_tiles_is_read_without_what_is_in_them(engine: Engine) -> None:
    tiles = 24
    entered(engine, Event(4, "PARIS", "submit", DONE, resource="B"), times=tiles * WIDTH)
    engine.dispose()
    with unit_of_work(engine) as connection:
        before = bytes_read()
        hashes = read_tile(connection, Tile(1, 0, tiles))
        read = bytes_read() - before
    assert len(hashes) == tiles * HASH_SIZE
    assert read < tiles * WIDTH * HASH_SIZE / 2


def bytes_read() -> int:
    """Count what this thread has asked of any file."""
    told = Path("/proc/thread-self/io").read_text("ascii")
    return int(told.splitlines()[0].removeprefix("rchar: "))
