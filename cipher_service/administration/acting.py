"""What the commands on persons and rights share: the books open, the present, days as typed."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.administration.installation import journal_of, opened
from cipher_service.audit.journal import Found
from cipher_service.client.failures import Misused
from cipher_service.directory.officers import Window
from cipher_service.storage.unit_of_work import reading

_NAMED: Final = ("officer", "mandate", "review", "dispatch", "number")
"""What a command can be about, by the name of its argument."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The books inside one transaction, what decides, the present, and what the entry will say."""

    connection: Connection
    gate: Gate
    now: datetime
    headquarters: str
    found: Found


@contextmanager
def acting(arguments: Namespace) -> Iterator[Desk]:
    """Open the books for one act, about what is named: all is recorded, or nothing."""
    found = Found()
    gate = Gate(note=lambda decision: setattr(found, "ruling", decision.ruling()))
    with (
        opened(arguments) as installation,
        journal_of(installation).act(_name(arguments), _about(arguments), found) as connection,
    ):
        yield Desk(connection, gate, clock.now(), installation.settings.headquarters, found)


def _about(arguments: Namespace) -> str | None:
    named = (getattr(arguments, name, None) for name in _NAMED)
    return next((str(each) for each in named if each is not None), None)


def _name(arguments: Namespace) -> str:
    """Return the act's name in the log: the handler that does it."""
    return str(arguments.handler).rpartition(".")[2].replace(":", "_")


@contextmanager
def looking(arguments: Namespace) -> Iterator[Desk]:
    """Open the books to read them."""
    with opened(arguments) as installation, reading(installation.engine) as connection:
        yield Desk(connection, Gate(), clock.now(), installation.settings.headquarters, Found())


def day(typed: str) -> datetime:
    """Return the first instant of a day, YYYY-MM-DD. Raises Misused DAY_MALFORMED."""
    try:
        found = datetime.strptime(typed, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise Misused("DAY_MALFORMED", given=typed) from error
    return found


def window(arguments: Namespace, now: datetime) -> Window:
    """Return the window of `--from` and `--until`; from now on, without an end, unless typed."""
    starts = now if arguments.starts is None else day(arguments.starts)
    return Window(starts, None if arguments.until is None else day(arguments.until))
