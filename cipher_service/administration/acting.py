"""What the commands on persons and rights share: the books open, the present, days as typed."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.administration.installation import journal_of, opened
from cipher_service.client.failures import Misused
from cipher_service.directory.officers import Window
from cipher_service.storage.unit_of_work import reading


@dataclass(frozen=True, slots=True)
class Desk:
    """The books inside one transaction, what decides, and the present."""

    connection: Connection
    gate: Gate
    now: datetime
    headquarters: str


@contextmanager
def acting(arguments: Namespace) -> Iterator[Desk]:
    """Open the books for one act, about the officer who is named: all is recorded, or nothing."""
    with (
        opened(arguments) as installation,
        journal_of(installation).act(
            _name(arguments), getattr(arguments, "officer", None)
        ) as connection,
    ):
        yield Desk(connection, Gate(), clock.now(), installation.settings.headquarters)


def _name(arguments: Namespace) -> str:
    """Return the act's name in the log: the handler that does it."""
    return str(arguments.handler).rpartition(".")[2].replace(":", "_")


@contextmanager
def looking(arguments: Namespace) -> Iterator[Desk]:
    """Open the books to read them."""
    with opened(arguments) as installation, reading(installation.engine) as connection:
        yield Desk(connection, Gate(), clock.now(), installation.settings.headquarters)


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
