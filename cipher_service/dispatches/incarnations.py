"""The epoch in which the bureau numbers: a restore opens a new one, so that no number recurs.

A post does the same (`chiffre identity restored`): its readers take the pair of epoch and number,
and a new epoch begins at 1.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert

from cipher_service.references import restored_epoch, series_epoch
from cipher_service.storage import counters
from cipher_service.storage.tables.registers import counter

PREFIX: Final = "incarnation/"
"""Of the counter that is no counter: its value is the incarnation of a year."""


def epoch(connection: Connection, year: int) -> int:
    """Return the epoch of the bureau's series in a year."""
    return series_epoch(year, counters.read(connection, f"{PREFIX}{year}"))


def following(connection: Connection, now: datetime) -> int:
    """Return the epoch that a restore opens in this year.

    Raises:
        ValueError: the year's last one was used.
    """
    opened = max(restored_epoch(now), epoch(connection, now.year) + 1)
    if opened >= series_epoch(now.year + 1):
        raise ValueError("a year has at most 100 incarnations")
    return opened


def reopen(connection: Connection, opened: int, year: int) -> None:
    """Open the epoch that `following` returned, in its year."""
    connection.execute(delete(counter).where(counter.c.name == f"{PREFIX}{year}"))
    value = opened - series_epoch(year)
    connection.execute(insert(counter).values(name=f"{PREFIX}{year}", value=value))
