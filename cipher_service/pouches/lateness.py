"""Bags that are late or silent open a case by themselves, whoever looks (R13): absence is news."""

from datetime import datetime, timedelta
from typing import Final

from cipher_service.pouches import cases, overview
from cipher_service.pouches.office import Office
from pouch.discrepancies import Difference

EVERY: Final = timedelta(minutes=1)
REPORTER: Final = "service"
"""Stands where an officer would: no person reported it, so any of them may close it."""


class Lateness:
    """Opens `bag-overdue`, once for each closing; recipients and clocks are those of its class.

    Args:
        office: the pouch bureau.
    """

    def __init__(self, office: Office) -> None:
        self._office = office
        self._next: datetime | None = None

    def round(self) -> list[str]:
        """Open what is to be opened, once a minute; return the new cases' ids."""
        now = self._office.now()
        if self._next is not None and now < self._next:
            return []
        self._next = now + EVERY
        with self._office.look() as sitting:
            found = overview.late_or_silent(sitting.connection, sitting.now)
        opened = []
        for closing in found:
            with self._office.act("pouch_overdue", closing.seal) as sitting:
                opened += cases.open_cases(
                    sitting.connection,
                    closing.seal,
                    closing.bag_class,
                    [Difference(overview.OVERDUE, "")],
                    reporter=REPORTER,
                    now=sitting.now,
                )
        return opened
