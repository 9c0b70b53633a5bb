"""The only commit of the service, and the read-only way in.

An act and everything it writes stand or fall together. Services never commit; a surface opens one
unit for one act, and answers after the unit has ended.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from cipher_service.storage.engine import WRITES
from cipher_service.storage.second_store import tell
from cipher_service.storage.statements import run_plain


@contextmanager
def unit_of_work(engine: Engine) -> Iterator[Connection]:
    """Give a connection inside one write transaction.

    Commits when the block ends, rolls back when it raises. When this returns without an exception,
    the writes are on disk, and in the second store where there is one.

    Raises:
        ServiceError: as `second_store.tell`; everything is then rolled back.
    """
    with engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            yield connection
            tell(connection)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that sees one moment of the database and cannot change it."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            with connection.begin():
                yield connection
            return
        with connection.begin():
            run_plain(connection, "PRAGMA query_only=ON")
            try:
                yield connection
            finally:
                # The connection goes back to the pool, where a writer may take it.
                run_plain(connection, "PRAGMA query_only=OFF")
