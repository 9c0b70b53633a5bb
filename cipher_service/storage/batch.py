"""One group commit: several commands, each undone alone if need be, one transaction, one flush.

The order is the promise: run every command, let `before_commit` seal what they did, COMMIT, and
only then let anyone be told. A command that is refused or fails is rolled back alone.

Commands of a kind that can be done together share their steps: one statement for all rows of a
table instead of one for each command. That is only ever a faster way to what each would have come
to alone: whenever one of them would be refused, all of them are undone and done one by one. Those
that come first in their transaction are undone with it, since nothing else is in it yet; a
savepoint, for which SQLite keeps every page as it was, is set only behind others.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Engine

from cipher_service.errors import ServiceError
from cipher_service.storage.replay import claim, claim_all
from cipher_service.storage.statements import driver_cursor
from cipher_service.storage.unit_of_work import unit_of_work

log = logging.getLogger(__name__)

Handler = Callable[[Connection, Any], Any]
"""Runs one command inside the batch's transaction: (connection, payload) -> result.

Raises ServiceError to refuse; whatever it wrote is then rolled back.
"""

Together = Callable[[Connection, Sequence[Any]], list[Any]]
"""Runs several commands of one kind: (connection, payloads) -> their results, in the same order.

Raises anything, `NotTogether` where nothing else says why, when one of them might be refused; all
are then undone and run one by one.
"""


class NotTogether(Exception):
    """Commands of one kind cannot share their steps this time; nobody outside is ever told."""


class _Apart(Exception):
    """The first commands of a transaction cannot share their steps: it is begun anew for each."""


@dataclass(slots=True)
class Request:
    """One command on its way.

    Attributes:
        command: name of the handler.
        payload: what the handler takes.
        claims: tokens to use up first, (claim, expiry in seconds since 1970). They stay used
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
        together: by the name of those commands that can share their steps.
    """

    def __init__(
        self,
        engine: Engine,
        handlers: Mapping[str, Handler],
        before_commit: BeforeCommit,
        together: Mapping[str, Together] | None = None,
    ) -> None:
        self._engine = engine
        self._handlers = handlers
        self._before_commit = before_commit
        self._together = together or {}

    def run(self, requests: Sequence[Request]) -> list[Outcome]:
        """Run requests in one transaction; when it returns, what it accepted is durable.

        If the batch as a whole cannot be sealed, or a command took the whole transaction down,
        each request is run again on its own, so that one harms no other.
        """
        try:
            return self._as_one(requests)
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

    def _as_one(self, requests: Sequence[Request]) -> list[Outcome]:
        """Run them in one transaction, without shared steps when the first cannot share theirs."""
        try:
            return self._transaction(requests, self._together)
        except _Apart:
            return self._transaction(requests, {})

    def _transaction(
        self, requests: Sequence[Request], together: Mapping[str, Together]
    ) -> list[Outcome]:
        with unit_of_work(self._engine) as connection:
            outcomes = self._all(connection, requests, together)
            try:
                self._before_commit(connection, outcomes)
            except Exception as error:  # a process boundary: told to the callers
                raise _Undone(error) from error
        return outcomes

    def _all(
        self,
        connection: Connection,
        requests: Sequence[Request],
        together: Mapping[str, Together],
    ) -> list[Outcome]:
        """Run the commands in their order, neighbours of one kind together where they can be."""
        outcomes: list[Outcome] = []
        for command, neighbours in groupby(requests, key=attrgetter("command")):
            group, act = list(neighbours), together.get(command)
            if act is None or len(group) == 1:
                done = []
            elif not outcomes:
                done = _first(connection, group, act)
            else:
                done = self._alike(connection, group, act)
            outcomes += done or [self._one(connection, request) for request in group]
        return outcomes

    def _alike(
        self, connection: Connection, requests: Sequence[Request], act: Together
    ) -> list[Outcome]:
        """Run commands of one kind together; none when that cannot be: nothing is then left."""
        cursor = driver_cursor(connection)
        cursor.execute("SAVEPOINT alike")
        try:
            outcomes = _share(connection, requests, act)
        except Exception as error:  # noqa: BLE001 - whatever it is, each is tried alone and says so itself
            with _or_undo(error):
                cursor.execute("ROLLBACK TO SAVEPOINT alike")
                cursor.execute("RELEASE SAVEPOINT alike")
            return []
        with _or_undo(None):
            cursor.execute("RELEASE SAVEPOINT alike")
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
            cursor.execute("SAVEPOINT command")
            try:
                result = self._handlers[request.command](connection, request.payload)
            except Exception as error:
                # SQLite gives up the whole transaction when the disk is full, the savepoint too.
                with _or_undo(error):
                    cursor.execute("ROLLBACK TO SAVEPOINT command")
                    cursor.execute("RELEASE SAVEPOINT command")
                raise
            # A command neither released nor rolled back would be committed and refused at once.
            with _or_undo(None):
                cursor.execute("RELEASE SAVEPOINT command")
        except _Undone:
            raise
        except Exception as error:  # noqa: BLE001 - a process boundary: a poison command fails alone
            return Outcome(request, refusal=_refusal(error))
        return Outcome(request, result)


def _first(connection: Connection, requests: Sequence[Request], act: Together) -> list[Outcome]:
    """Run the first commands of a transaction together. Raises `_Apart`: it must be undone."""
    try:
        return _share(connection, requests, act)
    except Exception as error:  # a poison command too: each is tried alone and says so itself
        raise _Apart from error


def _share(connection: Connection, requests: Sequence[Request], act: Together) -> list[Outcome]:
    if not claim_all(connection, [one for request in requests for one in request.claims]):
        raise NotTogether
    results = act(connection, [request.payload for request in requests])
    return [Outcome(request, result) for request, result in zip(requests, results, strict=True)]


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
