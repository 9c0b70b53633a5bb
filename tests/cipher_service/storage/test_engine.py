"""What the embedded database must be before anything is written to it."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from cipher_service.storage.engine import READER_KIB, WRITER_KIB, open_engine
from cipher_service.storage.unit_of_work import reading, unit_of_work
from tests.support.postgres import Cluster


def test_the_embedded_database_flushes_a_write_ahead_log(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/x.db")
    with unit_of_work(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE t (a INTEGER)")
    with reading(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    engine.dispose()


def test_a_database_that_stays_in_another_journal_mode_is_refused() -> None:
    """SQLite does not raise: it only answers with the mode that it kept."""
    engine = open_engine("sqlite://")  # in memory, where there is no write-ahead log
    with pytest.raises(OperationalError, match="not a WAL"), unit_of_work(engine):
        pytest.fail("the database was opened")
    engine.dispose()


def test_another_database_is_refused() -> None:
    with pytest.raises(ValueError, match="SQLite or PostgreSQL"):
        open_engine("mysql://x/y")


def test_a_server_elsewhere_is_talked_to_by_tls_alone(postgres_cluster: Cluster) -> None:
    """The server of the tests has no TLS: by loopback it is used, by a network's address not."""
    here = postgres_cluster.url("ministry")
    assert "127.0.0.1" in here
    for url in (
        here.replace("127.0.0.1", "0.0.0.0"),  # noqa: S104 - an address that leads here
        here.replace("127.0.0.1", "0.0.0.0") + "?sslmode=disable",  # noqa: S104 - the same
        here + "?host=0.0.0.0",
    ):
        engine = open_engine(url)
        with pytest.raises(OperationalError, match="SSL"), reading(engine):
            pytest.fail("it was talked to in the open")
        engine.dispose()
    engine = open_engine(here)
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    engine.dispose()


def test_each_of_so_many_readers_keeps_its_connection(database_url: str) -> None:
    made = []
    engine = open_engine(database_url, readers=8)
    event.listen(engine, "connect", lambda driver, _record: made.append(driver))
    for _ in range(3):
        with ExitStack() as readers:
            for _ in range(8):
                readers.enter_context(reading(engine)).exec_driver_sql("SELECT 1")
    engine.dispose()
    assert len(made) == 8


def test_who_only_reads_keeps_few_pages(sqlite_template: Path) -> None:
    kept = {}
    for readers in (0, 8):
        engine = open_engine(f"sqlite:///{sqlite_template}", readers=readers)
        with reading(engine) as connection:
            kept[readers] = connection.exec_driver_sql("PRAGMA cache_size").scalar()
        engine.dispose()
    assert kept == {0: -WRITER_KIB, 8: -READER_KIB}


def test_who_writes_keeps_its_connection_though_others_wrote_beside_it(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/x.db")
    with engine.connect() as one, engine.connect() as other:  # two at once: the pool now has two
        assert one.connection.dbapi_connection is not other.connection.dbapi_connection
    taken = set()
    for _ in range(4):
        with unit_of_work(engine) as connection:
            taken.add(id(connection.connection.dbapi_connection))
    engine.dispose()
    assert len(taken) == 1
