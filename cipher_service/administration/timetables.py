"""`cipher-service pouch`: routes, the departures of their timetables, and who carries them."""

from argparse import Namespace
from datetime import datetime, time, timedelta

from cipher_service.administration.pouch_arguments import DAYS
from cipher_service.administration.pouches import at_desk, tell
from cipher_service.administration.words import Speaker
from cipher_service.client.failures import Misused
from cipher_service.client.terminal import Terminal
from cipher_service.pouches import planning
from cipher_service.pouches.planning import Timetable
from cipher_service.pouches.route_book import RouteRecord
from cipher_service.pouches.waybills import Carriage
from pouch.alarms import Leg, Route
from pouch.classes import PRESETS
from pouch.manifest import Carrier, Mode

_LEG_PARTS = 3


def add_route(arguments: Namespace, terminal: Terminal) -> None:
    """Record a route with its legs, limits and tolerances."""
    legs = [_leg(typed) for typed in arguments.leg]
    try:
        road = Route(tuple(legs))
    except ValueError as error:
        raise Misused("LEGS_BROKEN") from error
    record = RouteRecord(
        code=arguments.code,
        origin=road.places[0],
        destination=road.places[-1],
        route=road,
        limits=PRESETS[arguments.limits],
        tolerance_g=arguments.tolerance,
        news=timedelta(hours=arguments.news),
    )
    with at_desk(arguments, terminal) as (_, office):
        planning.add_route(office, record, by=arguments.by)
    places = list(road.places)
    facts = {"route": record.code, "places": places}
    tell(terminal, "pouch_route_done", facts, route=record.code, places=" > ".join(places))


def plan(arguments: Namespace, terminal: Terminal) -> None:
    """Record the departures of a weekly timetable."""
    table = Timetable(
        route=arguments.route,
        mode=Mode(arguments.mode),
        days=frozenset(DAYS.index(day) for day in arguments.day),
        at=_hour(arguments.at),
        cut_off=timedelta(hours=arguments.cut_off),
        takes=timedelta(hours=arguments.takes),
    )
    with at_desk(arguments, terminal) as (_, office):
        made = planning.plan(office, table, arguments.weeks, by=arguments.by)
    if terminal.as_json:
        terminal.show_json([each.departure for each in made])
        return
    for each in made:
        terminal.show(f"{each.departure}  {each.cut_off:%Y-%m-%d %H:%M}  {each.departs:%H:%M}")
    Speaker(terminal).say("pouch_planned", count=len(made))


def entrust(arguments: Namespace, terminal: Terminal) -> None:
    """Write who carries a departure, under which letter, with how many bags."""
    carriage = Carriage(
        number=arguments.number,
        consignee=arguments.consignee,
        packages=arguments.packages,
        carrier=Carrier(arguments.carrier, arguments.status, arguments.passport, arguments.vehicle),
        itinerary=tuple(arguments.via),
        courier=arguments.courier,
    )
    with at_desk(arguments, terminal) as (_, office):
        planning.entrust(office, arguments.departure, carriage, by=arguments.by)
    facts = {"departure": arguments.departure, "packages": arguments.packages}
    tell(terminal, "pouch_entrusted", facts, departure=arguments.departure)


def _leg(typed: str) -> Leg:
    parts = typed.upper().split(":")
    if len(parts) != _LEG_PARTS or not parts[2].isdecimal():
        raise Misused("LEGS_BROKEN")
    return Leg(parts[0], parts[1], timedelta(minutes=int(parts[2])))


def _hour(typed: str) -> time:
    try:
        return datetime.strptime(typed, "%H:%M").time()  # noqa: DTZ007 - an hour has no zone of its own: timetables are in UTC
    except ValueError as error:
        raise Misused("HOUR_MALFORMED", given=typed) from error
