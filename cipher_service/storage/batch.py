"""One group commit: several commands, each in its own savepoint, one transaction, one flush.

The order is the promise: run every command, let `before_commit` seal what they did, COMMIT, and
only then let anyone be told. A command that is refused or fails is rolled back alone.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

from cipher_service.errors import ServiceError
from cipher_service.storage.replay import claim
from cipher_service.storage.statements import driver_cursor
from cipher_service.storage.unit_of_work import unit_of_work

log = logging.getLogger(__name__)

Handler = Callable[[Connection, Any], Any]
"""Runs one command inside the batch's transaction: (connection, payload) -> result.

Raises ServiceError to refuse; whatever it wrote is then rolled back.
"""


@dataclass(slots=True)
class Request:
    """One command on its way.

    Attributes:
        command: name of the handler.
        payload: what the handler takes.
        claims: tokens to use up first, (32 bytes, expiry in seconds since 1970). They stay used
            when the command is then refused.
    """

    command: str
    payload: Any
    claims: Sequence[tuple[bytes, int]] = ()


@dataclass(slots=True)
class Outcome:
    """What became of one request: a result, or a refusal by name.

    `before_commit` may replace `result` of an accepted one, for instance by its sealed receipt.
    """

    request: Request
    result: Any = None
    refusal: ServiceError | None = None


BeforeCommit = Callable[[Connection, Sequence[Outcome]], None]
"""Sees the outcomes of a batch inside its transaction; what it raises undoes them all.

Refusals are among them: what those wrote is rolled back already.
"""


class _Undone(Exception):
    """The batch was rolled back before its COMMIT."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Batches:
    """Runs batches of commands against one database.

    Args:
        engine: where.
        handlers: by command name.
        before_commit: the last act of each transaction.
    """

    def __init__(
        self, engine: Engine, handlers: Mapping[str, Handler], before_commit: BeforeCommit
    ) -> None:
        self._engine = engine
        self._handlers = handlers
        self._before_commit = before_commit

    def run(self, requests: Sequence[Request]) -> list[Outcome]:
        """Run requests in one transaction; when it returns, what it accepted is durable.

        If the batch as a whole cannot be sealed, or a command took the whole transaction down,
        each request is run again on its own, so that one harms no other.
        """
        try:
            return self._transaction(requests)
        except _Undone as undone:
            # A refusal by name is about the sealing itself (the custodian is absent), not about
            # one command: trying each alone would only wait as many times.
            if len(requests) == 1 or isinstance(undone.cause, ServiceError):
                refusal = _refusal(undone.cause)
                return [Outcome(request, refusal=refusal) for request in requests]
        except Exception as error:  # noqa: BLE001 - a process boundary: BEGIN or COMMIT failed
            # Nothing may be run again: after a lost connection the server may have committed. The
            # callers repeat what they can repeat.
            refusal = _refusal(error)
            return [Outcome(request, refusal=refusal) for request in requests]
        return [outcome for request in requests for outcome in self.run([request])]

    def _transaction(self, requests: Sequence[Request]) -> list[Outcome]:
        with unit_of_work(self._engine) as connection:
            outcomes = [self._one(connection, request) for request in requests]
            try:
                self._before_commit(connection, outcomes)
            except Exception as error:  # a process boundary: told to the callers
                raise _Undone(error) from error
        return outcomes

    def _one(self, connection: Connection, request: Request) -> Outcome:
        cursor = driver_cursor(connection)
        try:
            if request.claims:
                # One statement undoes itself; where a failed one spoils the transaction
                # (PostgreSQL), each request is run again on its own.
                with _or_undo(None):
                    first = claim(connection, request.claims)
                if not all(first):
                    return Outcome(request, refusal=ServiceError("PROOF_REPLAYED"))
            with _savepoint(cursor):
                result = self._handlers[request.command](connection, request.payload)
        except _Undone:
            raise
        except Exception as error:  # noqa: BLE001 - a process boundary: a poison command fails alone
            return Outcome(request, refusal=_refusal(error))
        return Outcome(request, result)


@contextmanager
def _savepoint(cursor: Any) -> Iterator[None]:
    cursor.execute("SAVEPOINT command")
    try:
        yield
    except Exception as error:
        # SQLite gives up the whole transaction when the disk is full, and the savepoint with it.
        with _or_undo(error):
            cursor.execute("ROLLBACK TO SAVEPOINT command")
            cursor.execute("RELEASE SAVEPOINT command")
        raise
    # A command that is neither released nor rolled back would be committed and refused at once.
    with _or_undo(None):
        cursor.execute("RELEASE SAVEPOINT command")


@contextmanager
def _or_undo(cause: Exception | None) -> Iterator[None]:
    """Undo the batch if its savepoint cannot be settled.

    Nothing was committed yet, so each command may be tried alone.
    """
    try:
        yield
    except Exception as error:
        raise _Undone(cause or error) from error


def _refusal(error: Exception) -> ServiceError:
    if isinstance(error, ServiceError):
        return error
    log.error("a command failed", exc_info=error)
    # SQLite says so in words, PostgreSQL by SQLSTATE 53100.
    cause = getattr(error, "orig", error)
    if "disk is full" in str(cause) or getattr(cause, "sqlstate", None) == "53100":
        return ServiceError("STORAGE_FULL")
    return ServiceError("INTERNAL")
