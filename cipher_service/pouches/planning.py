"""Routes, timetables, departures, waybills and bags of headquarters (acheminement)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from cipher_service.directory import enrolment
from cipher_service.directory.enrolment import ApiKey
from cipher_service.errors import ServiceError
from cipher_service.pouches import makeup, waybills
from cipher_service.pouches.entitlement import HAND_OVER, PACK
from cipher_service.pouches.makeup import Sides
from cipher_service.pouches.office import Office
from cipher_service.pouches.route_book import RouteRecord
from cipher_service.pouches.waybills import Carriage
from pouch.locator import new_bag
from pouch.manifest import Mode

WEEKS_MOST: Final = 53
_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a route departs, week after week, UTC.

    Attributes:
        route: its code.
        mode: how its bags travel.
        days: of the week, 0 is Monday.
        at: time of departure.
        cut_off: how long before midnight of that day hand-in ends; never negative (R7).
        takes: from departure to arrival.
    """

    route: str
    mode: Mode
    days: frozenset[int]
    at: time
    cut_off: timedelta
    takes: timedelta


@dataclass(frozen=True, slots=True)
class Sailing:
    """One departure of a timetable."""

    departure: str
    cut_off: datetime
    departs: datetime
    due: datetime


def sailings(table: Timetable, start: datetime, weeks: int) -> Iterator[Sailing]:
    """Give the departures of some weeks whose hand-in has not ended at `start`."""
    for number in range(_WEEK * weeks):
        midnight = datetime.combine(start.date() + timedelta(number), time(), start.tzinfo)
        if midnight.weekday() not in table.days:
            continue
        departs = datetime.combine(midnight.date(), table.at, start.tzinfo)
        cut_off = midnight - table.cut_off
        if cut_off > start:
            code = f"{table.route}/{departs:%Y%m%d-%H%M}"
            yield Sailing(code, cut_off, departs, departs + table.takes)


def add_route(office: Office, route: RouteRecord, *, by: str) -> None:
    """Record a route.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER; as `makeup.add_route`.
    """
    with office.act("pouch_route", route.code) as sitting:
        sitting.require_house(by, PACK, f"route/{route.code}")
        makeup.add_route(sitting.connection, route)


def plan(office: Office, table: Timetable, weeks: int, *, by: str) -> list[Sailing]:
    """Record the departures of a timetable that are not recorded yet; return them.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER, ROUTE_UNKNOWN, TIMETABLE_EMPTY.
    """
    if not 1 <= weeks <= WEEKS_MOST or not table.days or table.takes <= timedelta():
        raise ServiceError("TIMETABLE_EMPTY")
    made = []
    with office.act("pouch_plan", table.route) as sitting:
        sitting.require_house(by, PACK, f"route/{table.route}")
        for sailing in sailings(table, sitting.now, weeks):
            try:
                makeup.add_departure(
                    sitting.connection,
                    sailing.departure,
                    route=table.route,
                    mode=table.mode,
                    cut_off=sailing.cut_off,
                    departs=sailing.departs,
                    due=sailing.due,
                )
            except ServiceError as error:
                if error.code != "DEPARTURE_KNOWN":
                    raise
            else:
                made.append(sailing)
    return made


def entrust(office: Office, departure: str, carriage: Carriage, *, by: str) -> None:
    """Write who carries a departure, under which letter, with how many bags.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER; as `waybills.entrust`.
    """
    with office.act("pouch_waybill", departure) as sitting:
        sitting.require_house(by, HAND_OVER, f"departure/{departure}")
        waybills.entrust(sitting.connection, departure, carriage, office.card)


def add_bag(
    office: Office, *, by: str, cycles_most: int | None = None, sides_cm: Sides | None = None
) -> str:
    """Take a new bag into service at headquarters; return its number, 22 digits.

    Args:
        office: the pouch bureau.
        by: the officer.
        cycles_most: how often it may travel; None for a bag without such a limit.
        sides_cm: how large it is; None for a soft bag that nobody measures, which no limit of
            sides keeps from travelling.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER, BAG_SIDES_ODD.
    """
    bag = new_bag()
    with office.act("pouch_bag", bag) as sitting:
        sitting.require_house(by, PACK, f"bag/{bag}")
        makeup.add_bag(
            sitting.connection,
            bag,
            place=office.post,
            now=sitting.now,
            cycles_most=cycles_most,
            sides_cm=sides_cm,
        )
    return bag


def connect_machine(office: Office, api_key: ApiKey | None, *, by: str) -> None:
    """Let the machine of the counter call with this key, in the place of the one before, or none.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER; as `enrolment.connect`.
    """
    with office.act("pouch_machine") as sitting:
        sitting.require_house(by, HAND_OVER, "machine")
        if api_key is None:
            enrolment.disconnect(sitting.connection, office.post)
        else:
            enrolment.connect(sitting.connection, office.post, api_key)
