"""Late bags as a drawing: one cell for each route, one bar for each bag, all to one scale.

A bar is as long as the bag is late. The list of bags has the same data as a table below.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cipher_service.pouches.views import BagLine

WIDTH: Final = 220
ROW: Final = 42
MOST: Final = 12
"""Bags drawn: the latest of all, which are the first rows of the table too."""
_SHORTEST: Final = 2.0
"""A bag that is late by a moment is seen too."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One late bag: where its row begins, how long its bar is, by how many seconds it is late."""

    y: int
    length: float
    seconds: int
    bag: BagLine


@dataclass(frozen=True, slots=True)
class Cell:
    """The late bags of one route, the latest first."""

    route: str
    origin: str
    destination: str
    bars: tuple[Bar, ...]

    @property
    def height(self) -> int:
        """Of the drawing, in its own units."""
        return ROW * len(self.bars)


def draw(lines: Iterable[BagLine], now: datetime) -> tuple[Cell, ...]:
    """Lay the late bags out, the route with the latest bag first.

    Args:
        lines: bags under way; those that are not late are left out, and more than `MOST`.
        now: the present.
    """
    late = sorted((line for line in lines if line.late), key=lambda line: (line.due, line.seal))
    late = late[:MOST]
    if not late:
        return ()
    longest = (now - late[0].due).total_seconds()
    routes: dict[str, list[BagLine]] = {}
    for line in late:
        routes.setdefault(line.route, []).append(line)

    def bar(place: int, line: BagLine) -> Bar:
        seconds = (now - line.due).total_seconds()
        length = max(_SHORTEST, round(WIDTH * seconds / longest, 1))
        return Bar(place * ROW, length, int(seconds), line)

    return tuple(
        Cell(
            route,
            bags[0].origin,
            bags[0].destination,
            tuple(bar(place, line) for place, line in enumerate(bags)),
        )
        for route, bags in routes.items()
    )
