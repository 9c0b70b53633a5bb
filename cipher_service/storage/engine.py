"""Open the database: SQLite embedded, or PostgreSQL.

SQLite goes through sqlcipher3, because the system's library has the WAL-reset corruption bug of
3.7.0-3.51.2 (https://sqlite.org/wal.html#walresetbug). WAL with synchronous=FULL: a commit that
returned survives a power cut. Writers start with BEGIN IMMEDIATE, since a reader that turns writer
late fails with SQLITE_BUSY at once, whatever the busy timeout.

One transaction writes at a time on either: commands at the ministry's machine write beside the
registrar, and what they read before they write must still be so when they commit. SQLite's BEGIN
IMMEDIATE says so; on PostgreSQL each writer takes one advisory lock before it reads anything. No
query locks rows of its own.
"""

from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlcipher3.dbapi2
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import QueuePool

from cipher_service.errors import ServiceError
from cipher_service.storage.statements import run_plain

BUSY_SECONDS = 20
PAGE_BYTES = 8192
WRITER_KIB: Final = 8192
"""Of SQLite's pages that a connection keeps: those of a group commit, until it is committed."""
READER_KIB: Final = 1024
"""A commit of somebody else makes what a reader kept worthless; the system keeps the file's."""
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
WRITES = "cipher_service_writes"
"""Execution option of a connection that will write; `unit_of_work` sets it."""
_WRITERS: Final = 0x454352495641494E  # "ECRIVAIN": who writes in this database


def open_engine(url: str, *, readers: int = 0) -> Engine:
    """Return an engine for a SQLAlchemy URL; nothing is connected yet.

    A PostgreSQL on another machine is talked to by TLS under a verified name, whatever the URL says
    (https://www.postgresql.org/docs/17/libpq-ssl.html: `sslrootcert` names its authority).

    Args:
        url: `sqlite:////absolute/path` or `postgresql+psycopg://...`. An unspelled PostgreSQL
            driver means psycopg 3.
        readers: how many threads read through it, if nobody writes: each keeps its connection,
            since whoever makes one reads the shape of all tables, and few pages.

    Raises:
        ValueError: any other database.
    """
    kept = {"pool_size": readers} if readers else {}
    target = make_url(url)
    backend = target.get_backend_name()
    if backend == "sqlite":
        return _sqlite(url, kept)
    if backend == "postgresql":
        # READ COMMITTED: what a writer reads, it reads after it got its lock. `statement_timeout`
        # would cut a long check; locks are bounded instead.
        engine = create_engine(
            target.set(drivername="postgresql+psycopg"),
            connect_args={
                # A server may be configured to acknowledge before the disk does; we are not.
                "options": f"-c synchronous_commit=on -c lock_timeout={BUSY_SECONDS}s",
                **({"sslmode": "verify-full"} if _elsewhere(target) else {}),
            },
            pool_pre_ping=True,
            hide_parameters=True,  # an error's text reaches the log
            **kept,
        )
        event.listen(engine, "begin", _begin_postgresql)
        return engine
    raise ValueError(f"SQLite or PostgreSQL, not {backend}")


def _elsewhere(target: URL) -> bool:
    """Say whether a server is reached over a network, not by a socket's path or loopback."""
    hosts = [target.host or ""]
    for member in ("host", "hostaddr"):
        given = target.query.get(member, ())
        hosts += [given] if isinstance(given, str) else given
    return any(host and not host.startswith("/") and host not in _HERE for host in hosts)


def open_existing(url: str, *, readers: int = 0) -> Engine:
    """Return an engine for a database that an installation founded; it is never made anew.

    SQLite would answer a lost file with an empty one, whose registers begin again at 1.

    Args:
        url: as for `open_engine`.
        readers: likewise.

    Raises:
        ServiceError: DATABASE_MISSING.
        ValueError: any other database than SQLite and PostgreSQL.
    """
    target = make_url(url)
    if target.get_backend_name() != "sqlite":
        return open_engine(url, readers=readers)
    path = Path(target.database or "")
    if not path.is_file():
        raise ServiceError("DATABASE_MISSING", path=str(path))
    return open_engine(f"sqlite:///file:{quote(str(path))}?mode=rw&uri=true", readers=readers)


def _sqlite(url: str, kept: dict[str, int]) -> Engine:
    engine = create_engine(
        url,
        module=sqlcipher3.dbapi2,
        connect_args={"check_same_thread": False},
        hide_parameters=True,
        # Whoever writes next takes the connection of who wrote last: what it keeps of the database
        # still holds. In turn, each would read anew what the others wrote.
        poolclass=QueuePool,
        pool_use_lifo=True,
        **kept,
    )
    kib = READER_KIB if kept else WRITER_KIB
    event.listen(engine, "connect", partial(_prepare_sqlite, kib=kib))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object, *, kib: int) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_SECONDS * 1000}", f"page_size={PAGE_BYTES}"):
        cursor.execute(f"PRAGMA {pragma}")
    (journal,) = cursor.execute("PRAGMA journal_mode=WAL").fetchone()
    if journal != "wal":
        # After a disk error SQLite stays in the old mode without raising, and that one loses
        # commits at a power cut with the flushing that WAL needs.
        cursor.close()
        raise sqlcipher3.dbapi2.OperationalError(f"the journal is {journal}, not a WAL")
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "cell_size_check=ON",
        f"cache_size=-{kib}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    run_plain(connection, "BEGIN IMMEDIATE" if _writes(connection) else "BEGIN DEFERRED")


def _begin_postgresql(connection: Connection) -> None:
    if _writes(connection):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


def _writes(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get(WRITES, False))
