"""Lists that renew themselves: an open page is told when the list that it shows has changed.

What a page shows has a mark; the stream of the page computes it anew when the log has grown, and
says that it is another. The page then asks for its list again and puts in what is new.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service.access.acts import Gate
from cipher_service.audit.ledger import size_and_origin

Shown = Callable[[Connection, Gate, datetime], dict[str, Any]]
"""Reads what a list shows, at one moment."""

PAUSE: Final = 3
"""Looks at the log between two readings of a list, at least: a second each."""


def mark_of(found: dict[str, Any]) -> str:
    """Return what is the same as long as a list shows the same."""
    return sha256(repr(sorted(found.items())).encode()).hexdigest()[:16]


class Watched:
    """One page's list.

    Args:
        shown: reads it.
        mark: of what the page shows.
    """

    def __init__(self, shown: Shown, mark: str) -> None:
        self._shown = shown
        self._mark = mark
        self._size = -1
        self._pause = 0

    def changed(self, connection: Connection, gate: Gate, now: datetime) -> bool:
        """Say whether the list shows something else than when it was last asked."""
        self._pause -= 1
        size, _ = size_and_origin(connection)
        if size == self._size or self._pause > 0:
            return False
        self._size, self._pause = size, PAUSE
        mark = mark_of(self._shown(connection, gate, now))
        was, self._mark = self._mark, mark
        return mark != was
