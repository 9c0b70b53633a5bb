"""What enters the register of controlled items by itself: versions of keys, and shares.

`cipher_service.directory.controlled` has what persons do with items.
"""

from datetime import datetime

from sqlalchemy import Connection, select

from cipher_service import clock
from cipher_service.storage.tables import controlled as tables


def designation(post: str, edition: int, fingerprint: str) -> str:
    """Return what the register calls a version of a post's key."""
    return f"{post} {edition} {fingerprint}"


def enter_key(
    connection: Connection, post: str, edition: int, fingerprint: str, now: datetime
) -> int:
    """Enter a version of a post's key, which the post holds, once; returns its number."""
    named = designation(post, edition, fingerprint)
    return enter_once(connection, "key", named, post, f"{post} {edition}", now)


def enter_once(
    connection: Connection, kind: str, named: str, holder: str, reference: str, now: datetime
) -> int:
    """Enter an item of a designation that no other one has, unless it stands; give its number."""
    table = tables.controlled_item
    asked = select(table.c.item).where(table.c.kind == kind, table.c.designation == named)
    known: int | None = connection.scalar(asked)
    return known or enter_item(connection, kind, named, holder, reference, now)


def enter_item(
    connection: Connection, kind: str, named: str, holder: str, reference: str, now: datetime
) -> int:
    """Enter an item whose texts were checked; returns its number."""
    number = connection.scalar(
        tables.controlled_item.insert()
        .values(
            kind=kind,
            designation=named,
            holder=holder,
            state="held",
            entered_at=clock.text(now),
            seen_at=clock.text(now),
        )
        .returning(tables.controlled_item.c.item)
    )
    item = int(number or 0)
    connection.execute(
        tables.controlled_movement.insert().values(
            item=item,
            kind="entered",
            person=holder,
            reference=reference,
            at=clock.text(now),
        )
    )
    return item


def record_of(connection: Connection, named: str) -> bytes | None:
    """Return the signed record of the destruction of a key, None while there is none."""
    table, moved = tables.controlled_item, tables.controlled_movement
    which = (table.c.kind == "key", table.c.designation == named)
    asked = select(moved.c.record).join(table).where(*which, moved.c.kind == "destroyed")
    record: bytes | None = connection.scalar(asked)
    return record
