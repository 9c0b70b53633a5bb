"""Closes what an interruption left open: intents without an outcome, when the service starts."""

from datetime import datetime

from sqlalchemy import Connection, and_, or_, select

from cipher_service.audit.ledger import append
from cipher_service.audit.records import FAILED, INTENDED, UNKNOWN, Event
from cipher_service.storage.tables.audit import NOT_DONE, audit_entry


def close_intents(connection: Connection, origin: str, now: datetime) -> int:
    """Append "outcome unknown" for each intent that has none; returns how many.

    An act of the command line that is under way at this very moment gets both: unknown, then its
    true end.

    Args:
        connection: inside a unit of work.
        origin: the log's name.
        now: the present.
    """
    later = audit_entry.alias()
    same_thing = or_(
        later.c.resource == audit_entry.c.resource,
        and_(later.c.resource.is_(None), audit_entry.c.resource.is_(None)),
    )
    ended = select(later.c.seq).where(
        later.c.actor == audit_entry.c.actor,
        later.c.seq > audit_entry.c.seq,
        later.c.action == audit_entry.c.action,
        later.c.outcome != INTENDED,
        same_thing,
    )
    left = connection.execute(
        select(audit_entry.c.actor, audit_entry.c.action, audit_entry.c.resource)
        .where(audit_entry.c.outcome == INTENDED, NOT_DONE, ~ended.exists())
        .order_by(audit_entry.c.seq)
    ).all()
    time_us = int(now.timestamp() * 1_000_000)
    # One entry closes every earlier intent that is the same act on the same thing.
    alike = dict.fromkeys((row.actor, row.action, row.resource) for row in left)
    events = [
        Event(time_us, actor, action, FAILED, resource=resource, reason=UNKNOWN)
        for actor, action, resource in alike
    ]
    if events:
        append(connection, origin, events)
    return len(events)
