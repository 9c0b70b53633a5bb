"""SQLite's checkpoints beside the registrar's commits, instead of inside every thousandth page.

A commit is durable in the write-ahead log; a checkpoint copies the log's pages into the database
and flushes twice, while everybody who waits for a receipt would wait for it too. So a thread of its
own copies after every few commits. It is passive: it never waits for a reader or the writer, nor
they for it (https://sqlite.org/c3ref/wal_checkpoint_v2.html).

A log that is written while it is copied is never copied whole, and would grow forever. Beyond
`LOG_PAGES` the commit copies what the thread has left, a few pages, and the log begins anew; so
it is also bounded when the thread fails.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine, PoolProxiedConnection, event
from sqlalchemy.exc import SQLAlchemyError
from sqlcipher3.dbapi2 import Error

from cipher_service.storage.engine import WRITES

log = logging.getLogger(__name__)

COMMITS: Final = 16
"""Between two checkpoints; one of full batches comes to some 2,000 pages at most."""
LOG_PAGES: Final = 8192
"""64 MiB."""


@contextmanager
def checkpoints_beside(engine: Engine) -> Iterator[None]:
    """Keep checkpoints off the commits of `engine`, not yet connected, while the block lasts.

    PostgreSQL has a process of its own for them: nothing is done.
    """
    if engine.dialect.name != "sqlite":
        yield
        return
    checkpoints = _Checkpoints(engine)
    event.listen(engine, "connect", _bound_log)
    event.listen(engine, "commit", checkpoints.count)
    thread = threading.Thread(target=checkpoints.run, name="checkpoints")
    thread.start()
    try:
        yield
    finally:
        checkpoints.stop()
        thread.join()


def _bound_log(connection: Any, _record: object) -> None:
    connection.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")


def _copy(connection: PoolProxiedConnection) -> None:
    connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


class _Checkpoints:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._due = threading.Event()
        self._commits = 0
        self._stopping = False

    def count(self, connection: Connection) -> None:
        """Note a commit. Two threads may count as one: the rhythm need not be exact."""
        if connection.get_execution_options().get(WRITES, False):
            self._commits += 1
            if self._commits >= COMMITS:
                self._commits = 0
                self._due.set()

    def stop(self) -> None:
        self._stopping = True
        self._due.set()

    def run(self) -> None:
        due = self._each_time_due()
        for _ in due:
            try:
                # Its own connection, which it does not take from the writer each time; and
                # SQLAlchemy would begin a transaction, in which SQLite makes no checkpoint.
                with closing(self._engine.raw_connection()) as connection:
                    _copy(connection)
                    for _ in due:
                        _copy(connection)
            except (Error, SQLAlchemyError):
                # A full disk, say: the log keeps everything, and the next one copies it too.
                log.exception("a checkpoint failed")

    def _each_time_due(self) -> Iterator[None]:
        while True:
            self._due.wait()
            self._due.clear()  # before the look: a stop from here on sets it anew
            if self._stopping:
                return
            yield
