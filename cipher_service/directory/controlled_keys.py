"""What enters the register of controlled items by itself: versions of keys, and shares.

`cipher_service.directory.controlled` has what persons do with items.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select, update

from cipher_service import clock
from cipher_service.storage.tables import controlled as tables
from keys.lifecycle import DESTROYED, KeyVersion

_OF_POSTS: Final = "post"
_OF_EDITIONS: Final = "bureau"


def designation(name: str, number: int, fingerprint: str) -> str:
    """Return what the register calls a version of a key: a post's by its code."""
    return f"{name} {number} {fingerprint}"


def enter_key(
    connection: Connection, post: str, edition: int, fingerprint: str, now: datetime
) -> int:
    """Enter a version of a post's key, which the post holds, once; returns its number."""
    named = designation(post, edition, fingerprint)
    return enter_once(connection, "key", named, post, f"{post} {edition}", now)


def enter_versions(connection: Connection, versions: Collection[KeyVersion], now: datetime) -> None:
    """Enter the versions of the ministry's own keys, and end those that an exchange destroyed.

    A post's enter with its card (`enter_key`); an edition of the bureau's ends before two witnesses
    (`controlled.destroy`). Repeating it changes nothing.

    Args:
        connection: inside a unit of work.
        versions: what the custodian's book says.
        now: the present.
    """
    for each, named in _lacking(connection, versions):
        post, reference = each.key.partition("/")[2], f"{each.key} {each.number}"
        item = enter_once(connection, "key", named, post, reference, now)
        if each.state == DESTROYED:
            _end(connection, item, post, f"{each.key} {each.number + 1}", now)


def lacks_versions(connection: Connection, versions: Collection[KeyVersion]) -> bool:
    """Tell whether `enter_versions` would change anything."""
    return next(_lacking(connection, versions), None) is not None


def _lacking(
    connection: Connection, versions: Collection[KeyVersion]
) -> Iterator[tuple[KeyVersion, str]]:
    """Give each version that the register has not as it is, and what it calls it."""
    table = tables.controlled_item
    for each in versions:
        kind, _, post = each.key.partition("/")
        editions, ended = kind == _OF_EDITIONS, each.state == DESTROYED
        if kind == _OF_POSTS or (editions and ended):
            continue
        named = designation(post if editions else each.key, each.number, each.fingerprint)
        asked = select(table.c.state).where(table.c.kind == "key", table.c.designation == named)
        state = connection.scalar(asked)
        if state is None or (ended and state != DESTROYED):
            yield each, named


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
    entered = connection.execute(
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
    item: int = entered.scalar_one()
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


def _end(connection: Connection, item: int, holder: str, reference: str, now: datetime) -> None:
    """Note the end of a key that its successor took the place of; nobody was there to see it."""
    table = tables.controlled_item
    connection.execute(update(table).where(table.c.item == item).values(state=DESTROYED))
    connection.execute(
        tables.controlled_movement.insert().values(
            item=item, kind=DESTROYED, person=holder, reference=reference, at=clock.text(now)
        )
    )


def record_of(connection: Connection, named: str) -> bytes | None:
    """Return the signed record of the destruction of a key, None while there is none."""
    table, moved = tables.controlled_item, tables.controlled_movement
    which = (table.c.kind == "key", table.c.designation == named)
    asked = select(moved.c.record).join(table).where(*which, moved.c.kind == "destroyed")
    record: bytes | None = connection.scalar(asked)
    return record
