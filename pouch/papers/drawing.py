"""A QR symbol as a drawing: one path of black runs, exact at any size of a module."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def svg(modules: Sequence[Sequence[bool]]) -> str:
    """Draws a symbol with its quiet zone of four modules, on a square of its side plus eight.

    One path: separate shapes would leave hairlines of white between them.

    Args:
        modules: rows from the top, each from the left, without quiet zone; True is dark.
    """
    runs: list[str] = []
    for row, line in enumerate(modules):
        column = 0
        for dark, group in groupby(line):
            length = len(list(group))
            if dark:
                runs.append(f"M{column} {row}h{length}v1h-{length}z")
            column += length
    side = len(modules) + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 {side} {side}">'
        f'<path d="{"".join(runs)}"/></svg>'
    )
