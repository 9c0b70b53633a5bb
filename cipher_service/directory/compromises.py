"""Which controlled items nobody may trust any more, and which have safely reached their receiver.

Others than the register ask this: what travels with an item (`directory.prekeys`) is of use only
once the item is signed for.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, select

from cipher_service import clock
from cipher_service.storage.statements import insert_or_skip
from cipher_service.storage.tables import controlled as tables

_HELD = "held"
_DESTROYED = "destroyed"


def compromise(
    connection: Connection, item: int, *, person: str, reference: str, now: datetime
) -> None:
    """Mark an item of the register; one that is marked or destroyed stays as it is.

    Args:
        connection: inside a unit of work.
        item: its number.
        person: who reported what compromised it.
        reference: of the report.
        now: the present.
    """
    book = tables.controlled_item.c
    gone = select(book.item).where(book.item == item, book.state == _DESTROYED)
    if connection.execute(gone).one_or_none() is not None:
        return
    row = {"item": item, "person": person, "reference": reference, "at": clock.text(now)}
    connection.execute(insert_or_skip(tables.controlled_compromise, ["item"]).values(row))


def is_compromised(item: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that an item is marked as compromised."""
    burnt = tables.controlled_compromise
    return select(burnt.c.item).where(burnt.c.item == item).exists()


def is_signed_for(item: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that an item's last journey ended in its receiver's hand, unharmed."""
    moved, held = tables.controlled_movement, tables.controlled_item
    last = (
        select(moved.c.kind)
        .where(moved.c.item == item, moved.c.kind.in_(("sent", "received")))
        .order_by(moved.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    holds = select(held.c.item).where(held.c.item == item, held.c.state == _HELD)
    return and_(holds.exists(), func.coalesce(last, "") == "received", ~is_compromised(item))
