"""The SQL of devices. Every function runs in its caller's unit."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from cipher_service.pouches.repository import at_once
from cipher_service.storage.tables import pouches as tables


def devices(connection: Connection) -> list[Row[Any]]:
    """Return every device."""
    return list(connection.execute(select(tables.device)))


def device_of(connection: Connection, device: str) -> Row[Any] | None:
    """Return one device."""
    return connection.execute(
        select(tables.device).where(tables.device.c.device_id == device)
    ).one_or_none()


def change_device(connection: Connection, device: str, **values: object) -> None:
    """Set columns of a device."""
    connection.execute(
        update(tables.device).where(tables.device.c.device_id == device).values(**values)
    )


def offsets(connection: Connection, ids: Iterable[str]) -> dict[str, timedelta]:
    """Return how far the clocks of these devices are off, where it was measured."""
    book, found = tables.device, dict[str, timedelta]()
    for named in at_once(sorted(ids)):
        rows = connection.execute(
            select(book.c.device_id, book.c.clock_offset).where(
                book.c.device_id.in_(named), book.c.clock_offset.is_not(None)
            )
        )
        found |= {row.device_id: timedelta(seconds=row.clock_offset) for row in rows}
    return found
