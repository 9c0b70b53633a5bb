"""What an officer sees of routes, their timetables, and who carries a departure (acheminement)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from cipher_service import clock
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.pouches import repository, waybills
from cipher_service.pouches.entitlement import LIST
from cipher_service.pouches.office import Office
from cipher_service.pouches.repository import RouteRecord
from cipher_service.storage.tables import pouches as tables
from pouch.manifest import Mode

_COURIER = "COURIER"


@dataclass(frozen=True, slots=True)
class Sailed:
    """A departure of a route: until when pieces are taken in, when it leaves and arrives."""

    departure: str
    cut_off: datetime
    departs: datetime
    due: datetime


@dataclass(frozen=True, slots=True)
class RouteLine:
    """A route with the departures that are planned on it, the next first."""

    route: RouteRecord
    planned: tuple[Sailed, ...]


@dataclass(frozen=True, slots=True)
class Departing:
    """A departure as its letter needs it.

    Attributes:
        departure: its id.
        mode: how its bags travel.
        route: on which.
        departs: when.
        due: when it should arrive.
        packages: how many bags its waybill names; None before it is written.
        courier: number of the officer who carries; None for a captain, a company or nobody yet.
        sealed: identifiers of its sealed bags, in the order of their ordinals.
    """

    departure: str
    mode: Mode
    route: RouteRecord
    departs: datetime
    due: datetime
    packages: int | None
    courier: str | None
    sealed: tuple[str, ...]


def routes(office: Office, *, by: str) -> list[RouteLine]:
    """Return every route, by code, with what is planned on it.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    book = tables.departure
    with office.look() as sitting:
        sitting.require_house(by, LIST, "departures")
        planned: dict[str, list[Sailed]] = {}
        for row in sitting.connection.execute(
            select(book)
            .where(book.c.departs > clock.text(sitting.now))
            .order_by(book.c.departs, book.c.departure_id)
        ):
            times = (clock.parse(each) for each in (row.cut_off, row.departs, row.due))
            planned.setdefault(row.route, []).append(Sailed(row.departure_id, *times))
        return [
            RouteLine(each, tuple(planned.get(each.code, ())))
            for each in repository.routes(sitting.connection)
        ]


def departing(office: Office, departure: str, *, by: str) -> Departing:
    """Return a departure.

    Raises:
        ServiceError: DEPARTURE_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    book, sealed = tables.waybill, tables.sealed
    with office.look() as sitting:
        connection = sitting.connection
        sitting.require_house(by, LIST, "departures")
        found = repository.departure_of(connection, departure)
        route = None if found is None else repository.route_of(connection, found.route)
        if found is None or route is None:
            raise ServiceError("DEPARTURE_UNKNOWN", departure=departure[:80])
        packages = connection.scalar(select(book.c.packages).where(book.c.departure == departure))
        seals = connection.scalars(
            select(sealed.c.seal).where(sealed.c.departure == departure).order_by(sealed.c.ordinal)
        )
        return Departing(
            departure=departure,
            mode=Mode(found.mode),
            route=route,
            departs=clock.parse(found.departs),
            due=clock.parse(found.due),
            packages=packages,
            courier=waybills.courier_of(connection, departure),
            sealed=tuple(seals),
        )


def couriers(office: Office, *, by: str) -> list[tuple[str, str]]:
    """Return the officers who are couriers now, (number, name).

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    with office.look() as sitting:
        sitting.require_house(by, LIST, "departures")
        return [
            (each.officer_id, each.identity.name)
            for each in officers.everyone(sitting.connection)
            if each.state == "active"
            and any(
                held.role == _COURIER
                for held in officers.functions(sitting.connection, each.officer_id, sitting.now)
            )
        ]
