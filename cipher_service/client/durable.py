"""Files that survive kill -9 and power loss.

A small SQLite file has a rollback journal and one commit an act. Not WAL: the SQLite that ships
with Debian 12 has a defect there that can lose commits, and a post's identity folder may lie on a
stick or a share.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType


class StateUnreadable(Exception):
    """The file was not written by an edition that this program knows."""


def open_database(
    path: Path, tables: str, edition: int, upgrades: Mapping[int, str] = MappingProxyType({})
) -> sqlite3.Connection:
    """Open a database, founding it when new, or bringing it up from an edition of before.

    Args:
        path: of the file; created readable and writable by its owner only.
        tables: the statements that found it, separated by semicolons.
        edition: of those tables, at least 1; kept in `user_version`.
        upgrades: the statements that lead from an edition to the next, likewise.

    Raises:
        OSError: the file cannot be made.
        sqlite3.Error: it is damaged, or was locked for half a minute.
        StateUnreadable: another edition of this program made it.
    """
    # SQLite would create it by the umask alone; numbers name whom the post writes to.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.row_factory = sqlite3.Row
    try:
        # EXTRA also syncs the folder after the journal is removed: without it a power loss could
        # bring the journal back and undo an allocation that was already signed.
        connection.execute("PRAGMA synchronous = EXTRA")
        with transaction(connection):
            _found(connection, tables, edition, upgrades)
    except BaseException:
        connection.close()
        raise
    return connection


def _found(
    connection: sqlite3.Connection, tables: str, edition: int, upgrades: Mapping[int, str]
) -> None:
    (there,) = connection.execute("PRAGMA user_version").fetchone()
    missing = [tables] if there == 0 else [upgrades.get(each) for each in range(there, edition)]
    if there > edition or None in missing:
        raise StateUnreadable(f"the file is of edition {there}, this program reads {edition}")
    # One statement at a time: executescript would commit what it finds open.
    for statement in filter(str.strip, ";".join(filter(None, missing)).split(";")):
        connection.execute(statement)
    if missing:
        connection.execute(f"PRAGMA user_version = {edition}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what the block recorded, all of it or, when it raises, nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: a file's own fsync does not.

    Raises:
        OSError: the folder is gone or the disk fails.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes) -> None:
    """Put a file in place whole or not at all, readable by its owner only.

    Raises:
        OSError: the disk refuses; what was at `path` is still there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
