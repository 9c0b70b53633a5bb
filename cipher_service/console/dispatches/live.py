"""What an open page is told of: that the list that it shows has changed, and which alerts wait.

What a page shows has a mark; the stream of the page computes it anew when the log has grown, and
says that it is another. The page then asks for its list again and puts in what is new. Policies are
asked about alerts when something urgent has come or been heard, or a right may have changed.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service.access.acts import Gate
from cipher_service.access.policies import Policies
from cipher_service.access.subjects import Principal
from cipher_service.audit.ledger import size_and_origin
from cipher_service.dispatches.office import trays

Shown = Callable[[Connection, Gate, datetime], dict[str, Any]]
"""Reads what a list shows, at one moment."""

PAUSE: Final = 3
"""Looks at the log between two readings of a list, at least: a second each."""
LONGEST: Final = 30
"""Looks between two questions to the policies, at most: some rights end by the clock alone."""


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


class Alerts:
    """The alerts of one page's officer.

    Between two questions to the policies the answer is the one before, which the page was told
    already: nobody is told of what they may not see, for what is new is always asked about.

    Args:
        post: the bureau's code.
    """

    def __init__(self, post: str) -> None:
        self._post = post
        self._known: tuple[trays.Unheard, Principal, Policies] | None = None
        self._size = -1
        self._looks = 0
        self._told: list[str] = []

    def waiting(
        self, connection: Connection, gate: Gate, principal: Principal, now: datetime
    ) -> list[str]:
        """Return the ids of the arrivals that `trays.alerts` calls the officer to."""
        officer = principal.officer_id
        known = trays.unheard(connection, officer, self._post), principal, gate.policies
        size, _ = size_and_origin(connection)
        self._looks += 1
        due = self._looks >= (LONGEST if size == self._size else PAUSE)
        if known == self._known and not due:
            return self._told
        self._known, self._size, self._looks = known, size, 0
        lines = trays.alerts(connection, gate, officer, self._post, now)
        self._told = [line.dispatch_id for line in lines]
        return self._told
