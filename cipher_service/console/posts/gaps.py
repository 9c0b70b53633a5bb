"""The numbers that never came, and whether their repetition was asked for."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from cipher_service.access.acts import Gate
from cipher_service.console.visit import Visit
from cipher_service.directory.register import read_directory
from cipher_service.dispatches import speaking
from cipher_service.dispatches.office import chasing
from cipher_service.dispatches.openings import Missing, missing_numbers

DUE: Final = "due"
ASKED: Final = "asked"
SILENT: Final = "silent"


@dataclass(frozen=True, slots=True)
class Gaps:
    """What is missing.

    Attributes:
        lines: each gap, and whether its repetition is due, asked, or its post is silent.
        awaited: an officer has asked and the bureau has not yet.
        may_ask: whether the reader may ask, and something is due.
    """

    lines: tuple[tuple[Missing, str], ...]
    awaited: bool
    may_ask: bool


def gaps(visit: Visit, connection: Connection, gate: Gate, posts: Collection[str]) -> Gaps:
    """Return what is missing from posts whose mail the officer may see."""
    headquarters = visit.office.headquarters
    directory = read_directory(connection)
    due = speaking.due(connection, directory, headquarters)
    lines = []
    for gap in missing_numbers(connection, headquarters):
        if gap.origin not in posts:
            continue
        if directory.posts[gap.origin].state != "active":
            state = SILENT
        else:
            state = DUE if any(speaking.lies_in(each, gap) for each in due) else ASKED
        lines.append((gap, state))
    thing = chasing.request(gate.scheme, headquarters)
    allowed = visit.decides(gate, chasing.ACTION, thing, **chasing.FACTS).allowed
    return Gaps(
        tuple(lines),
        chasing.awaited(connection, headquarters),
        allowed and any(state == DUE for _, state in lines),
    )
