"""Persons and the functions that they hold (decree 2013/112, articles 8 and 12 to 16).

    number = add(connection, Identity(...), now)            # OFF-000001, never given again
    assign(connection, number, "CIPHER-CLERK", Window(now, None), act="DEC-12", by=None)

What may not be held together is refused here, at assignment, also for windows that only overlap
later. Every change advances the counter `OFFICERS`, by which the processes know that their copy is
old.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, case, exists, select, update

from cipher_service import clock
from cipher_service.directory.roles import Roles, default_roles
from cipher_service.errors import ServiceError
from cipher_service.storage import counters
from cipher_service.storage.tables import directory
from cipher_service.storage.tables import officers as tables

OFFICERS = "officers"
_NUMBERS = "officer_number"
_NUMBER = re.compile(r"OFF-[0-9]{6,12}")
_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,120}")


@dataclass(frozen=True, slots=True)
class Window:
    """From when and until when something holds: `starts <= now < ends`; None has no end."""

    starts: datetime
    ends: datetime | None

    def __post_init__(self) -> None:
        if self.ends is not None and self.ends <= self.starts:
            raise ServiceError("WINDOW_EMPTY")

    def columns(self) -> dict[str, str | None]:
        """Return the two columns that hold it."""
        return {
            "starts": clock.text(self.starts),
            "ends": None if self.ends is None else clock.text(self.ends),
        }


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a person is, before any function.

    Attributes:
        name: as the service writes it, one line of at most 120 characters.
        grade: a code of the catalogue.
        grade_since: day of promotion into the grade.
        service_since: day of entry into the service: seniority.
        unit: a code of the organisation, None at a post.
        post: where the person serves; the headquarters' code at the ministry.
    """

    name: str
    grade: str
    grade_since: date
    service_since: date
    unit: str | None
    post: str


