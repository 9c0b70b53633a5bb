"""The trays (bannettes) of headquarters: arrivals, what waits for somebody, what is late.

Arrivals are filtered in SQL by what the policies leave, and each row is decided again. A page is a
keyset page in order of precedence then arrival.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select

from cipher_service import clock
from cipher_service.access import registers
from cipher_service.access.acts import Gate
from cipher_service.access.decisions import decide
from cipher_service.access.registers import DispatchColumns
from cipher_service.access.residuals import condition
from cipher_service.access.subjects import Circumstances
from cipher_service.dispatches import rules
from cipher_service.dispatches.office import compositions, trail
from cipher_service.dispatches.office.compositions import Composition
from cipher_service.dispatches.office.trail import Trace
from cipher_service.labels.scheme import default_scheme
from cipher_service.references import register_number
from cipher_service.storage.tables.access import handling
from cipher_service.storage.tables.compositions import composition, dispatch_act
from cipher_service.storage.tables.dispatches import addressee, dispatch
from keys.manifest import COPY

FLASH: Final = "FLASH"
PAGE: Final = 100
_ACTING: Final = ("read", "route", "grant-need")
"""What somebody who acts on an arrival does with it: one of these."""

Unheard = tuple[int, int]
"""How many wait, and the place of the latest."""
NOTHING: Final[Unheard] = (0, 0)


@dataclass(frozen=True, slots=True)
class ArrivalLine:
    """One arrival as a tray shows it; nothing of its contents.

    Attributes:
        place: its cursor.
        assigned: who processes it; empty for nobody.
        late: it has waited longer than its precedence allows.
        traces: what was done with it.
    """

    place: int
    dispatch_id: str
    register: str
    origin: str
    level: str
    caveats: str
    dtg: str
    precedence: str
    delivery: str
    epoch: int | None
    number: int | None
    received_at: str
    state: str
    assigned: str
    late: bool
    traces: tuple[Trace, ...]

    @property
    def seen_by(self) -> tuple[str, ...]:
        """The names of who has opened it, each once, the first first."""
        return tuple(dict.fromkeys(t.name for t in self.traces if t.kind == trail.OPENED))


@dataclass(frozen=True, slots=True)
class Departed:
    """A dispatch that left, with how far each addressee has come."""

    dispatch_id: str
    register: str
    level: str
    received_at: str
    lines: tuple[tuple[str, str, str], ...]
    """(post, precedence, state) each."""


def arrivals(
    connection: Connection,
    gate: Gate,
    officer: str,
    post: str,
    now: datetime,
    *,
    states: Collection[str] = rules.OPEN_STATES,
    after: int = 0,
    only: Sequence[ColumnElement[bool]] = (),
    action: str = "list",
    limit: int = PAGE,
) -> list[ArrivalLine]:
    """Return a page of what came for the bureau and this officer may see, the most urgent first.

    Args:
        connection: a moment of the database.
        gate: what decides.
        officer: who asks.
        post: the bureau's code.
        now: the present.
        states: of the bureau's lines.
        after: the `place` of the last line of the page before.
        only: more conditions.
        action: what the officer may do with each line, besides seeing it.
        limit: lines at most.

    Raises:
        Untranslatable: a policy in force has no translation into SQL; nothing is listed.
    """
    principal = gate.principals.of(connection, officer, now)
    context = Circumstances(now)
    columns = DispatchColumns(connection.dialect, gate.scheme)
    statement = _to(post, states).where(
        addressee.c.place > after,
        *(condition(gate.policies, principal, one, context, columns) for one in {"list", action}),
        *only,
    )
    ordered = statement.order_by(addressee.c.place).limit(min(limit, PAGE))
    rows = list(connection.execute(ordered))
    things = registers.subjects(connection, rows, gate.scheme)
    rows = registers.decided_again(gate.policies, principal, rows, things, context)
    traces = trail.traces(connection, [row.dispatch_id for row in rows])
    return [_line(row, traces[row.dispatch_id], now) for row in rows]


def alerts(
    connection: Connection, gate: Gate, officer: str, post: str, now: datetime
) -> list[ArrivalLine]:
    """Return the unread FLASH arrivals that this officer can act on and has not acknowledged.

    Whoever may only list them, an auditor for one, is not called. Nearly always nothing waits: the
    policies are asked only when something does.
    """
    if unheard(connection, officer, post) == NOTHING:
        return []
    principal, context = gate.principals.of(connection, officer, now), Circumstances(now)
    columns = DispatchColumns(connection.dialect, gate.scheme)
    policies = gate.policies
    acts = or_(*(condition(policies, principal, one, context, columns) for one in _ACTING))
    lines = arrivals(connection, gate, officer, post, now, only=(*_urgent(officer), acts))
    things = (registers.subject(connection, line.dispatch_id) for line in lines)
    return [
        line
        for line, thing in zip(lines, things, strict=True)
        if any(decide(policies, principal, one, thing, context).allowed for one in _ACTING)
    ]


def unheard(connection: Connection, officer: str, post: str) -> Unheard:
    """Count the unread FLASH arrivals that this officer has not acknowledged, whoever may see them.

    Every open page asks this every second: it asks no policy. It is only to be compared with what
    it was, and to be told to nobody.
    """
    waiting = _to(post, rules.OPEN_STATES).where(*_urgent(officer))
    columns = func.count(), func.coalesce(func.max(addressee.c.place), 0)
    count, last = connection.execute(waiting.with_only_columns(*columns)).one()
    return int(count), int(last)


def unassigned() -> ColumnElement[bool]:
    """Return the condition of an arrival that nobody processes."""
    return func.coalesce(handling.c.assigned, "") == ""


def overdue(now: datetime) -> ColumnElement[bool]:
    """Return the condition of an arrival that has waited longer than its precedence allows."""
    return or_(
        *(
            (addressee.c.precedence == each.code)
            & (dispatch.c.received_at <= clock.text(now - timedelta(minutes=each.minutes)))
            for each in default_scheme().precedences
        )
    )


def awaiting(connection: Connection, officer: str) -> list[Composition]:
    """Return what awaits this officer's reading, signature or sending, the oldest first."""
    return _compositions(
        connection,
        composition.c.assigned == officer,
        composition.c.state.in_(
            (compositions.SUBMITTED, compositions.PROPOSED, compositions.RELEASED)
        ),
    )


