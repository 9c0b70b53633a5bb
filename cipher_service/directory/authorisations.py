"""What a person may see: habilitations and needs to know (article 12, « autorisations d'accès »).

An habilitation has a level, caveats, an end and a training that lapses; it opens nothing without a
need to know. Who may propose and grant one is decided in `access`; here it is only written down.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from cipher_service import clock
from cipher_service.directory.officers import (
    OFFICERS,
    Window,
    end_windows,
    in_force,
    not_left,
    read,
)
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import Scheme, UnknownLabel, default_scheme
from cipher_service.storage import counters
from cipher_service.storage.tables import officers as tables
from keys.canonical import decode, encode

KINDS = ("dispatch", "post", "file")


@dataclass(frozen=True, slots=True)
class Clearance:
    """What a decision of habilitation says.

    Attributes:
        level: a code of the scheme of markings.
        caveats: in their canonical form.
        window: always with an end.
        trained_until: when the training that it rests on lapses.
    """

    level: str
    caveats: tuple[str, ...]
    window: Window
    trained_until: datetime


@dataclass(frozen=True, slots=True)
class Habilitation:
    """An habilitation as recorded; instants as texts."""

    seq: int
    officer: str
    level: str
    caveats: tuple[str, ...]
    starts: str
    ends: str
    trained_until: str
    act: str
    proposer: str | None
    grantor: str | None


@dataclass(frozen=True, slots=True)
class Need:
    """A need to know: `kind` is one of `KINDS`, `matter` the dispatch, post or file meant."""

    seq: int
    officer: str
    kind: str
    matter: str
    reason: str
    starts: str
    ends: str | None


def habilitate(
    connection: Connection,
    officer_id: str,
    clearance: Clearance,
    *,
    act: str,
    proposer: str | None,
    grantor: str | None,
    now: datetime,
    scheme: Scheme | None = None,
) -> int:
    """Write an habilitation down; the one in force until then ends when this one starts.

    Args:
        connection: inside a unit of work.
        officer_id: whose.
        clearance: what is granted.
        act: reference of the decision.
        proposer: who asked for it; None at the founding.
        grantor: likewise, who granted it. Three different persons: `access` decides who may, here
            only that none of them is another.
        now: the present.
        scheme: the markings, as shipped unless given.

    Raises:
        ServiceError: UNKNOWN_OFFICER, OFFICER_LEFT, ACT_MISSING, UNKNOWN_LEVEL, UNKNOWN_CAVEAT,
            WINDOW_OPEN (no end), TRAINING_LAPSED (before it starts), OWN_ACT (proposer, grantor
            and holder are not three persons).
    """
    not_left(connection, officer_id)
    _require_grantable(officer_id, clearance, act, proposer, grantor)
    marking = scheme or default_scheme()
    level, caveats = checked_marking(marking, clearance.level, clearance.caveats)
    book = tables.habilitation
    end_windows(connection, book, max(now, clearance.window.starts), book.c.officer == officer_id)
    row = book.insert().values(
        officer=officer_id,
        level=level,
        caveats=encode(list(caveats)).decode("utf-8"),
        **clearance.window.columns(),
        trained_until=clock.text(clearance.trained_until),
        act=act.strip(),
        proposer=proposer,
        grantor=grantor,
    )
    seq = connection.scalar(row.returning(book.c.seq))
    counters.advance(connection, OFFICERS)
    return int(seq or 0)


def _require_grantable(
    officer_id: str, clearance: Clearance, act: str, proposer: str | None, grantor: str | None
) -> None:
    named = [name for name in (officer_id, proposer, grantor) if name is not None]
    if len(set(named)) != len(named):
        raise ServiceError("OWN_ACT", officer=officer_id)
    if not act.strip():
        raise ServiceError("ACT_MISSING")
    if clearance.window.ends is None:
        raise ServiceError("WINDOW_OPEN")
    if clearance.trained_until <= clearance.window.starts:
        raise ServiceError("TRAINING_LAPSED", officer=officer_id)


def withdraw_habilitation(connection: Connection, officer_id: str, now: datetime) -> None:
    """End a person's habilitation at once; one person suffices.

    Raises:
        ServiceError: UNKNOWN_OFFICER, NOT_HABILITATED.
    """
    read(connection, officer_id)
    book = tables.habilitation
    if end_windows(connection, book, now, book.c.officer == officer_id) == 0:
        raise ServiceError("NOT_HABILITATED", officer=officer_id)


def habilitation(connection: Connection, officer_id: str, now: datetime) -> Habilitation | None:
    """Return the habilitation whose window holds now; its training may have lapsed already."""
    book = tables.habilitation
    row = connection.execute(
        select(book)
        .where(book.c.officer == officer_id, *in_force(book, now))
        .order_by(book.c.seq.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _habilitation(row)


def habilitations(connection: Connection) -> list[Habilitation]:
    """Return the register of all habilitations, in the order in which they were granted."""
    order = select(tables.habilitation).order_by(tables.habilitation.c.seq)
    return [_habilitation(row) for row in connection.execute(order)]


def grant_need(
    connection: Connection,
    officer_id: str,
    kind: str,
    matter: str,
    window: Window,
    *,
    reason: str,
    by: str | None,
) -> int:
    """Let a person know of a dispatch, of a post's traffic, or of a file; returns its number.

    Raises:
        ServiceError: UNKNOWN_OFFICER, OFFICER_LEFT, UNKNOWN_KIND, MATTER_MISSING, REASON_MISSING,
            OWN_ACT (nobody grants it to themselves).
    """
    not_left(connection, officer_id)
    if by == officer_id:
        raise ServiceError("OWN_ACT", officer=officer_id)
    if kind not in KINDS:
        raise ServiceError("UNKNOWN_KIND", kind=kind)
    if not matter.strip():
        raise ServiceError("MATTER_MISSING")
    if not reason.strip():
        raise ServiceError("REASON_MISSING")
    book = tables.need_to_know
    seq = connection.scalar(
        book.insert()
        .values(
            officer=officer_id,
            kind=kind,
            object=matter.strip(),
            reason=reason.strip(),
            **window.columns(),
            recorded_by=by,
        )
        .returning(book.c.seq)
    )
    counters.advance(connection, OFFICERS)
    return int(seq or 0)


def end_need(connection: Connection, seq: int, now: datetime) -> None:
    """End a need to know at once; one person suffices. Raises NOT_FOUND."""
    book = tables.need_to_know
    if end_windows(connection, book, now, book.c.seq == seq) == 0:
        raise ServiceError("NOT_FOUND")


def needs(connection: Connection, officer_id: str, now: datetime) -> list[Need]:
    """Return what a person needs to know now, the oldest first."""
    book = tables.need_to_know
    rows = connection.execute(
        select(book).where(book.c.officer == officer_id, *in_force(book, now)).order_by(book.c.seq)
    )
    return [
        Need(row.seq, row.officer, row.kind, row.object, row.reason, row.starts, row.ends)
        for row in rows
    ]


def checked_marking(
    scheme: Scheme, level: str, caveats: Iterable[str]
) -> tuple[str, tuple[str, ...]]:
    """Return a level and caveats in canonical form. Raises UNKNOWN_LEVEL, UNKNOWN_CAVEAT."""
    try:
        return scheme.level(level).code, tuple(sorted({scheme.caveat(one) for one in caveats}))
    except UnknownLabel as error:
        code = "UNKNOWN_LEVEL" if error.kind == "level" else "UNKNOWN_CAVEAT"
        raise ServiceError(code, given=error.given) from error


def _habilitation(row: Row[Any]) -> Habilitation:
    return Habilitation(
        row.seq,
        row.officer,
        row.level,
        tuple(decode(row.caveats.encode("utf-8"))),
        row.starts,
        row.ends,
        row.trained_until,
        row.act,
        row.proposer,
        row.grantor,
    )
