"""The SQL of routes and departures. Every function runs in its caller's unit."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from cipher_service import clock
from cipher_service.storage.statements import insert_or_skip, inserts
from cipher_service.storage.tables import pouches as tables
from keys import canonical
from pouch.alarms import Leg, Route
from pouch.classes import Limits
from pouch.manifest import Mode


@dataclass(frozen=True, slots=True)
class RouteRecord:
    """A route with what it demands of a bag."""

    code: str
    origin: str
    destination: str
    route: Route
    limits: Limits
    tolerance_g: int
    news: timedelta


def insert_route(connection: Connection, route: RouteRecord) -> bool:
    """Record a route; False when its code is known already."""
    legs = [
        [leg.origin, leg.destination, int(leg.least.total_seconds() // 60)]
        for leg in route.route.legs
    ]
    limits = {name: getattr(route.limits, name) for name in Limits.__slots__}
    return inserts(
        connection,
        insert_or_skip(tables.route, ["code"]).values(
            code=route.code,
            origin=route.origin,
            destination=route.destination,
            legs=canonical.encode(legs).decode(),
            limits=canonical.encode(limits).decode(),
            tolerance_g=route.tolerance_g,
            news_minutes=int(route.news.total_seconds() // 60),
        ),
    )


def insert_departure(
    connection: Connection,
    departure: str,
    *,
    route: str,
    mode: Mode,
    cut_off: datetime,
    departs: datetime,
    due: datetime,
) -> bool:
    """Record a departure; False when its id is known already."""
    return inserts(
        connection,
        insert_or_skip(tables.departure, ["departure_id"]).values(
            departure_id=departure,
            route=route,
            mode=mode.value,
            cut_off=clock.text(cut_off),
            departs=clock.text(departs),
            due=clock.text(due),
        ),
    )


def route_of(connection: Connection, code: str) -> RouteRecord | None:
    """Return a route."""
    row = connection.execute(select(tables.route).where(tables.route.c.code == code)).one_or_none()
    return None if row is None else route_in(row)


def routes(connection: Connection) -> list[RouteRecord]:
    """Return every route, by code."""
    return [route_in(row) for row in connection.execute(select(tables.route).order_by("code"))]


def departure_of(connection: Connection, departure: str) -> Row[Any] | None:
    """Return a departure's row."""
    return connection.execute(
        select(tables.departure).where(tables.departure.c.departure_id == departure)
    ).one_or_none()


def route_in(row: Row[Any], prefix: str = "") -> RouteRecord:
    """Read the route of a row in which its columns bear this prefix."""
    value = row._asdict()
    legs = json.loads(value[f"{prefix}legs"])
    return RouteRecord(
        code=value[f"{prefix}code"],
        origin=value[f"{prefix}origin"],
        destination=value[f"{prefix}destination"],
        route=Route(tuple(Leg(origin, to, timedelta(minutes=least)) for origin, to, least in legs)),
        limits=Limits(**json.loads(value[f"{prefix}limits"])),
        tolerance_g=value[f"{prefix}tolerance_g"],
        news=timedelta(minutes=value[f"{prefix}news_minutes"]),
    )
