"""The register of controlled items: keys, tokens and shares, from hand to hand to their end.

An item has one holder who answers for it. It changes hands against receipt: until the receiver has
signed, the sender answers for it still. An inventory (each year, and when somebody hands over) has
every item shown; what is not shown is missing, and stays so until somebody finds it. A destruction
is done before two persons, who both sign its record. Nothing is ever taken out of the register.
An item that was compromised on its way stays so: it is sent and signed for no more, only destroyed.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, case, func, select, update

from cipher_service import clock
from cipher_service.directory.compromises import is_compromised
from cipher_service.directory.controlled_keys import enter_item
from cipher_service.errors import ServiceError
from cipher_service.storage.tables import controlled as tables

KINDS: Final = ("key", "token", "share", "device", "document")
HELD: Final = "held"
UNDER_WAY: Final = "under-way"
MISSING: Final = "missing"
COMPROMISED: Final = "compromised"
DESTROYED: Final = "destroyed"
_AWAY: Final = (UNDER_WAY, COMPROMISED)
OCCASIONS: Final = ("annual", "hand-over", "other")
EVERY: Final = timedelta(days=366)
"""The longest time between two inventories of everything."""

_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the register; instants as texts."""

    item: int
    kind: str
    designation: str
    holder: str
    receiver: str | None
    state: str
    entered_at: str
    seen_at: str


@dataclass(frozen=True, slots=True)
class Movement:
    """A line of an item's history; `seq` is 0 for what compromised it."""

    seq: int
    item: int
    kind: str
    person: str
    other: str | None
    reference: str
    record: bytes | None
    at: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """What an inventory found: how many items were to be shown, and which were not."""

    counted: int
    missing: tuple[Item, ...]


def enter(
    connection: Connection, kind: str, designation: str, holder: str, reference: str, now: datetime
) -> int:
    """Enter an item; returns its number.

    Raises:
        ServiceError: ITEM_KIND_UNKNOWN, or ITEM_UNDESCRIBED (a text is empty or too long).
    """
    if kind not in KINDS:
        raise ServiceError("ITEM_KIND_UNKNOWN", given=kind, known=", ".join(KINDS))
    return enter_item(connection, kind, _line(designation), _line(holder), _line(reference), now)


def send(
    connection: Connection, item: int, person: str, to: str, reference: str, now: datetime
) -> None:
    """Let an item leave its holder; the holder answers for it until the receiver signs.

    Raises:
        ServiceError: ITEM_UNKNOWN, ITEM_NOT_HELD (it is under way, missing, gone or compromised),
            ITEM_OF_ANOTHER (`person` does not hold it), ITEM_UNDESCRIBED, OWN_ACT (to oneself).
    """
    found = _held_by(connection, item, person)
    receiver = _line(to)
    if receiver == found.holder:
        raise ServiceError("OWN_ACT", officer=receiver)
    _set(connection, item, state=UNDER_WAY, receiver=receiver)
    _move(connection, item, "sent", person, reference, now, other=receiver)


def receive(connection: Connection, item: int, person: str, reference: str, now: datetime) -> None:
    """Sign for an item: from now on the receiver answers for it.

    Raises:
        ServiceError: ITEM_UNKNOWN, ITEM_NOT_UNDER_WAY, ITEM_OF_ANOTHER (it goes to somebody else).
    """
    found = _item(connection, item)
    if found.state != UNDER_WAY:
        raise ServiceError("ITEM_NOT_UNDER_WAY", item=item, state=found.state)
    if found.receiver != person:
        raise ServiceError("ITEM_OF_ANOTHER", item=item, holder=found.receiver or "")
    _set(
        connection,
        item,
        state=HELD,
        holder=person,
        receiver=None,
        seen_at=clock.text(now),
    )
    _move(connection, item, "received", person, reference, now, other=found.holder)


def take_inventory(
    connection: Connection,
    occasion: str,
    person: str,
    shown: Collection[int],
    now: datetime,
    *,
    holder: str | None = None,
) -> Inventory:
    """Record which items were shown; the others are missing from now on, and found ones no more.

    Args:
        connection: inside a unit of work.
        occasion: one of `OCCASIONS`; a hand-over is of one holder.
        person: who counts; never the holder whose items are counted.
        shown: numbers of the items that they had in hand.
        now: the present.
        holder: whose items; None for everybody's.

    Raises:
        ServiceError: INVENTORY_UNCLEAR (no such occasion, or a hand-over of nobody), OWN_ACT,
            ITEM_UNKNOWN (something shown is not in the register, or is another's, or destroyed).
    """
    if occasion not in OCCASIONS or (occasion == "hand-over") != (holder is not None):
        raise ServiceError("INVENTORY_UNCLEAR", known=", ".join(OCCASIONS))
    if person == holder:
        raise ServiceError("OWN_ACT", officer=person)
    expected = [each for each in items(connection, holder) if each.state != DESTROYED]
    unknown = sorted(set(shown) - {each.item for each in expected})
    if unknown:
        raise ServiceError("ITEM_UNKNOWN", item=unknown[0])
    # What is under way between two persons is in nobody's hand: its receipt will tell.
    missing = [each for each in expected if each.item not in shown and each.state not in _AWAY]
    for each in expected:
        if each.item in shown:
            _shown(connection, each, person, occasion, now)
        elif each in missing and each.state != MISSING:
            _set(connection, each.item, state=MISSING)
            _move(connection, each.item, "missed", person, occasion, now)
    connection.execute(
        tables.controlled_inventory.insert().values(
            occasion=occasion,
            holder=holder,
            person=person,
            counted=len(expected),
            missing=len(missing),
            at=clock.text(now),
        )
    )
    return Inventory(len(expected), tuple(missing))


