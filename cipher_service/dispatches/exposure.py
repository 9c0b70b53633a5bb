"""What a key could read, and what it signed: the report that follows a compromise (article 15).

A card names one post's keys of one edition. Whoever held them could read every dispatch of which
the card is an addressee, from the moment at which they had its envelope; and could write, in the
post's name, whatever bears the card from then on.

Whoever had what a controlled item carried could read what was written under its prekeys. The key to
which a dispatch was enciphered stands inside it: named is each for which such a prekey was given.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from cipher_service.directory.compromises import is_compromised
from cipher_service.storage.tables import dispatches as tables
from cipher_service.storage.tables.controlled import card_carriage
from cipher_service.storage.tables.prekeys import prekey, prekey_carriage


@dataclass(frozen=True, slots=True)
class Exposed:
    """A dispatch that the keys of a card could read.

    Attributes:
        dispatch_id: ULID.
        register: the ministry's number, `2026/000123`.
        origin: post that wrote it.
        post: addressee whose keys are meant.
        level: code of its level.
        received_at: when the ministry received it.
        role: the card's in it: action, info, or the sender's own copy.
        delivery: cipher or pouch.
        state: how far the card's post came with it.
        others: posts that could read it besides, in the slip's order.
        burnt: the compromised item with which the prekey travelled that was given for it; or None.
    """

    dispatch_id: str
    register: str
    origin: str
    post: str
    level: str
    received_at: str
    role: str
    delivery: str
    state: str
    others: tuple[str, ...]
    burnt: int | None


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
    readable = _read(connection, _dispatches().where(mine.c.fingerprint == fingerprint))
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


def exposed_by_item(connection: Connection, item: int) -> tuple[Exposed, ...]:
    """Return the dispatches that the keys travelling with an item could read, the oldest first.

    Those to a card that it carries, and those for which one of its prekeys was given; before the
    item is compromised too: what a breach would cost.
    """
    dispatch, mine = tables.dispatch, tables.addressee
    under_prekey = (
        select(prekey.c.prekey_id)
        .join(prekey_carriage, prekey_carriage.c.prekey_id == prekey.c.prekey_id)
        .where(_given(), prekey_carriage.c.item == item)
        .correlate(dispatch, mine)
        .exists()
    )
    carried = select(card_carriage.c.fingerprint).where(card_carriage.c.item == item)
    under_card = mine.c.fingerprint.in_(carried)
    return _read(connection, _dispatches().where(or_(under_card, under_prekey)))


def _dispatches() -> Select[Any]:
    """Ask for dispatches with each of their addressees."""
    dispatch, mine = tables.dispatch, tables.addressee
    burnt = (
        select(prekey_carriage.c.item)
        .join(prekey, prekey.c.prekey_id == prekey_carriage.c.prekey_id)
        .where(_given(), is_compromised(prekey_carriage.c.item))
        .limit(1)
        .correlate(dispatch, mine)
        .scalar_subquery()
    )
    columns = (
        *(dispatch.c.seq, dispatch.c.dispatch_id, dispatch.c.origin, dispatch.c.level),
        *(dispatch.c.received_at, dispatch.c.register_year, dispatch.c.register_number),
        *(mine.c.post, mine.c.fingerprint, mine.c.role, mine.c.delivery, mine.c.state),
    )
    return select(*columns, burnt.label("burnt")).join(mine, mine.c.dispatch == dispatch.c.seq)


def _given() -> ColumnElement[bool]:
    """Return the condition that a prekey was given to a dispatch's origin for this addressee."""
    dispatch, mine = tables.dispatch, tables.addressee
    return and_(
        prekey.c.taken_for == dispatch.c.dispatch_id,
        prekey.c.taken_by == dispatch.c.origin,
        prekey.c.card == mine.c.fingerprint,
    )


def _read(connection: Connection, asked: Select[Any]) -> tuple[Exposed, ...]:
    dispatch, mine = tables.dispatch, tables.addressee
    rows = connection.execute(asked.order_by(dispatch.c.seq, mine.c.position)).all()
    others = _addressees(connection, asked)
    return tuple(
        _exposed(row, tuple(p for p, card in others[row.seq] if card != row.fingerprint))
        for row in rows
    )


def _addressees(connection: Connection, asked: Select[Any]) -> dict[int, list[tuple[str, str]]]:
    """Return the posts and cards of the addressees of dispatches, in the slip's order."""
    dispatch, theirs = tables.dispatch, tables.addressee.alias("theirs")
    rows = connection.execute(
        select(theirs.c.dispatch, theirs.c.post, theirs.c.fingerprint)
        .where(theirs.c.dispatch.in_(asked.with_only_columns(dispatch.c.seq)))
        .order_by(theirs.c.dispatch, theirs.c.position)
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for row in rows:
        found.setdefault(row.dispatch, []).append((row.post, row.fingerprint))
    return found


def _exposed(row: Any, others: tuple[str, ...]) -> Exposed:
    return Exposed(
        dispatch_id=row.dispatch_id,
        register=f"{row.register_year}/{row.register_number:06d}",
        origin=row.origin,
        post=row.post,
        level=row.level,
        received_at=row.received_at,
        role=row.role,
        delivery=row.delivery,
        state=row.state,
        others=others,
        burnt=row.burnt,
    )
