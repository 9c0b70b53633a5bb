"""A bag's journey as a drawing: one line of time, a tick for each act, two where two signed.

Gaps are to scale; what happened is in ink, what is planned in grey, an irregularity a red diamond
that leads to its report. The page has the same data as a table below.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from cipher_service import clock
from cipher_service.pouches.views import CaseLine, Journey
from pouch.events import Event

WIDTH: Final = 900
HEIGHT: Final = 214
LINE: Final = 110
_LEFT: Final = 76
_RIGHT: Final = 76
# Labels that would touch go to another height, four of them: two above the line, two below. Each
# is of two lines, the place and the moment; its height is the second's.
_LANES: Final = (84, 164, 48, 200)
_LABEL: Final = 132


@dataclass(frozen=True, slots=True)
class Tick:
    """An act on the line: where, its label's height, and whether two persons signed."""

    x: float
    y: int
    event: Event
    double: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """What is expected: departure or arrival."""

    x: float
    y: int
    place: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Diamond:
    """An irregularity, at the moment of its report."""

    x: float
    case: CaseLine


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that the drawing shows, in its own units."""

    ticks: tuple[Tick, ...]
    planned: tuple[Planned, ...]
    diamonds: tuple[Diamond, ...]
    begins: float
    present: float
    ends: float


def draw(journey: Journey, now: datetime) -> Picture:
    """Lay a journey out.

    Args:
        journey: of one closing.
        now: the present.
    """
    closing = journey.closing
    events = sorted(journey.events, key=lambda event: (event.at, event.counter))
    told = [event.at for event in events]
    told += [clock.parse(case.reported_at) for case in journey.cases]
    first = min([*told, closing.departs])
    last = max([*told, closing.due])
    if last == first:
        last = first + timedelta(hours=1)

    def x(at: datetime) -> float:
        share = (at - first) / (last - first)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    expected = [
        (closing.route.origin, closing.departs, closing.stage in ("prepared", "sealed")),
        (closing.route.destination, closing.due, closing.stage not in ("received", "opened")),
    ]
    lanes = _Lanes()
    ticks = tuple(
        Tick(x(event.at), lanes.take(x(event.at)), event, event.witness is not None)
        for event in events
    )
    planned = tuple(
        Planned(x(at), lanes.take(x(at)), place, at)
        for place, at, still in expected
        if still and closing.stage != "accounted"
    )
    present = x(max([*told, min(max(now, first), last)])) if told else x(first)
    return Picture(
        ticks,
        planned,
        tuple(Diamond(x(clock.parse(case.reported_at)), case) for case in journey.cases),
        begins=x(first),
        present=present,
        ends=x(last),
    )


class _Lanes:
    """Heights for labels: the first at which nothing stands in the way."""

    def __init__(self) -> None:
        self._taken: dict[int, float] = {}
        self._turn = count()

    def take(self, x: float) -> int:
        for lane in _LANES:
            if x - self._taken.get(lane, -_LABEL) >= _LABEL:
                self._taken[lane] = x
                return lane
        lane = _LANES[next(self._turn) % len(_LANES)]
        self._taken[lane] = x
        return lane
