"""Who carries a departure, under which letter, and how many bags travel together (acheminement).

Names, passports and itineraries lie as ciphertext to the bureau's card; the number of packages and
the courier's officer code, by which access is decided, stand beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.pouches import repository, route_book
from cipher_service.pouches.members import wrong_member
from cipher_service.storage.tables import pouches as tables
from keys import canonical
from keys.age.files import encrypt
from keys.cards import Card
from keys.custody import Custodian
from keys.records import Record
from pouch.manifest import Carrier, Mode, Waybill
from pouch.members import read_waybill, waybill_object


@dataclass(frozen=True, slots=True)
class Carriage:
    """What a departure's waybill says beyond its route and times.

    Attributes:
        number: of the courier's letter, air waybill or S10 item.
        consignee: to whom it is addressed.
        packages: how many bags travel together, 1 to 99.
        carrier: who has them in hand.
        itinerary: places called at on the way.
        courier: code of the officer who carries; None for a captain or a company.
    """

    number: str
    consignee: str
    packages: int
    carrier: Carrier
    itinerary: tuple[str, ...]
    courier: str | None


def entrust(connection: Connection, departure: str, carriage: Carriage, card: Card) -> Waybill:
    """Write a departure's waybill, or write it anew as long as no bag of it is sealed.

    Raises:
        ServiceError: DEPARTURE_UNKNOWN, WAYBILL_SEALED, WAYBILL_MALFORMED.
    """
    found = route_book.departure_of(connection, departure)
    route = None if found is None else route_book.route_of(connection, found.route)
    if found is None or route is None:
        raise ServiceError("DEPARTURE_UNKNOWN", departure=departure)
    if repository.sealed_in(connection, departure):
        raise ServiceError("WAYBILL_SEALED", departure=departure)
    waybill = Waybill(
        number=carriage.number,
        mode=Mode(found.mode),
        origin=route.origin,
        destination=route.destination,
        consignee=carriage.consignee,
        packages=carriage.packages,
        carrier=carriage.carrier,
        itinerary=carriage.itinerary,
        departs=clock.parse(found.departs),
        due=clock.parse(found.due),
    )
    body = _encode(waybill)
    book = tables.waybill
    connection.execute(book.delete().where(book.c.departure == departure))
    connection.execute(
        book.insert().values(
            departure=departure,
            packages=waybill.packages,
            courier=carriage.courier,
            body=encrypt(body, [card.recipient]),
        )
    )
    return waybill


def body_of(connection: Connection, departure: str) -> bytes:
    """Return a departure's waybill as it is kept. Raises ServiceError WAYBILL_MISSING."""
    return bytes(_row(connection, departure).body)


def packages_of(connection: Connection, departure: str) -> int:
    """Return how many bags a departure has. Raises ServiceError WAYBILL_MISSING."""
    return int(_row(connection, departure).packages)


def bags_together(
    connection: Connection, departures: Sequence[str], now: datetime
) -> dict[str, int]:
    """Return how many bags travel with each departure.

    The waybill says it, and so does each bag's label. A post keeps its own waybills to itself:
    there the bags of the departure are counted, until it left also those not closed yet.
    """
    book, closing, left = tables.waybill, tables.closing, tables.departure
    found: dict[str, int] = {}
    for named in repository.at_once(departures):
        counted = connection.execute(
            select(closing.c.departure, func.count().label("bags"))
            .join(left, left.c.departure_id == closing.c.departure)
            .where(
                closing.c.departure.in_(named),
                closing.c.manifest.is_not(None) | (left.c.departs > clock.text(now)),
            )
            .group_by(closing.c.departure)
        )
        found.update((row.departure, row.bags) for row in counted)
        written = connection.execute(
            select(book.c.departure, book.c.packages).where(book.c.departure.in_(named))
        )
        found.update((row.departure, row.packages) for row in written)
    return found


def open_body(body: bytes, custodian: Custodian) -> Waybill:
    """Open a waybill. Raises KeysError: the custodian refuses."""
    return read_waybill(Record(canonical.decode(custodian.open_bag_text(body)), "waybill"))


def courier_of(connection: Connection, departure: str) -> str | None:
    """Return the officer who carries a departure, None without one."""
    book = tables.waybill
    found: str | None = connection.scalar(
        select(book.c.courier).where(book.c.departure == departure)
    )
    return found


def destinations(connection: Connection, origin: str) -> list[str]:
    """Return the posts to which routes lead from here."""
    book = tables.route
    return list(
        connection.scalars(
            select(book.c.destination)
            .where(book.c.origin == origin)
            .distinct()
            .order_by(book.c.destination)
        )
    )


def _row(connection: Connection, departure: str) -> Row[Any]:
    book = tables.waybill
    row = connection.execute(select(book).where(book.c.departure == departure)).one_or_none()
    if row is None:
        raise ServiceError("WAYBILL_MISSING", departure=departure)
    return row


def _encode(waybill: Waybill) -> bytes:
    try:
        body = canonical.encode(waybill_object(waybill))
        read_waybill(Record(canonical.decode(body), "waybill"))
    except ValueError as error:
        raise ServiceError("WAYBILL_MALFORMED", member=wrong_member(error)) from error
    return body
