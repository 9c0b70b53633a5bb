"""What the bureau looks at each day: bags to count, bags gone silent, bags lying empty."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.pouches import cases, device_book, empties_book, repository, route_book
from cipher_service.pouches.repository import Closing
from cipher_service.pouches.rules import Count, count
from cipher_service.storage.tables import pouches as tables
from pouch.alarms import overdue
from pouch.discrepancies import Difference
from pouch.empties import Ageing, EmptyBag, ageing

OVERDUE: Final = "bag-overdue"


def count_check(
    connection: Connection, departure: str, seen: Iterable[str], *, officer: str, now: datetime
) -> Count:
    """Compare the sealed bags of a departure with those counted before leaving the airport (R8).

    A missing bag, and a known one that should not be there, each open a case.

    Args:
        connection: inside a unit of work.
        departure: whose bags are counted.
        seen: identifiers of the seals that were scanned.
        officer: who counted.
        now: the ministry's time.

    Raises:
        ServiceError: DEPARTURE_UNKNOWN.
    """
    if route_book.departure_of(connection, departure) is None:
        raise ServiceError("DEPARTURE_UNKNOWN", departure=departure)
    sealed = [
        closing.seal
        for closing in repository.closings_of_departure(connection, departure)
        if closing.manifest is not None
    ]
    counted = count(sealed, seen)
    for seals, kind in ((counted.missing, "bag-missing"), (counted.over, "bag-over")):
        for seal in seals:
            closing = repository.closing_of(connection, seal)
            if closing is not None:
                difference = [Difference(kind, "")]
                cases.open_cases(
                    connection, seal, closing.bag_class, difference, reporter=officer, now=now
                )
    return counted


def silent_of(connection: Connection, closings: Sequence[Closing], now: datetime) -> set[str]:
    """Return those of these closings that are on the way and silent for too long (R13)."""
    going = {closing.seal: closing for closing in closings if closing.on_the_way}
    told = repository.events_by_closing(connection, list(going))
    devices = {event.device for events in told.values() for event in events}
    offsets = device_book.offsets(connection, devices)
    return {
        seal
        for seal, events in told.items()
        if overdue(events, going[seal].route.news, now, offsets)
    }


def late_or_silent(connection: Connection, now: datetime) -> tuple[Closing, ...]:
    """Return the closings that are due or silent for too long, and have no case about it yet."""
    moving = repository.on_the_way_without_case(connection, OVERDUE)
    quiet = silent_of(connection, moving, now)
    return tuple(each for each in moving if each.due < now or each.seal in quiet)


def empties(connection: Connection, now: datetime) -> tuple[Ageing, ...]:
    """Report the empty bags of each post by how long they have lain there (R11)."""
    return ageing(empty_bags(connection, now), now)


def empty_bags(connection: Connection, now: datetime) -> tuple[EmptyBag, ...]:
    """Return the bags without contents, wherever they lie."""
    rows = connection.execute(
        select(tables.bag).where(tables.bag.c.empty == 1).order_by(tables.bag.c.bag)
    )
    coming = empties_book.on_their_way(connection, now)
    return tuple(empty_bag(connection, row, announced=row.bag in coming) for row in rows)


def empty_bag(connection: Connection, row: Row[Any], *, announced: bool = False) -> EmptyBag:
    """Return a row of the bags without contents as the rules see it."""
    return EmptyBag(
        bag=row.bag,
        place=row.place,
        since=clock.parse(row.since),
        cycles=row.cycles,
        cycles_most=row.cycles_most,
        disputed=cases.is_disputed(connection, row.bag),
        announced=announced,
    )
