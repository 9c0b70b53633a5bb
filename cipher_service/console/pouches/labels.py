"""The label that is stuck on a piece: its number as a QR symbol for scanners and cameras."""

from dataclasses import dataclass
from itertools import groupby

from pouch.symbol import QUIET
from pouch.symbol import draw as modules


@dataclass(frozen=True, slots=True)
class Label:
    """A symbol as a drawing.

    Attributes:
        side: of the square, in modules, with the quiet zone.
        path: of its dark modules, as SVG writes it.
    """

    side: int
    path: str


def draw(number: str) -> Label:
    """Lay a piece's number out.

    Args:
        number: ten digits.
    """
    rows = modules(number)
    runs = [run for y, row in enumerate(rows) for run in _runs(row, y)]
    return Label(len(rows) + 2 * QUIET, "".join(runs))


def _runs(row: list[bool], y: int) -> list[str]:
    """Give the dark runs of a row, each as a rectangle."""
    found, x = [], QUIET
    for dark, group in groupby(row):
        width = len(list(group))
        if dark:
            found.append(f"M{x} {y + QUIET}h{width}v1h-{width}z")
        x += width
    return found
