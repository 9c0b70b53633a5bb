"""Who signs for a controlled item at this terminal: whoever has it in hand, or a keeper for them.

    with signed(arguments, terminal, "item_send", arguments.by) as connection:
        controlled.send(connection, ...)
    with kept(arguments, terminal, "item_destroy") as connection:
        controlled.destroy(connection, ...)
    with read(arguments, terminal) as connection:
        controlled.items(connection)

A holder who is an officer signs with their own security key, and nobody signs in their place while
they are in service. A holder by another name (a post, a holder of shares) has no key here: once the
founders have theirs, an officer who keeps the register signs for them, by the paper in hand. The
policies say who keeps it (`items-keep`): they are asked of a keeper, of whoever enters an item or
counts, and of whom a destruction names beside its two witnesses. To read the register is an act
too: its keepers' and the auditor's, and in the log before anything is shown.
"""

import re
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access.acts import Gate, circumstances, founded, require, require_founding
from cipher_service.access.looks import ITEMS_READ, REGISTER, ruled
from cipher_service.administration import presence
from cipher_service.administration.acting import acting
from cipher_service.administration.installation import Installation, journal_of, opened
from cipher_service.audit.journal import Found
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.directory import officers
from cipher_service.storage.unit_of_work import reading

_OFFICER: Final = re.compile("OFF-[0-9]{6,}")
_GIVES: Final = "item_send"
"""The act that is also done for an officer who is suspended or has left: what they held goes on."""
_KEEPERS_OWN: Final = ("item_inventory", "item_enter")
"""The acts on what the register says of everybody: whoever does one keeps it."""
_KEEPS: Final = "items-keep"


@contextmanager
def signed(
    arguments: Namespace,
    terminal: Terminal,
    name: str,
    person: str,
    also: Mapping[str, str] | None = None,
) -> Iterator[Connection]:
    """Open the books for one act on an item, signed by who answers for it: all of it, or nothing.

    Args:
        arguments: as typed, `--keeper` with them.
        terminal: where the signers read what they sign.
        name: of the act in the log.
        person: who holds, receives or counts.
        also: what is signed beside what was typed.

    Raises:
        Refused: KEEPER_NEEDED; as `presence.sign` and `presence.verify`.
        ServiceError: UNKNOWN_OFFICER, NOT_ALLOWED (a keeper who does not keep the register, or
            whoever enters or counts); as `presence.verify`, KEY_UNKNOWN also for a signer who is
            suspended or has left.
    """
    found = Found()
    item: int | None = getattr(arguments, "item", None)
    about = None if item is None else str(item)
    with opened(arguments) as installation:
        journal = journal_of(installation)
        with journal.told(name, about):
            named = _signers(installation, name, person, arguments.keeper)
            answers = presence.sign(arguments, terminal, installation, also or {}, named)
        with journal.act(name, about, found) as connection:
            presence.verify(connection, answers, installation.settings, clock.now())
            found.signers = tuple(answers.given)
            if arguments.keeper is not None or (
                name in _KEEPERS_OWN and _OFFICER.fullmatch(person)
            ):
                _require_keeper(connection, arguments.keeper or person, found)
            yield connection


@contextmanager
def kept(arguments: Namespace, terminal: Terminal, name: str) -> Iterator[Connection]:
    """Open the books for one act of whom `--by` names, a keeper of the register.

    Raises:
        Refused: as `presence.sign` and `presence.verify`.
        ServiceError: UNKNOWN_OFFICER, NOT_ALLOWED, FOUNDING_OVER (nobody is named).
    """
    with acting(arguments, terminal, str(arguments.item), name=name) as desk:
        context = circumstances(desk.connection, desk.gate, desk.now)
        require(desk.connection, desk.gate, arguments.by, _KEEPS, REGISTER, context)
        yield desk.connection


@contextmanager
def read(arguments: Namespace, terminal: Terminal) -> Iterator[Connection]:
    """Open the register to read it: decided, and in the log before anything is shown.

    Raises:
        Refused: as `presence.sign` and `presence.verify`.
        ServiceError: UNKNOWN_OFFICER, NOT_ALLOWED, FOUNDING_OVER (nobody is named).
    """
    item: int | None = getattr(arguments, "item", None)
    about = REGISTER.identifier if item is None else str(item)
    with acting(arguments, terminal, about, name=ITEMS_READ) as desk:
        if arguments.by is None:
            require_founding(desk.connection)
        else:
            asked = (desk.connection, desk.gate, arguments.by, ITEMS_READ, desk.now)
            desk.found.ruling = ruled(*asked)
        yield desk.connection


def _signers(
    installation: Installation, name: str, person: str, keeper: str | None
) -> tuple[str, ...]:
    kept = () if keeper is None else (keeper,)
    if _OFFICER.fullmatch(person):
        return (
            kept if kept and name == _GIVES and _is_gone(installation, person) else (person, *kept)
        )
    if keeper is None and presence.founders_sign(installation):
        raise Refused("KEEPER_NEEDED", person=person)
    return kept or (person,)


def _require_keeper(connection: Connection, keeper: str, found: Found) -> None:
    if not founded(connection):  # no policy knows anybody yet, and a name is believed
        return
    gate = Gate(note=lambda decision: setattr(found, "ruling", decision.ruling()))
    now = circumstances(connection, gate, clock.now())
    require(connection, gate, keeper, _KEEPS, REGISTER, now)


def _is_gone(installation: Installation, officer: str) -> bool:
    with reading(installation.engine) as connection:
        return officers.read(connection, officer).state != "active"
