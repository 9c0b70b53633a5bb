"""The registrar's checkpoints: beside its commits, bounded also without their thread."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, PoolProxiedConnection
from sqlcipher3.dbapi2 import Error

from cipher_service.storage import checkpoints
from cipher_service.storage.checkpoints import COMMITS, checkpoints_beside
from cipher_service.storage.engine import PAGE_BYTES, open_engine
from cipher_service.storage.unit_of_work import reading, unit_of_work


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(f"sqlite:///{tmp_path}/x.db")
    yield opened
    opened.dispose()


def write(engine: Engine, commits: int) -> None:
    for _ in range(commits):
        with unit_of_work(engine) as connection:
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS t (a BLOB)")
            connection.exec_driver_sql("INSERT INTO t VALUES (randomblob(20000))")


def copied(engine: Engine) -> int:
    """Return how many pages of the log are in the database; looking copies none."""
    with reading(engine) as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        driver.cursor().execute("ROLLBACK")
        _, _, pages = driver.cursor().execute("PRAGMA wal_checkpoint(NOOP)").fetchone()
        driver.cursor().execute("BEGIN")
        return int(pages)


def watch(monkeypatch: pytest.MonkeyPatch, failures: int = 0) -> threading.Semaphore:
    """Be told of each checkpoint that ended, after some that fail."""
    ended, copy, left = threading.Semaphore(0), checkpoints._copy, [failures]

    def told(connection: PoolProxiedConnection) -> None:
        try:
            if left[0]:
                left[0] -= 1
                raise Error("database or disk is full")
            copy(connection)
        finally:
            ended.release()

    monkeypatch.setattr(checkpoints, "_copy", told)
    return ended


def test_commits_are_copied_beside_them(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = watch(monkeypatch)
    with checkpoints_beside(engine):
        write(engine, COMMITS - 1)
        assert copied(engine) == 0
        write(engine, 1)
        assert ended.acquire(timeout=60)
        assert copied(engine) > COMMITS


def test_reading_asks_for_no_checkpoint(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(checkpoints, "_copy", lambda _connection: asked.append(True))
    with checkpoints_beside(engine):
        write(engine, 1)
        for _ in range(2 * COMMITS):
            with reading(engine) as connection:
                connection.exec_driver_sql("SELECT count(*) FROM t").scalar()
    assert asked == []


def test_a_checkpoint_that_fails_leaves_the_next_ones(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ended = watch(monkeypatch, failures=1)
    with checkpoints_beside(engine):
        write(engine, COMMITS)
        assert ended.acquire(timeout=60)
        write(engine, COMMITS)
        assert ended.acquire(timeout=60)
        assert copied(engine) > COMMITS
    assert "a checkpoint failed" in caplog.text


def test_the_log_is_bounded_though_the_thread_does_nothing(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "LOG_PAGES", 40)
    monkeypatch.setattr(checkpoints, "COMMITS", 10_000)
    with checkpoints_beside(engine):
        write(engine, 100)
        # A commit here is four pages or five.
        assert (tmp_path / "x.db-wal").stat().st_size < (40 + 10) * (PAGE_BYTES + 24)


def test_the_server_keeps_its_own_checkpoints() -> None:
    engine = open_engine("postgresql://nobody@/nothing")
    before = threading.active_count()
    with checkpoints_beside(engine):
        assert threading.active_count() == before
    engine.dispose()


def test_a_stop_just_before_the_next_look_is_not_lost(engine: Engine) -> None:
    beside = checkpoints._Checkpoints(engine)

    class StoppedMeanwhile(threading.Event):
        def clear(self) -> None:
            if not beside._stopping:
                beside.stop()
            super().clear()

    beside._due = StoppedMeanwhile()
    beside._due.set()
    thread = threading.Thread(target=beside.run, daemon=True)
    thread.start()
    thread.join(timeout=30)
    assert not thread.is_alive()
