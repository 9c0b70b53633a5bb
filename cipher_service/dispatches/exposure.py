"""What a key could read, and what it signed: the report that follows a compromise (article 15).

A card names one post's keys of one edition. Whoever held them could read every dispatch of which
the card is an addressee, from the moment at which they had its envelope; and could write, in the
post's name, whatever bears the card from then on.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from cipher_service.storage.tables import dispatches as tables


@dataclass(frozen=True, slots=True)
class Exposed:
    """A dispatch that the keys of a card could read.

    Attributes:
        dispatch_id: ULID.
        register: the ministry's number, `2026/000123`.
        origin: post that wrote it.
        level: code of its level.
        received_at: when the ministry received it.
        role: the card's in it: action, info, or the sender's own copy.
        delivery: cipher or pouch.
        state: how far the card's post came with it.
        others: posts that could read it besides, in the slip's order.
    """

    dispatch_id: str
    register: str
    origin: str
    level: str
    received_at: str
    role: str
    delivery: str
    state: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the keys of a card have to do with.

    Attributes:
        readable: dispatches that they open, the oldest first.
        signed: ids of those that bear the card as origin, the oldest first.
        correspondents: posts that wrote to the card's post or were written to by it: each of them
            must confirm the next card.
    """

    readable: tuple[Exposed, ...]
    signed: tuple[str, ...]
    correspondents: tuple[str, ...]


def exposure(connection: Connection, post: str, fingerprint: str) -> Exposure:
    """Work out what the keys of a card could read and what they signed.

    Args:
        connection: for reading.
        post: whose card it is.
        fingerprint: of the card.
    """
    dispatch, mine = tables.dispatch, tables.addressee
    columns = (
        *(dispatch.c.seq, dispatch.c.dispatch_id, dispatch.c.origin, dispatch.c.level),
        *(dispatch.c.received_at, dispatch.c.register_year, dispatch.c.register_number),
        *(mine.c.role, mine.c.delivery, mine.c.state),
    )
    rows = connection.execute(
        select(*columns)
        .join(mine, mine.c.dispatch == dispatch.c.seq)
        .where(mine.c.fingerprint == fingerprint)
        .order_by(dispatch.c.seq)
    ).all()
    others = _others(connection, fingerprint)
    readable = tuple(_exposed(row, others.get(row.seq, ())) for row in rows)
    signed = connection.scalars(
        select(dispatch.c.dispatch_id)
        .where(dispatch.c.origin_card == fingerprint)
        .order_by(dispatch.c.seq)
    ).all()
    written_to = connection.scalars(
        select(mine.c.post)
        .distinct()
        .join(dispatch, mine.c.dispatch == dispatch.c.seq)
        .where(dispatch.c.origin == post)
    ).all()
    writers = {each.origin for each in readable}
    return Exposure(readable, tuple(signed), tuple(sorted({*written_to, *writers} - {post})))


def _others(connection: Connection, fingerprint: str) -> dict[int, tuple[str, ...]]:
    mine, theirs = tables.addressee, tables.addressee.alias("theirs")
    rows = connection.execute(
        select(theirs.c.dispatch, theirs.c.post)
        .join(mine, mine.c.dispatch == theirs.c.dispatch)
        .where(mine.c.fingerprint == fingerprint, theirs.c.fingerprint != fingerprint)
        .order_by(theirs.c.dispatch, theirs.c.position)
    )
    found: dict[int, list[str]] = {}
    for row in rows:
        found.setdefault(row.dispatch, []).append(row.post)
    return {seq: tuple(posts) for seq, posts in found.items()}


def _exposed(row: Any, others: tuple[str, ...]) -> Exposed:
    return Exposed(
        dispatch_id=row.dispatch_id,
        register=f"{row.register_year}/{row.register_number:06d}",
        origin=row.origin,
        level=row.level,
        received_at=row.received_at,
        role=row.role,
        delivery=row.delivery,
        state=row.state,
        others=others,
    )
