"""What the commands on persons and rights share: the books open, the present, days as typed."""

from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.administration import presence
from cipher_service.administration.installation import journal_of, opened
from cipher_service.audit.journal import Found
from cipher_service.client.failures import Misused
from cipher_service.client.terminal import Terminal
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
def acting(
    arguments: Namespace,
    terminal: Terminal,
    about: str | None = None,
    *,
    name: str | None = None,
    also: Mapping[str, str] | None = None,
) -> Iterator[Desk]:
    """Open the books for one act, signed by those whom it names: all is recorded, or nothing.

    Args:
        arguments: as typed.
        terminal: where the signers read what they sign.
        about: what it is about, unless an argument says it.
        name: of the act in the log, unless its handler's will do.
        also: what is signed beside what was typed.

    Raises:
        Refused: see `presence.sign`.
    """
    found = Found()
    gate = Gate(note=lambda decision: setattr(found, "ruling", decision.ruling()))
    name, about = name or _name(arguments), about or _about(arguments)
    with opened(arguments) as installation:
        journal = journal_of(installation)
        with journal.told(name, about):
            answers = presence.sign(arguments, terminal, installation, also or {})
        with journal.act(name, about, found) as connection:
            now = clock.now()
            presence.verify(connection, answers, installation.settings, now)
            found.signers = tuple(answers.given)
            yield Desk(connection, gate, now, installation.settings.headquarters, found)


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
