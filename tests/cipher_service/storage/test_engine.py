"""What the embedded database must be before anything is written to it."""

from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from cipher_service.storage.engine import open_engine
from cipher_service.storage.unit_of_work import reading, unit_of_work


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
