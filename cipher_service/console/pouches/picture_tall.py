"""A bag's journey drawn downwards, for a telephone: what `picture` shows, its labels at the side.

Marks stand on the line to the scale of time. Labels that would touch move down, and a thin stroke
leads from each to its mark.
"""

from dataclasses import dataclass
from typing import Final, Literal

from cipher_service.console.pouches.picture import Diamond, Picture, Planned, Tick

Kind = Literal["tick", "planned", "diamond"]
Shown = Tick | Planned | Diamond

WIDTH: Final = 320
LINE: Final = 20
LABEL: Final = 52
"""Where labels begin, from the left."""
_ROW: Final = 44
_EDGE: Final = 18


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark on the line and its label, by their heights."""

    y: float
    label: float
    kind: Kind
    shown: Shown


@dataclass(frozen=True, slots=True)
class Tall:
    """Everything that the drawing shows, in its own units."""

    marks: tuple[Mark, ...]
    begins: float
    present: float
    ends: float
    height: float


def stand_up(picture: Picture) -> Tall:
    """Turn a journey that is drawn from left to right.

    Args:
        picture: as `picture.draw` gives it.
    """
    wanted: list[tuple[float, Kind, Shown]] = [
        *((one.x, "tick", one) for one in picture.ticks),
        *((one.x, "planned", one) for one in picture.planned),
        *((one.x, "diamond", one) for one in picture.diamonds),
    ]
    wanted.sort(key=lambda each: each[0])
    room = _ROW * max(1, len(wanted) - 1)
    whole = (picture.ends - picture.begins) or 1.0

    def y(x: float) -> float:
        return round(_EDGE + room * (x - picture.begins) / whole, 1)

    marks, free = [], 0.0
    for x, kind, shown in wanted:
        label = max(y(x), free)
        marks.append(Mark(y(x), label, kind, shown))
        free = label + _ROW
    ends = y(picture.ends)
    return Tall(tuple(marks), y(picture.begins), y(picture.present), ends, max(ends + _EDGE, free))
