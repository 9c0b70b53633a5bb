"""What an officer sees of routes, their timetables, and who carries a departure (acheminement)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, or_, select

from cipher_service import clock
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.pouches import route_book, waybills
from cipher_service.pouches.entitlement import LIST
from cipher_service.pouches.office import Office
from cipher_service.pouches.route_book import RouteRecord
from cipher_service.pouches.shares import PAGE
from cipher_service.storage.tables import pouches as tables
from pouch.manifest import Mode

_COURIER: Final = "COURIER"


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
class Routes:
    """A page of routes.

    Attributes:
        lines: by code.
        following: the code with which the next page begins; empty on the last one.
        total: how many routes there are.
    """

    lines: tuple[RouteLine, ...]
    following: str
    total: int


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


@dataclass(frozen=True, slots=True)
class DepartureLine:
    """A departure in a list: bags sealed of those that its waybill names.

    `open` says whether pieces are taken in; `waiting` how many lie here for its destination.
    """

    departure: str
    route: str
    destination: str
    mode: str
    cut_off: str
    departs: str
    due: str
    open: bool
    packages: int | None
    sealed: int
    waiting: int

    @property
    def late(self) -> bool:
        """Whether its hand-in has ended and something still stays: a bag, or a piece by nobody."""
        if self.open:
            return False
        if self.packages is None:
            return bool(self.sealed or self.waiting)
        return self.sealed < self.packages


@dataclass(frozen=True, slots=True)
class Departures:
    """A page of departures.

    Attributes:
        lines: the next first.
        following: after which departure the list goes on; empty on its last page.
        total: how many the whole list has.
        late: how many of all those are late.
    """

    lines: tuple[DepartureLine, ...]
    following: str
    total: int
    late: int


def routes(office: Office, *, by: str, since: str = "") -> Routes:
    """Return a page of the routes, by code, with what is planned on each.

    Args:
        office: the pouch bureau.
        by: the officer who asks.
        since: with which code, or first letters of one, the page begins; empty for the first page.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    book = tables.departure
    with office.look() as sitting:
        sitting.require_house(by, LIST, "departures")
        whole = route_book.routes(sitting.connection)
        further = [each for each in whole if each.code >= since]
        shown = further[:PAGE]
        planned: dict[str, list[Sailed]] = {}
        for row in sitting.connection.execute(
            select(book)
            .where(
                book.c.route.in_([each.code for each in shown]),
                book.c.departs > clock.text(sitting.now),
            )
            .order_by(book.c.departs, book.c.departure_id)
        ):
            times = (clock.parse(each) for each in (row.cut_off, row.departs, row.due))
            planned.setdefault(row.route, []).append(Sailed(row.departure_id, *times))
        return Routes(
            tuple(RouteLine(each, tuple(planned.get(each.code, ()))) for each in shown),
            following=further[PAGE].code if len(further) > PAGE else "",
            total=len(whole),
        )


def departures(office: Office, *, by: str, after: str = "", most: int | None = None) -> Departures:
    """Return the departures that are not due yet, the next first.

    Args:
        office: the pouch bureau.
        by: the officer who asks.
        after: the departure after which to go on; empty for the first page.
        most: how many; None for all that follow.

    Raises:
        ServiceError: DEPARTURE_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    book = tables.departure.c
    with office.look() as sitting:
        connection, now = sitting.connection, sitting.now
        sitting.require_house(by, LIST, "departures")
        ours = (book.due > clock.text(now), tables.route.c.origin == office.post)
        further = (_behind(connection, after),) if after else ()
        lines = _lines(connection, now, *ours, *further, most=None if most is None else most + 1)
        page = lines[:most]
        closed = _lines(connection, now, *ours, book.cut_off <= clock.text(now))
        total = connection.scalar(
            select(func.count())
            .select_from(tables.departure)
            .join(tables.route, tables.route.c.code == book.route)
            .where(*ours)
        )
        return Departures(
            page,
            following=page[-1].departure if len(lines) > len(page) else "",
            total=int(total or 0),
            late=sum(line.late for line in closed),
        )


def _behind(connection: Connection, departure: str) -> ColumnElement[bool]:
    """Say which departures come after this one in the list."""
    book = tables.departure.c
    found = route_book.departure_of(connection, departure)
    if found is None:
        raise ServiceError("DEPARTURE_UNKNOWN", departure=departure[:80])
    return or_(
        book.departs > found.departs,
        (book.departs == found.departs) & (book.departure_id > departure),
    )


def _lines(
    connection: Connection, now: datetime, *which: ColumnElement[bool], most: int | None = None
) -> tuple[DepartureLine, ...]:
    book, route, sealed, hand_in = tables.departure, tables.route, tables.sealed, tables.hand_in
    rows = connection.execute(
        select(
            book,
            route.c.destination,
            tables.waybill.c.packages,
            select(func.count())
            .select_from(sealed)
            .where(sealed.c.departure == book.c.departure_id)
            .scalar_subquery()
            .label("sealed"),
            select(func.count())
            .select_from(hand_in)
            .where(hand_in.c.seal.is_(None), hand_in.c.destination == route.c.destination)
            .scalar_subquery()
            .label("waiting"),
        )
        .join(route, route.c.code == book.c.route)
        .outerjoin(tables.waybill, tables.waybill.c.departure == book.c.departure_id)
        .where(*which)
        .order_by(book.c.departs, book.c.departure_id)
        .limit(most)
    )
    return tuple(
        DepartureLine(
            departure=row.departure_id,
            route=row.route,
            destination=row.destination,
            mode=row.mode,
            cut_off=row.cut_off,
            departs=row.departs,
            due=row.due,
            open=clock.parse(row.cut_off) > now,
            packages=row.packages,
            sealed=row.sealed,
            waiting=row.waiting,
        )
        for row in rows
    )


def departing(office: Office, departure: str, *, by: str) -> Departing:
    """Return a departure.

    Raises:
        ServiceError: DEPARTURE_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    book, sealed = tables.waybill, tables.sealed
    with office.look() as sitting:
        connection = sitting.connection
        sitting.require_house(by, LIST, "departures")
        found = route_book.departure_of(connection, departure)
        route = None if found is None else route_book.route_of(connection, found.route)
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
