"""One unit, one commit: all of an act or nothing of it."""

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import DBAPIError

from cipher_service.storage import counters
from cipher_service.storage.engine import open_engine
from cipher_service.storage.tables.registers import counter
from cipher_service.storage.unit_of_work import reading, unit_of_work
from tests.support import postgres


class Interrupted(Exception):
    """What a crash in the middle of an act looks like."""


def test_what_a_unit_wrote_is_there_afterwards(engine: Engine) -> None:
    with unit_of_work(engine) as connection:
        counters.advance(connection, "a")
    with reading(engine) as connection:
        assert counters.read(connection, "a") == 1


def take(engine: Engine, name: str, *, interrupted: bool = False) -> int:
    with unit_of_work(engine) as connection:
        number = counters.advance(connection, name)
        if interrupted:
            raise Interrupted
        return number


def test_an_interrupted_unit_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(Interrupted):
        take(engine, "a", interrupted=True)
    with reading(engine) as connection:
        assert counters.read(connection, "a") == 0


def test_a_reader_cannot_write(engine: Engine) -> None:
    with pytest.raises(DBAPIError), reading(engine) as connection:
        connection.execute(insert(counter).values(name="a", value=1))
    with unit_of_work(engine) as connection:  # and its connection is clean for the next writer
        counters.advance(connection, "a")


def test_what_no_transaction_can_begin_with_bears_the_name_that_its_callers_catch(
    tmp_path: Path,
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/x.db")
    with reading(engine):
        pass
    (tmp_path / "x.db").write_bytes(b"no database" * 1000)
    with pytest.raises(DBAPIError, match="not a database"), unit_of_work(engine):
        pytest.fail("it began")
    engine.dispose()


def test_a_reader_sees_one_moment(engine: Engine) -> None:
    with reading(engine) as connection:
        assert counters.read(connection, "a") == 0
        with unit_of_work(engine) as writer:
            counters.advance(writer, "a")
        assert counters.read(connection, "a") == 0
    with reading(engine) as connection:
        assert counters.read(connection, "a") == 1


def test_fifty_writers_take_fifty_numbers_without_gap_or_double(engine: Engine) -> None:
    taken: list[int] = []
    start = threading.Barrier(10)

    def write() -> None:
        start.wait()
        for turn in range(5):
            try:
                taken.append(take(engine, "register/2026", interrupted=turn == 2))
            except Interrupted:
                continue

    writers = [threading.Thread(target=write) for _ in range(10)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(taken) == list(range(1, 41))  # ten gave theirs back


def test_whoever_reads_before_writing_waits_instead_of_failing(engine: Engine) -> None:
    """SQLite would refuse a reader that turns writer late, whatever the busy timeout."""
    start, failures = threading.Barrier(5), []

    def work() -> None:
        start.wait()
        for _ in range(5):
            try:
                with unit_of_work(engine) as connection:
                    counters.read(connection, "a")
                    time.sleep(0.002)
                    counters.advance(connection, "a")
            except DBAPIError as error:
                failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    with reading(engine) as connection:
        assert counters.read(connection, "a") == 25


def test_a_number_given_back_is_taken_again(engine: Engine) -> None:
    with unit_of_work(engine) as connection:
        assert counters.advance(connection, "a") == 1
        counters.give_back(connection, "a")
        assert counters.advance(connection, "a") == 1


def test_text_is_refused_where_a_number_belongs(engine: Engine) -> None:
    """SQLite without STRICT would keep it."""
    with pytest.raises(DBAPIError), unit_of_work(engine) as connection:
        connection.exec_driver_sql("INSERT INTO counter (name, value) VALUES ('a', 'many')")


def test_sqlite_is_durable_and_of_a_sound_release(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/ministry.db")
    with engine.connect() as connection:
        read = connection.exec_driver_sql
        assert read("PRAGMA journal_mode").scalar() == "wal"
        assert read("PRAGMA synchronous").scalar() == 2
        assert read("PRAGMA foreign_keys").scalar() == 1
        version = str(read("SELECT sqlite_version()").scalar())
        # The WAL-reset bug: https://sqlite.org/wal.html#walresetbug
        assert tuple(int(part) for part in version.split(".")) >= (3, 51, 3)
    engine.dispose()


def test_only_the_two_databases_are_opened() -> None:
    with pytest.raises(ValueError, match="not mysql"):
        open_engine("mysql://ministry")


def test_an_error_does_not_carry_the_values(engine: Engine) -> None:
    """Errors reach the log; a row may hold what a log may not."""
    with pytest.raises(DBAPIError) as caught, unit_of_work(engine) as connection:
        connection.execute(insert(counter), [{"name": "KEPT OUT OF LOGS", "value": -1}])
    if engine.dialect.name == "sqlite":  # PostgreSQL's own DETAIL line names the row
        assert "KEPT OUT" not in str(caught.value)
    with reading(engine) as connection:
        assert connection.execute(select(counter)).all() == []


def test_postgresql_acknowledges_after_its_disk(postgres_cluster: postgres.Cluster) -> None:
    postgres_cluster.administer("ALTER SYSTEM SET synchronous_commit = off")
    postgres_cluster.administer("SELECT pg_reload_conf()")
    engine = open_engine(postgres_cluster.url("ministry"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    engine.dispose()
    postgres_cluster.administer("ALTER SYSTEM RESET synchronous_commit")
    postgres_cluster.administer("SELECT pg_reload_conf()")
