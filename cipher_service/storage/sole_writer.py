"""One registrar for one database: a second is refused, not merely discouraged.

Two registrars would each number and seal from their own memory of the same registers, and with two
data folders each would keep envelopes that the other does not have.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Engine, text

from cipher_service.errors import ServiceError

_ADVISORY_LOCK: Final = 0x47524546464945  # "GREFFIE": the registrar's, in this database


@contextmanager
def sole_writer(engine: Engine) -> Iterator[None]:
    """Be the database's registrar while the block lasts; the system forgets it if we die.

    Raises:
        ServiceError: ALREADY_SERVED: another process is.
    """
    held = _on_server if engine.dialect.name == "postgresql" else _on_file
    with held(engine):
        yield


@contextmanager
def _on_server(engine: Engine) -> Iterator[None]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        lock = {"lock": _ADVISORY_LOCK}
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), lock):
            raise ServiceError("ALREADY_SERVED")
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), lock)


@contextmanager
def _on_file(engine: Engine) -> Iterator[None]:
    database = (engine.url.database or "").removeprefix("file:")
    descriptor = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServiceError("ALREADY_SERVED") from error
        yield
    finally:
        os.close(descriptor)
