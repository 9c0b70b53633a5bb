"""Persons from the books, as decisions see them.

A process keeps what it read as long as the counter of the books stands still, so that a decision
costs one indexed read; windows are judged against the present each time. The counter is read in the
decision's own transaction: after an act that takes a right away, the next decision of every process
is no. What is read in a transaction that moves the books is forgotten at the next look: it may be
undone, and another act then reaches the same number.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, select

from cipher_service import clock
from cipher_service.access.subjects import NOBODY, Mandate, Principal
from cipher_service.directory.officers import OFFICERS, read
from cipher_service.labels.scheme import Scheme, UnknownLabel, default_scheme
from cipher_service.storage import counters
from cipher_service.storage.tables import officers as tables
from keys.canonical import decode

ABOVE_ALL = 1_000_000
"""The rank of a marking that the scheme does not know: nobody reaches it."""

_UNKNOWN = -1
_Rows = list[Row[Any]]


class Principals:
    """Reads persons; one for each process and database."""

    def __init__(self, scheme: Scheme | None = None) -> None:
        self._scheme = scheme or default_scheme()
        self._version = _UNKNOWN
        self._held: dict[str, _Books] = {}
        self._watchers: list[Callable[[Connection], None]] = []

    def watch(self, watcher: Callable[[Connection], None]) -> None:
        """Have somebody else told, inside the transaction that finds it, when the books moved."""
        self._watchers.append(watcher)

    def look(self, connection: Connection) -> None:
        """Forget what was read when the books have moved since."""
        moving = counters.moved(connection, OFFICERS)
        version = _UNKNOWN if moving else counters.read(connection, OFFICERS)
        if version == self._version != _UNKNOWN:
            return
        self._held.clear()
        for watcher in self._watchers:
            watcher(connection)
        self._version = version

    def of(self, connection: Connection, officer_id: str, now: datetime) -> Principal:
        """Return a person as of now. Raises ServiceError UNKNOWN_OFFICER."""
        self.look(connection)
        books = self._held.get(officer_id)
        if books is None:
            books = self._held[officer_id] = _Books(connection, officer_id)
        return books.principal(self._scheme, now)


def rank(scheme: Scheme, level: str) -> int:
    """Return a level's rank, `ABOVE_ALL` for one that the scheme does not know."""
    try:
        return scheme.level(level).rank
    except UnknownLabel:
        return ABOVE_ALL


class _Books:
    """Everything written about one person, at one version of the books."""

    def __init__(self, connection: Connection, officer_id: str) -> None:
        self._officer = read(connection, officer_id)
        held, needs, mandate = tables.function_held, tables.need_to_know, tables.mandate
        cleared = tables.habilitation

        def rows(statement: Any) -> _Rows:
            return list(connection.execute(statement))

        self._functions = rows(select(held).where(held.c.officer == officer_id))
        self._needs = rows(select(needs).where(needs.c.officer == officer_id))
        signed = (mandate.c.holder == officer_id, mandate.c.state == "active")
        self._mandates = rows(select(mandate).where(*signed))
        lent = (held.c.officer == mandate.c.delegator, held.c.role == mandate.c.role)
        self._lent = rows(
            select(mandate.c.mandate_id, held.c.starts, held.c.ends)
            .join(held, and_(*lent))
            .where(*signed)
        )
        self._habilitations = rows(
            select(cleared).where(cleared.c.officer == officer_id).order_by(cleared.c.seq)
        )

    def principal(self, scheme: Scheme, now: datetime) -> Principal:
        stamp = clock.text(now)
        needs = _open(self._needs, stamp)
        # A function that its delegator holds no longer lends nothing, whatever its mandate says.
        lent = {row.mandate_id for row in _open(self._lent, stamp)}
        cleared = _open(self._habilitations, stamp)[-1:]
        return Principal(
            officer_id=self._officer.officer_id,
            active=self._officer.state == "active",
            functions=frozenset(row.role for row in _open(self._functions, stamp)),
            post=self._officer.identity.post,
            clearance=scheme.level(cleared[0].level).rank if cleared else NOBODY,
            caveats=frozenset(decode(cleared[0].caveats.encode()) if cleared else ()),
            habilitated_from=_seconds(cleared[0].starts) if cleared else 0,
            habilitated_until=_seconds(cleared[0].ends) if cleared else 0,
            trained_until=_seconds(cleared[0].trained_until) if cleared else 0,
            need_dispatches=_matters(needs, "dispatch"),
            need_posts=_matters(needs, "post"),
            need_files=_matters(needs, "file"),
            mandates=tuple(
                Mandate(
                    row.mandate_id,
                    row.role,
                    frozenset(decode(row.actions.encode())),
                    scheme.level(row.level).rank,
                )
                for row in _open(self._mandates, stamp)
                if row.mandate_id in lent
            ),
        )


def _open(rows: _Rows, stamp: str) -> _Rows:
    return [row for row in rows if row.starts <= stamp and (row.ends is None or row.ends > stamp)]


def _matters(needs: _Rows, kind: str) -> frozenset[str]:
    return frozenset(row.object for row in needs if row.kind == kind)


def _seconds(written: str) -> int:
    return int(clock.parse(written).timestamp())
