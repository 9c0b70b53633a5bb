"""A bag's journey as a drawing: one line of time, a tick for each act, two where two signed.

Gaps are to scale; what happened is in ink, what is planned in grey, an irregularity a red diamond
that leads to its report. Acts that follow each other closely at one place have one label. Labels
stand in a row above the line and one below, side by side, and a stroke leads from each to its mark:
none crosses another or a label. The page has the same data as a table below.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cipher_service import clock
from cipher_service.pouches.views import CaseLine, Journey
from pouch.events import Event

WIDTH: Final = 900
HEIGHT: Final = 160
LINE: Final = 80
_LEFT: Final = 76
_RIGHT: Final = 76
_LABEL: Final = 140
"""What a label of two lines takes: what it names, and the moment."""
_ROW: Final = WIDTH // _LABEL
"""Labels that stand side by side."""
_ARRIVED: Final = ("received", "opened")


@dataclass(frozen=True, slots=True)
class Tick:
    """An act on the line: where, and whether two persons signed."""

    x: float
    event: Event
    double: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """What is expected: departure or arrival."""

    x: float
    place: str
    at: datetime
    leaves: bool


@dataclass(frozen=True, slots=True)
class Label:
    """What is written beside marks.

    Attributes:
        x: of its middle.
        mark: where the stroke leads that begins at it.
        above: whether it stands above the line.
        first: the first of the marks that it names.
        count: how many.
    """

    x: float
    mark: float
    above: bool
    first: Tick | Planned
    count: int


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
    labels: tuple[Label, ...]
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
        (closing.route.origin, closing.departs, True, closing.stage in ("prepared", "sealed")),
        (closing.route.destination, closing.due, False, closing.stage not in _ARRIVED),
    ]
    ticks = tuple(Tick(x(event.at), event, event.witness is not None) for event in events)
    planned = tuple(
        Planned(x(at), place, at, leaves)
        for place, at, leaves, still in expected
        if still and closing.stage != "accounted"
    )
    present = x(max([*told, min(max(now, first), last)])) if told else x(first)
    return Picture(
        ticks,
        planned,
        tuple(Diamond(x(clock.parse(case.reported_at)), case) for case in journey.cases),
        _labels(ticks, planned),
        begins=x(first),
        present=present,
        ends=x(last),
    )


def _labels(ticks: tuple[Tick, ...], planned: tuple[Planned, ...]) -> tuple[Label, ...]:
    """Give labels to the marks, as many as there is room for, the outermost first."""
    groups: list[list[Tick | Planned]] = []
    for tick in ticks:
        last = groups[-1][0] if groups else None
        same = isinstance(last, Tick) and last.event.place == tick.event.place
        if last and same and tick.x - last.x < _LABEL:
            groups[-1].append(tick)
        else:
            groups.append([tick])
    groups += [[one] for one in planned]
    groups.sort(key=lambda group: group[0].x)
    groups = [*groups[: 2 * _ROW - 1], *groups[2 * _ROW - 1 :][-1:]]
    return tuple(
        Label(x, _middle(group), above, group[0], len(group))
        for above, row in ((True, groups[::2]), (False, groups[1::2]))
        for x, group in zip(_side_by_side([_middle(group) for group in row]), row, strict=True)
    )


def _middle(group: list[Tick | Planned]) -> float:
    return (group[0].x + group[-1].x) / 2


def _side_by_side(wanted: list[float]) -> list[float]:
    """Move middles apart, no further than the drawing's edges."""
    placed: list[float] = []
    for x in wanted:
        placed.append(max(x, placed[-1] + _LABEL if placed else _LABEL / 2))
    bound = WIDTH - _LABEL / 2
    for place in reversed(range(len(placed))):
        placed[place] = bound = min(placed[place], bound)
        bound -= _LABEL
    return placed
