"""What a person is told of the way to their account, and the security officer of everybody's.

Keys given and taken away and links for new ones, by whatever act, are read in the book of keys;
sign-ins that were refused under a key of theirs, one that was let in after such a refusal, and one
after a long absence, in the log. Told since the session before the present one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, Row, null, or_, select

from cipher_service import clock
from cipher_service.audit.records import DONE, REFUSED
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.tables.identity import enrolment_link, passkey, session

SIGN_IN: Final = "officer_sign_in"
ADDED: Final = "officer_add_key"
TAKEN: Final = "officer_revoke_key"
LINKED: Final = "officer_link"

CHANGED: Final = "changed"
TRIED: Final = "tried"
AFTER_REFUSAL: Final = "after-refusal"
AFTER_ABSENCE: Final = "after-absence"

NOBODY: Final = "-"
ABSENCE: Final = timedelta(days=30)
MOST: Final = 200
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that is told.

    Attributes:
        at: when.
        officer: whom it concerns.
        kind: CHANGED, TRIED, AFTER_REFUSAL or AFTER_ABSENCE.
        action: name of the act.
        by: who did it; `-` for who is not known.
    """

    at: datetime
    officer: str
    kind: str
    action: str
    by: str


def since_last(connection: Connection, officer: str) -> datetime | None:
    """Return when the session before the present one was opened; None for a first one."""
    book = session.c
    opened = select(book.opened_at).where(book.officer == officer)
    before = connection.scalar(opened.order_by(book.opened_at.desc()).limit(1).offset(1))
    return None if before is None else clock.parse(before)


def notices(connection: Connection, since: datetime, *, officer: str | None = None) -> list[Notice]:
    """Return what is to be told, the newest first, `MOST` at most.

    Args:
        connection: reading.
        since: from this moment on.
        officer: about whom; None for everybody.
    """
    entry = audit_entry.c
    start = _microseconds(since)
    sign_ins = [
        entry.action == SIGN_IN,
        entry.outcome.in_((DONE, REFUSED)),
        entry.time_us >= start - _microseconds(_EPOCH + ABSENCE),
    ]
    told = [*_of_keys(connection, clock.text(since), officer)]
    told += reversed(list(_of_sign_ins(connection, _rows(connection, sign_ins, officer), start)))
    return sorted(told, key=lambda notice: notice.at, reverse=True)[:MOST]


def _of_keys(connection: Connection, since: str, officer: str | None) -> Iterable[Notice]:
    for book, at, action, by in (
        (passkey, passkey.c.added_at, ADDED, null()),
        (passkey, passkey.c.revoked_at, TAKEN, null()),
        (enrolment_link, enrolment_link.c.made_at, LINKED, enrolment_link.c.made_by),
    ):
        whose = [] if officer is None else [book.c.officer == officer]
        rows = connection.execute(
            select(book.c.officer, at, by)
            .where(at >= since, *whose)
            .order_by(at.desc())
            .limit(MOST)
        )
        for row in rows:
            yield Notice(clock.parse(row[1]), row[0], CHANGED, action, row[2] or NOBODY)


def _of_sign_ins(
    connection: Connection, rows: Iterable[Row[tuple[object, ...]]], start: int
) -> Iterable[Notice]:
    last: dict[str, Row[tuple[object, ...]]] = {}
    for row in rows:
        officer = row.actor if row.outcome == DONE else row.resource
        if officer is None:
            continue  # nobody's key: whose account was meant is not known
        before, last[officer] = last.get(officer), row
        if row.time_us < start:
            continue
        if row.outcome == REFUSED:
            kind = TRIED
        elif before is not None and before.outcome == REFUSED:
            kind = AFTER_REFUSAL
        elif before is None and _came_before(connection, officer, row.seq):
            kind = AFTER_ABSENCE
        else:
            continue
        yield Notice(_moment(row.time_us), officer, kind, SIGN_IN, row.actor)


def _came_before(connection: Connection, officer: str, seq: int) -> bool:
    entry = audit_entry.c
    mine = (entry.actor == officer, entry.action == SIGN_IN, entry.seq < seq)
    return connection.execute(select(entry.seq).where(*mine).limit(1)).first() is not None


def _rows(
    connection: Connection, wanted: Sequence[ColumnElement[bool]], officer: str | None
) -> list[Row[tuple[object, ...]]]:
    entry = audit_entry.c
    whose = [] if officer is None else [or_(entry.resource == officer, entry.actor == officer)]
    columns = (entry.seq, entry.time_us, entry.actor, entry.action, entry.resource, entry.outcome)
    query = select(*columns).where(*wanted, *whose).order_by(entry.seq)
    return list(connection.execute(query))


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(time_us: int) -> datetime:
    return _EPOCH + time_us * _MICROSECOND
