"""Registers of the pouch bureau, a page at a time, whatever changes between two pages.

Each line has a place: a text by which the register is ordered. A page begins behind a place, which
need not be any line's any more: what was discharged or closed meanwhile moves nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

PAGE: Final = 40
"""Lines that a page of the console shows."""


class Placed(Protocol):
    """A line of a register."""

    @property
    def place(self) -> str:
        """Where it stands."""
        ...

    @property
    def pressing(self) -> bool:
        """Whether somebody must look at it now."""
        ...


Line = TypeVar("Line", bound=Placed)


@dataclass(frozen=True, slots=True)
class Share(Generic[Line]):
    """A page of a register.

    Attributes:
        lines: in the order of their places.
        following: behind which place the register goes on; empty on its last page.
        total: how many lines the whole register has.
        pressing: how many of all those are pressing.
    """

    lines: tuple[Line, ...]
    following: str
    total: int
    pressing: int


def share(register: Iterable[Line], after: str = "") -> Share[Line]:
    """Return the page of a register that begins behind a place; the first one behind none."""
    whole = sorted(register, key=lambda line: line.place)
    further = [line for line in whole if line.place > after]
    shown = tuple(further[:PAGE])
    return Share(
        shown,
        following=shown[-1].place if len(further) > len(shown) else "",
        total=len(whole),
        pressing=sum(line.pressing for line in whole),
    )
