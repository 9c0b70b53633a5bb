"""A bag's route as a drawing without a map: its places on one line, told and planned.

What the bag has passed is in ink, what lies ahead in grey. The page has the same data as a table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cipher_service.pouches.repository import Closing
from pouch.alarms import AT_A_DISTANCE
from pouch.events import Event

WIDTH: Final = 340
ROW: Final = 64


@dataclass(frozen=True, slots=True)
class Station:
    """A place of the route.

    Attributes:
        y: of its mark, in the drawing's units.
        place: its code.
        planned: departure at the first place, arrival at the last, at one in between the earliest
            arrival, by the departure and the shortest time of each leg.
        earliest: whether `planned` is such an earliest arrival.
        told: the latest act that was told there; None before any.
        passed: whether the bag was told of here or further on.
        here: whether the latest act of all was told here.
    """

    y: int
    place: str
    planned: datetime
    earliest: bool
    told: Event | None
    passed: bool
    here: bool


def draw(closing: Closing, events: Iterable[Event]) -> tuple[Station, ...]:
    """Lay a bag's route out.

    Args:
        closing: with its departure and route.
        events: what was told of it; places that are not of the route are not drawn.
    """
    present = [event for event in events if event.kind not in AT_A_DISTANCE]
    present.sort(key=lambda event: (event.at, event.counter))
    told = {event.place: event for event in present}
    places = closing.route.route.places
    furthest = max((n for n, place in enumerate(places) if place in told), default=-1)
    last = len(places) - 1
    return tuple(
        Station(
            y=ROW * number + 16,
            place=place,
            planned=planned,
            earliest=0 < number < last,
            told=told.get(place),
            passed=number <= furthest,
            here=bool(present) and present[-1].place == place,
        )
        for number, (place, planned) in enumerate(zip(places, _planned(closing), strict=True))
    )


def _planned(closing: Closing) -> list[datetime]:
    legs = closing.route.route.legs[:-1]
    along = [sum((leg.least for leg in legs[: n + 1]), timedelta()) for n in range(len(legs))]
    return [closing.departs, *(closing.departs + each for each in along), closing.due]