def authored(connection: Connection, officer: str, *states: str) -> list[Composition]:
    """Return an author's own in these states, the oldest change first."""
    return _compositions(
        connection, composition.c.author == officer, composition.c.state.in_(states)
    )


def departed(
    connection: Connection, gate: Gate, officer: str, post: str, now: datetime, limit: int = PAGE
) -> list[Departed]:
    """Return what left the bureau and this officer may see, with its receipts, the newest first."""
    principal = gate.principals.of(connection, officer, now)
    context = Circumstances(now)
    columns = DispatchColumns(connection.dialect, gate.scheme)
    statement = registers.with_handling(select(dispatch)).where(
        dispatch.c.origin == post, condition(gate.policies, principal, "list", context, columns)
    )
    rows = list(connection.execute(statement.order_by(dispatch.c.seq.desc()).limit(limit)))
    things = registers.subjects(connection, rows, gate.scheme)
    rows = registers.decided_again(gate.policies, principal, rows, things, context)
    lines: dict[int, list[tuple[str, str, str]]] = {row.seq: [] for row in rows}
    book = addressee
    to = select(book).where(book.c.dispatch.in_(lines), book.c.role != COPY)
    for line in connection.execute(to.order_by(book.c.dispatch, book.c.position)):
        lines[line.dispatch].append((line.post, line.precedence, line.state))
    return [
        Departed(
            row.dispatch_id,
            register_number(row.register_year, row.register_number),
            row.level,
            row.received_at,
            tuple(lines[row.seq]),
        )
        for row in rows
    ]


def _urgent(officer: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    heard = (
        select(dispatch_act.c.seq)
        .where(
            dispatch_act.c.dispatch_id == dispatch.c.dispatch_id,
            dispatch_act.c.kind == trail.ACKNOWLEDGED,
            dispatch_act.c.officer == officer,
        )
        .exists()
    )
    return addressee.c.precedence == FLASH, ~heard


def _to(post: str, states: Collection[str]) -> Select[Any]:
    columns = (
        *(addressee.c.place, addressee.c.precedence, addressee.c.delivery),
        *(addressee.c.epoch, addressee.c.number, addressee.c.state),
        func.coalesce(handling.c.assigned, "").label("assigned"),
    )
    return (
        select(dispatch, *columns)
        .select_from(
            dispatch.join(addressee, addressee.c.dispatch == dispatch.c.seq).outerjoin(
                handling, handling.c.dispatch_id == dispatch.c.dispatch_id
            )
        )
        .where(
            addressee.c.post == post,
            addressee.c.state.in_(states),
            addressee.c.role != COPY,
        )
    )


def _line(row: Row[Any], traces: list[Trace], now: datetime) -> ArrivalLine:
    waited = now - clock.parse(row.received_at)
    waits = row.state in rules.OPEN_STATES
    allowed = default_scheme().precedence(row.precedence).minutes
    return ArrivalLine(
        place=row.place,
        dispatch_id=row.dispatch_id,
        register=register_number(row.register_year, row.register_number),
        origin=row.origin,
        level=row.level,
        caveats=row.caveats,
        dtg=row.dtg,
        precedence=row.precedence,
        delivery=row.delivery,
        epoch=row.epoch,
        number=row.number,
        received_at=row.received_at,
        state=row.state,
        assigned=row.assigned,
        late=waits and waited >= timedelta(minutes=allowed),
        traces=tuple(traces),
    )


def _compositions(connection: Connection, *which: ColumnElement[bool]) -> list[Composition]:
    book = composition
    rows = connection.execute(
        select(book).where(*which).order_by(book.c.state_at, book.c.composition_id)
    )
    return [compositions.composed(row) for row in rows]
