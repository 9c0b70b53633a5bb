"""Entries of the log by what they say, a page at a time, the newest first.

Every filter is answered from an index, and a page goes on from the last entry of the one before
(keyset): the log may have millions of entries.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from cipher_service.audit.records import DONE
from cipher_service.storage.tables.audit import NOT_DONE, audit_entry
from cipher_service.storage.tables.dispatches import dispatch
from keys import canonical

PAGE: Final = 50
PAGE_MAX: Final = 1000

READINGS: Final = (
    *("bureau_open", "bureau_receive", "bureau_unseal", "dispatch_open", "dispatch_review"),
    *(
        "dispatch_review_take",
        "mark_fetched",
        "dispatch_show",
        "dispatch_take",
        "dispatch_print",
        "own_copy",
        "audit_records",
    ),
)
"""Acts by which somebody gets to see a content, or fetches it enciphered."""

OFFICE_ZONE: Final = timezone(timedelta(hours=1), "Africa/Douala")
OFFICE_HOURS: Final = (7, 18)
_HOUR_US: Final = 3_600_000_000
_DAY_HOURS: Final = 24
_WEEK_DAYS: Final = 7
_SATURDAY: Final = 5
_EPOCH_WEEKDAY: Final = 3  # 1 January 1970 was a Thursday, Monday being 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; None and empty stand for any.

    Attributes:
        actor: post, officer or account.
        actions: names of acts.
        resource: what they are about.
        outcomes: some of `done`, `refused`, `failed`, `intended`.
        mandate: under which the actor acted.
        since: from this instant.
        until: before this instant.
        levels: only about dispatches of these levels.
        outside_hours: only outside office hours, and on Saturdays and Sundays.
        before: only entries before this one.
    """

    actor: str | None = None
    actions: tuple[str, ...] = ()
    resource: str | None = None
    outcomes: tuple[str, ...] = ()
    mandate: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    levels: tuple[str, ...] = ()
    outside_hours: bool = False
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: where it is in the log, its commitment there, and what it says."""

    seq: int
    entry: bytes
    said: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, the newest first, and from which one the next page goes on; None at the end."""

    entries: list[Entry]
    next: int | None


def page(connection: Connection, wanted: Wanted, limit: int = PAGE) -> Page:
    """Return the newest entries that are wanted.

    Args:
        connection: reading.
        wanted: which.
        limit: how many at most, up to `PAGE_MAX`.
    """
    limit = min(limit, PAGE_MAX)
    query = (
        select(audit_entry.c.seq, audit_entry.c.entry, audit_entry.c.record)
        .where(*_conditions(connection, wanted))
        .order_by(audit_entry.c.seq.desc())
        .limit(limit + 1)
    )
    rows = connection.execute(query).all()
    found = [
        Entry(int(row.seq), bytes(row.entry), canonical.decode(bytes(row.record)))
        for row in rows[:limit]
    ]
    return Page(found, found[-1].seq if len(rows) > limit else None)


def entry_at(connection: Connection, seq: int) -> Entry | None:
    """Return one entry, None when the log has none there."""
    row = connection.execute(
        select(audit_entry.c.entry, audit_entry.c.record).where(audit_entry.c.seq == seq)
    ).one_or_none()
    if row is None:
        return None
    return Entry(seq, bytes(row.entry), canonical.decode(bytes(row.record)))


def outcome_of(connection: Connection, intent: Entry) -> Entry | None:
    """Return the entry that says how an intent ended, None while it is open."""
    said = intent.said
    wanted = Wanted(actor=said["actor"], actions=(said["action"],), resource=said.get("resource"))
    row = connection.execute(
        select(audit_entry.c.seq)
        .where(
            *_conditions(connection, wanted),
            audit_entry.c.seq > intent.seq,
            audit_entry.c.outcome != "intended",
        )
        .order_by(audit_entry.c.seq)
        .limit(1)
    ).one_or_none()
    return None if row is None else entry_at(connection, int(row.seq))


def every(connection: Connection, wanted: Wanted, most: int) -> list[Entry]:
    """Return up to `most` entries, the newest first, over as many pages as it takes."""
    found: list[Entry] = []
    while len(found) < most:
        got = page(connection, wanted, min(PAGE_MAX, most - len(found)))
        found += got.entries
        if got.next is None:
            break
        wanted = replace(wanted, before=got.next)
    return found


def _conditions(connection: Connection, wanted: Wanted) -> list[ColumnElement[bool]]:
    columns = audit_entry.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.actor is not None:
        conditions.append(columns.actor == wanted.actor)
    if wanted.actions:
        conditions.append(columns.action.in_(wanted.actions))
    if wanted.resource is not None:
        conditions.append(columns.resource == wanted.resource)
    if wanted.outcomes:
        conditions.append(columns.outcome.in_(wanted.outcomes))
        if DONE not in wanted.outcomes:
            conditions.append(NOT_DONE)
    if wanted.mandate is not None:
        conditions.append(columns.mandate == wanted.mandate)
    if wanted.before is not None:
        conditions.append(columns.seq < wanted.before)
    if wanted.levels:
        of_level = select(dispatch.c.dispatch_id).where(dispatch.c.level.in_(wanted.levels))
        conditions.append(columns.resource.in_(of_level))
    if wanted.outside_hours:
        conditions.append(_outside_hours())
    conditions += _within(connection, wanted)
    return conditions


def _within(connection: Connection, wanted: Wanted) -> list[ColumnElement[bool]]:
    """Bound the entries by their places, which stand in the order of time."""
    columns, bounds = audit_entry.c, []
    if wanted.since is not None:
        first = connection.scalar(_first_from(wanted.since))
        bounds.append(columns.seq >= (0 if first is None else first))
        bounds.append(columns.time_us >= _microseconds(wanted.since))
    if wanted.until is not None:
        after = connection.scalar(_first_from(wanted.until))
        if after is not None:
            bounds.append(columns.seq < after)
        bounds.append(columns.time_us < _microseconds(wanted.until))
    return bounds


def _first_from(instant: datetime) -> Select[tuple[int]]:
    columns = audit_entry.c
    return (
        select(columns.seq)
        .where(columns.time_us >= _microseconds(instant))
        .order_by(columns.time_us, columns.seq)
        .limit(1)
    )


def _microseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1_000_000)


def _outside_hours() -> ColumnElement[bool]:
    offset = OFFICE_ZONE.utcoffset(None) or timedelta()
    hours = audit_entry.c.time_us // _HOUR_US + int(offset.total_seconds() // 3600)
    hour = hours % _DAY_HOURS
    weekday = (hours // _DAY_HOURS + _EPOCH_WEEKDAY) % _WEEK_DAYS
    opens, closes = OFFICE_HOURS
    return or_(weekday >= _SATURDAY, ~and_(hour >= opens, hour < closes))
