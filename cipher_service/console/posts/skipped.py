"""Numbers that a restore skipped: they count as cancelled, and stand where numbers are listed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from cipher_service.console.language import mark
from cipher_service.dispatches import continuity

BOOKS: Final[Mapping[str, str]] = {
    "register/": mark("Registre des dépêches"),
    "departures/": mark("Départs du siège"),
    "pouch_bordereau_": mark("Bordereaux de valise"),
}
"""The books whose numbers people read, by how the names of their counters begin."""
_YEAR: Final = 4


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers of a book's year, both ends included, and when they were found to be cancelled."""

    book: str
    year: int
    first: int
    last: int
    at: datetime


def intervals(connection: Connection) -> list[Interval]:
    """Return what restores skipped in the books that people read, the last restore first."""
    return [
        Interval(book, int(each.counter[-_YEAR:]), each.first, each.last, each.at)
        for each in reversed(continuity.skipped(connection))
        for prefix, book in BOOKS.items()
        if each.counter.startswith(prefix)
    ]
