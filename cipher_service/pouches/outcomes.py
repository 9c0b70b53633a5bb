"""The SQL of what follows from events: receipts, alarms, sync packs; in the caller's unit."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from cipher_service import clock
from cipher_service.pouches.repository import at_once, text_of
from cipher_service.storage.tables import pouches as tables
from pouch.alarms import Alarm


def receipt_of(connection: Connection, seal: str) -> Row[Any] | None:
    """Return the receipt granted for a closing."""
    return connection.execute(
        select(tables.receipt).where(tables.receipt.c.seal == seal)
    ).one_or_none()


def receipts_of(connection: Connection, seals: Sequence[str]) -> dict[str, Row[Any]]:
    """Return the receipts granted for closings, by seal."""
    found: dict[str, Row[Any]] = {}
    for named in at_once(seals):
        rows = connection.execute(select(tables.receipt).where(tables.receipt.c.seal.in_(named)))
        found.update((row.seal, row) for row in rows)
    return found


def replace_receipt(connection: Connection, seal: str, values: Mapping[str, object] | None) -> None:
    """Grant the receipt of a closing to another event, or to none."""
    connection.execute(delete(tables.receipt).where(tables.receipt.c.seal == seal))
    if values is not None:
        connection.execute(insert(tables.receipt).values(seal=seal, **values))


def alarms_about(connection: Connection, subject: str) -> list[Alarm]:
    """Return the alarms about a seal or a device in the order in which they were raised."""
    return [alarm for _, alarm in _numbered_alarms(connection, subject)]


def kinds_about(connection: Connection, subjects: Sequence[str]) -> dict[str, set[str]]:
    """Return the kinds of alarm about each of these subjects, of those with any."""
    book, found = tables.alarm, dict[str, set[str]]()
    for named in at_once(subjects):
        rows = connection.execute(
            select(book.c.subject, book.c.kind).where(book.c.subject.in_(named)).distinct()
        )
        for row in rows:
            found.setdefault(row.subject, set()).add(row.kind)
    return found


def alarmed(connection: Connection, kind: str, subjects: Sequence[str]) -> set[str]:
    """Return those of these subjects about which there is an alarm of a kind."""
    book = tables.alarm
    found: set[str] = set()
    for named in at_once(subjects):
        rows = connection.scalars(
            select(book.c.subject).where(book.c.subject.in_(named), book.c.kind == kind)
        )
        found.update(rows)
    return found


def raise_alarm(connection: Connection, alarm: Alarm, now: datetime) -> bool:
    """Record an alarm, or let one that it contains grow; False when it was known."""
    for seq, known in _numbered_alarms(connection, alarm.subject):
        if known.kind != alarm.kind or not set(known.events) <= set(alarm.events):
            continue
        if known.events == alarm.events:
            return False
        connection.execute(
            update(tables.alarm)
            .where(tables.alarm.c.seq == seq)
            .values(events=text_of(alarm.events), places=text_of(alarm.places))
        )
        return True
    connection.execute(
        insert(tables.alarm).values(
            kind=alarm.kind,
            subject=alarm.subject,
            events=text_of(alarm.events),
            places=text_of(alarm.places),
            raised_at=clock.text(now),
        )
    )
    return True


def _numbered_alarms(connection: Connection, subject: str) -> list[tuple[int, Alarm]]:
    rows = connection.execute(
        select(tables.alarm).where(tables.alarm.c.subject == subject).order_by(tables.alarm.c.seq)
    )
    return [
        (
            row.seq,
            Alarm(
                row.kind,
                row.subject,
                tuple(json.loads(row.events)),
                tuple(json.loads(row.places)),
            ),
        )
        for row in rows
    ]


def pack_of(connection: Connection, post: str) -> Row[Any] | None:
    """Return a post's newest sync pack."""
    return connection.execute(select(tables.pack).where(tables.pack.c.post == post)).one_or_none()


def replace_pack(connection: Connection, post: str, values: Mapping[str, object]) -> None:
    """Keep a post's sync pack in the place of the one before."""
    connection.execute(delete(tables.pack).where(tables.pack.c.post == post))
    connection.execute(insert(tables.pack).values(post=post, **values))