@dataclass(frozen=True, slots=True)
class Officer:
    """A person as recorded. State: active, suspended (frozen) or left (for ever)."""

    officer_id: str
    identity: Identity
    state: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function held: `post` is where, `act` the reference of the act that gave it."""

    seq: int
    officer: str
    role: str
    post: str
    starts: str
    ends: str | None
    act: str


def add(connection: Connection, identity: Identity, now: datetime) -> str:
    """Record a person and return the id, which nobody else will ever have.

    Raises:
        ServiceError: NAME_MALFORMED, UNKNOWN_GRADE, UNKNOWN_UNIT, UNKNOWN_POST.
    """
    _check(connection, identity)
    number = f"OFF-{counters.advance(connection, _NUMBERS):06}"
    stamp = clock.text(now)
    connection.execute(
        tables.officer.insert().values(
            officer_id=number,
            **_columns(identity),
            state="active",
            state_at=stamp,
            created_at=stamp,
        )
    )
    counters.advance(connection, OFFICERS)
    return number


def change(connection: Connection, officer_id: str, identity: Identity) -> None:
    """Correct or promote a person: name, grade, dates, unit. The post moves by `movements` only.

    Raises:
        ServiceError: as `add`, UNKNOWN_OFFICER, OFFICER_LEFT, POST_BY_TRANSFER.
    """
    known = not_left(connection, officer_id)
    if identity.post != known.identity.post:
        raise ServiceError("POST_BY_TRANSFER", officer=officer_id)
    _check(connection, identity)
    mine = tables.officer.c.officer_id == officer_id
    connection.execute(update(tables.officer).where(mine).values(**_columns(identity)))
    counters.advance(connection, OFFICERS)


def move(connection: Connection, officer_id: str, unit: str | None, post: str) -> None:
    """Write a person's new unit and post; what is held at the old one is ended by the caller.

    Raises:
        ServiceError: UNKNOWN_OFFICER, OFFICER_LEFT, UNKNOWN_UNIT, UNKNOWN_POST.
    """
    known = not_left(connection, officer_id)
    _check(connection, replace(known.identity, unit=unit, post=post))
    mine = tables.officer.c.officer_id == officer_id
    connection.execute(update(tables.officer).where(mine).values(unit=unit, post=post))
    counters.advance(connection, OFFICERS)


def set_state(connection: Connection, officer_id: str, state: str, now: datetime) -> None:
    """Freeze a person, resume, or record that the person left; who left does not come back.

    Raises:
        ServiceError: UNKNOWN_OFFICER, OFFICER_LEFT.
    """
    not_left(connection, officer_id)
    mine = tables.officer.c.officer_id == officer_id
    connection.execute(
        update(tables.officer).where(mine).values(state=state, state_at=clock.text(now))
    )
    counters.advance(connection, OFFICERS)


def assign(
    connection: Connection,
    officer_id: str,
    role: str,
    window: Window,
    *,
    act: str,
    by: str | None,
    roles: Roles | None = None,
) -> int:
    """Give a function to a person at the person's post; returns its number in the book.

    Args:
        connection: inside a unit of work.
        officer_id: to whom.
        role: a code of the catalogue.
        window: from when, until when.
        act: reference of the act, so that the paper is found.
        by: who records it; None at the founding.
        roles: the catalogue, as shipped unless given.

    Raises:
        ServiceError: UNKNOWN_OFFICER, OFFICER_LEFT, UNKNOWN_ROLE, ROLE_ELSEWHERE (a function of
            the ministry at a post, or the reverse), FUNCTION_HELD (the same one in that time),
            DUTIES_SEPARATE (with the function held that forbids it), ACT_MISSING.
    """
    catalogue = roles or default_roles()
    person = not_left(connection, officer_id)
    _check_place(connection, catalogue, role, person)
    if not act.strip():
        raise ServiceError("ACT_MISSING")
    refuse_conflict(connection, catalogue, officer_id, role, window)
    values = {"officer": officer_id, "role": role, "post": person.identity.post, "act": act.strip()}
    held = tables.function_held
    seq = connection.scalar(
        held.insert().values(**values, **window.columns(), recorded_by=by).returning(held.c.seq)
    )
    counters.advance(connection, OFFICERS)
    return int(seq or 0)


def end_function(connection: Connection, officer_id: str, role: str, now: datetime) -> None:
    """Take a function away now; one person suffices. Raises NOT_HELD, UNKNOWN_OFFICER."""
    read(connection, officer_id)
    held = tables.function_held
    if end_windows(connection, held, now, held.c.officer == officer_id, held.c.role == role) == 0:
        raise ServiceError("NOT_HELD", officer=officer_id, role=role)


def end_windows(connection: Connection, book: Table, now: datetime, *which: Any) -> int:
    """End the windows of a book that are open now or later; returns how many were."""
    stamp = clock.text(now)
    open_ones = (book.c.ends.is_(None)) | (book.c.ends > stamp)
    ended = connection.execute(
        update(book)
        .where(*which, open_ones)
        # One that has not begun yet becomes empty: it never held.
        .values(ends=stamp, starts=case((book.c.starts > stamp, stamp), else_=book.c.starts))
    )
    counters.advance(connection, OFFICERS)
    return int(ended.rowcount)


def refuse_conflict(
    connection: Connection, roles: Roles, officer_id: str, role: str, window: Window
) -> None:
    """Refuse a function beside what the person holds, by act or by mandate, in the same time.

    Raises:
        ServiceError: FUNCTION_HELD, DUTIES_SEPARATE.
    """
    beside = set(held_in(connection, officer_id, window))
    if role in beside:
        raise ServiceError("FUNCTION_HELD", officer=officer_id, role=role)
    conflict = roles.conflict(role, beside)
    if conflict is not None:
        raise ServiceError("DUTIES_SEPARATE", officer=officer_id, role=role, held=conflict[0])


def held_in(connection: Connection, officer_id: str, window: Window) -> Iterable[str]:
    """Return the functions that a person holds at some time of a window, mandates included."""
    held = tables.function_held
    yield from connection.scalars(
        select(held.c.role).where(held.c.officer == officer_id, *_overlaps(held, window))
    )
    yield from lent_in(connection, officer_id, window)


def lent_in(connection: Connection, officer_id: str, window: Window) -> list[str]:
    """Return the functions that a person exercises by mandate at some time of a window."""
    mandate = tables.mandate
    mine = (mandate.c.holder == officer_id, mandate.c.state == "active")
    return list(
        connection.scalars(select(mandate.c.role).where(*mine, *_overlaps(mandate, window)))
    )


def lending(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a mandate of the book lends its function at this moment."""
    mandate = tables.mandate
    return mandate.c.state == "active", *in_force(mandate, now), lender_holds(now)