def destroy(
    connection: Connection,
    item: int,
    witnesses: tuple[str, str],
    reference: str,
    record: bytes,
    now: datetime,
) -> None:
    """Record the end of an item, which two persons saw and signed.

    Args:
        connection: inside a unit of work.
        item: its number.
        witnesses: the two.
        reference: of the act.
        record: what they signed.
        now: the present.

    Raises:
        ServiceError: ITEM_UNKNOWN, ITEM_NOT_HELD, OWN_ACT (the two witnesses are one).
    """
    require_destroyable(connection, item)
    first, second = witnesses
    if first == second:
        raise ServiceError("OWN_ACT", officer=first)
    _set(connection, item, state=DESTROYED)
    _move(connection, item, "destroyed", first, reference, now, other=second, record=record)


def require_destroyable(connection: Connection, item: int) -> None:
    """Demand that an item is in its holder's hand, or compromised.

    Raises:
        ServiceError: ITEM_UNKNOWN, ITEM_NOT_HELD.
    """
    found = _item(connection, item)
    if found.state not in (HELD, COMPROMISED):
        raise ServiceError("ITEM_NOT_HELD", item=item, state=found.state)


def require_carrier(connection: Connection, item: int) -> None:
    """Demand that something may travel with an item from now on.

    Raises:
        ServiceError: ITEM_UNKNOWN, ITEM_NOT_HELD (it is missing, gone or compromised).
    """
    found = _item(connection, item)
    if found.state not in (HELD, UNDER_WAY):
        raise ServiceError("ITEM_NOT_HELD", item=item, state=found.state)


def items(connection: Connection, holder: str | None = None) -> list[Item]:
    """Return every item ever entered, or those of one holder, by number."""
    table = tables.controlled_item
    asked = _items().order_by(table.c.item)
    if holder is not None:
        asked = asked.where(table.c.holder == holder)
    return [Item(**row) for row in connection.execute(asked).mappings()]


def history(connection: Connection, item: int) -> list[Movement]:
    """Return what became of an item, the oldest first. Raises ITEM_UNKNOWN."""
    _item(connection, item)
    table = tables.controlled_movement
    order = select(table).where(table.c.item == item).order_by(table.c.seq)
    moved = [Movement(**row) for row in connection.execute(order).mappings()]
    burnt = tables.controlled_compromise
    row = connection.execute(select(burnt).where(burnt.c.item == item)).one_or_none()
    if row is not None:
        before = sum(each.at <= row.at and each.kind != DESTROYED for each in moved)
        moved.insert(
            before,
            Movement(0, item, COMPROMISED, row.person, None, row.reference, None, row.at),
        )
    return moved


def inventory_due(connection: Connection, now: datetime) -> bool:
    """Tell whether everything must be shown again: a year after the last inventory of all."""
    table = tables.controlled_inventory
    last = connection.scalar(select(func.max(table.c.at)).where(table.c.holder.is_(None)))
    if last is None:
        first = connection.scalar(select(func.min(tables.controlled_item.c.entered_at)))
        return first is not None and clock.parse(first) + EVERY <= now
    return clock.parse(last) + EVERY <= now


def _shown(connection: Connection, item: Item, person: str, occasion: str, now: datetime) -> None:
    kind = "found" if item.state == MISSING else "seen"
    if item.state == MISSING:
        _set(connection, item.item, state=HELD)
    _set(connection, item.item, seen_at=clock.text(now))
    _move(connection, item.item, kind, person, occasion, now)


def _held_by(connection: Connection, item: int, person: str) -> Item:
    found = _item(connection, item)
    if found.state != HELD:
        raise ServiceError("ITEM_NOT_HELD", item=item, state=found.state)
    if found.holder != person:
        raise ServiceError("ITEM_OF_ANOTHER", item=item, holder=found.holder)
    return found


def _item(connection: Connection, item: int) -> Item:
    asked = connection.execute(_items().where(tables.controlled_item.c.item == item))
    row = asked.mappings().one_or_none()
    if row is None:
        raise ServiceError("ITEM_UNKNOWN", item=item)
    return Item(**row)


def _items() -> Select[Any]:
    """Ask for items with the state that counts: a compromise outweighs where the item is."""
    table = tables.controlled_item
    burnt = and_(is_compromised(table.c.item), table.c.state != DESTROYED)
    others = [column for column in table.c if column.name != "state"]
    return select(*others, case((burnt, COMPROMISED), else_=table.c.state).label("state"))


def _set(connection: Connection, item: int, **values: Any) -> None:
    table = tables.controlled_item
    connection.execute(update(table).where(table.c.item == item).values(**values))


def _move(
    connection: Connection,
    item: int,
    kind: str,
    person: str,
    reference: str,
    now: datetime,
    *,
    other: str | None = None,
    record: bytes | None = None,
) -> None:
    connection.execute(
        tables.controlled_movement.insert().values(
            item=item,
            kind=kind,
            person=person,
            other=other,
            reference=_line(reference),
            record=record,
            at=clock.text(now),
        )
    )


def _line(text: str) -> str:
    stripped = text.strip()
    if not 1 <= len(stripped) <= _LONGEST or not stripped.isprintable():
        raise ServiceError("ITEM_UNDESCRIBED", most=_LONGEST)
    return stripped