def lender_holds(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a mandate's delegator holds its function by right at this moment.

    A function whose days have run out lends nothing.
    """
    mandate, held = tables.mandate, tables.function_held
    lent = (held.c.officer == mandate.c.delegator, held.c.role == mandate.c.role)
    return exists().where(*lent, *in_force(held, now))


def lapse(connection: Connection, officer_id: str, role: str, window: Window) -> datetime | None:
    """Return the first instant of a window at which a person does not hold a function by right.

    None when it is held all along, be it by several acts, each from the end of the one before.
    """
    held, columns = tables.function_held, window.columns()
    reached, last = str(columns["starts"]), columns["ends"]
    mine = (held.c.officer == officer_id, held.c.role == role)
    rows = connection.execute(
        select(held.c.starts, held.c.ends).where(*mine).order_by(held.c.starts)
    )
    for row in rows:
        if row.starts <= reached and row.ends is None:
            return None
        if row.starts <= reached < row.ends:
            reached = row.ends
    return clock.parse(reached) if last is None or reached < last else None


def functions(connection: Connection, officer_id: str, now: datetime) -> list[Function]:
    """Return the functions held at this moment, the oldest first."""
    held = tables.function_held
    rows = connection.execute(
        select(held).where(held.c.officer == officer_id, *in_force(held, now)).order_by(held.c.seq)
    )
    return [
        Function(row.seq, row.officer, row.role, row.post, row.starts, row.ends, row.act)
        for row in rows
    ]


def read(connection: Connection, officer_id: str) -> Officer:
    """Return a person. Raises ServiceError UNKNOWN_OFFICER."""
    row = connection.execute(
        select(tables.officer).where(tables.officer.c.officer_id == officer_id)
    ).one_or_none()
    if row is None:
        raise ServiceError("UNKNOWN_OFFICER", officer=officer_id)
    return _officer(row)


def everyone(connection: Connection) -> list[Officer]:
    """Return all persons ever recorded, in order of their ids."""
    order = select(tables.officer).order_by(tables.officer.c.officer_id)
    return [_officer(row) for row in connection.execute(order)]


def all_names(connection: Connection) -> dict[str, str]:
    """Return the name of every person ever recorded, by number."""
    book = tables.officer.c
    rows = connection.execute(select(book.officer_id, book.name))
    return {row.officer_id: row.name for row in rows}


def names(connection: Connection, numbers: Iterable[str | None]) -> dict[str, str]:
    """Return the names of some persons, by number; who is not recorded is left out."""
    book = tables.officer.c
    wanted = {each for each in numbers if each}
    rows = connection.execute(select(book.officer_id, book.name).where(book.officer_id.in_(wanted)))
    return {row.officer_id: row.name for row in rows}


def names_in(connection: Connection, text: str) -> dict[str, str]:
    """Return the names of the persons whose numbers stand in a text."""
    return names(connection, _NUMBER.findall(text))


def not_left(connection: Connection, officer_id: str) -> Officer:
    """Return a person who has not left. Raises ServiceError UNKNOWN_OFFICER, OFFICER_LEFT."""
    known = read(connection, officer_id)
    if known.state == "left":
        raise ServiceError("OFFICER_LEFT", officer=officer_id)
    return known


def in_force(book: Table, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a window of a book holds at this moment."""
    stamp = clock.text(now)
    return book.c.starts <= stamp, book.c.ends.is_(None) | (book.c.ends > stamp)


def _overlaps(book: Table, window: Window) -> tuple[ColumnElement[bool], ...]:
    columns = window.columns()
    later = book.c.ends.is_(None) | (book.c.ends > columns["starts"])
    if columns["ends"] is None:
        return (later,)
    return later, book.c.starts < columns["ends"]


def check_identity(identity: Identity) -> None:
    """Check what needs no books. Raises ServiceError NAME_MALFORMED, UNKNOWN_GRADE."""
    if _NAME.fullmatch(identity.name) is None:
        raise ServiceError("NAME_MALFORMED")
    if identity.grade not in default_roles().grades:
        raise ServiceError("UNKNOWN_GRADE", grade=identity.grade)


def _check(connection: Connection, identity: Identity) -> None:
    check_identity(identity)
    unit, post = directory.unit, directory.post
    if identity.unit is not None:
        known = connection.scalar(select(unit.c.code).where(unit.c.code == identity.unit))
        if known is None:
            raise ServiceError("UNKNOWN_UNIT", unit=identity.unit)
    if connection.scalar(select(post.c.code).where(post.c.code == identity.post)) is None:
        raise ServiceError("UNKNOWN_POST", post=identity.post)


def _check_place(connection: Connection, roles: Roles, role: str, person: Officer) -> None:
    found = roles.roles.get(role)
    if found is None:
        raise ServiceError("UNKNOWN_ROLE", role=role)
    post = directory.post
    kind = connection.scalar(select(post.c.kind).where(post.c.code == person.identity.post))
    here = "ministry" if kind == "headquarters" else "post"
    if found.where not in ("any", here):
        raise ServiceError("ROLE_ELSEWHERE", role=role, post=person.identity.post)


def _columns(identity: Identity) -> dict[str, str | None]:
    return {
        "name": identity.name,
        "grade": identity.grade,
        "grade_since": identity.grade_since.isoformat(),
        "service_since": identity.service_since.isoformat(),
        "unit": identity.unit,
        "post": identity.post,
    }


def _officer(row: Row[Any]) -> Officer:
    identity = Identity(
        row.name,
        row.grade,
        date.fromisoformat(row.grade_since),
        date.fromisoformat(row.service_since),
        row.unit,
        row.post,
    )
    return Officer(row.officer_id, identity, row.state)
