"""What of a dispatch leaves the screen: its text on paper, its attachments as files.

Each copy is numbered and in a person's name before it exists, since nothing that comes after is in
the service's hands. Only who has opened the dispatch makes one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, select

from cipher_service import clock
from cipher_service.access import registers
from cipher_service.access.acts import Gate
from cipher_service.dispatches.office import trail
from cipher_service.dispatches.office.entitlement import Ruling, demand
from cipher_service.dispatches.office.own_openings import OPENING
from cipher_service.errors import ServiceError
from cipher_service.identity import approvals
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.storage.batch import Handler
from cipher_service.storage.tables.compositions import dispatch_copy
from cipher_service.storage.tables.officers import officer as persons
from keys.names import ATTACHMENTS_MAX

TEXT: Final = 0
_PARTS: Final = frozenset(str(part) for part in range(ATTACHMENTS_MAX + 1))

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy: `part` is 0 for the text printed, else the place of the attachment saved."""

    part: int
    number: int
    name: str
    at: str


class CopyDesk:
    """The registrar's acts about copies.

    Args:
        gate: what decides.
        now: the clock.
    """

    def __init__(self, gate: Gate, now: Callable[[], datetime] = clock.now) -> None:
        self._gate = gate
        self._now = now

    def acts(self) -> dict[str, OfficerAct]:
        """Return the acts by name; each method says what it takes and gives."""
        return {
            "dispatch_print": self.print,
            "dispatch_take.intend": self.take,
            "dispatch_take.end": self.taken,
        }

    def handlers(self) -> dict[str, Handler]:
        """Return the command of the page that holds no session: a ticket leads to it."""
        return {"own_copy": self.enter_own}

    def print(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id"}`; give `{"copy": its number, "decision"}`.

        Refuses NOT_FOUND, NOT_ALLOWED, COPY_UNREAD.
        """
        number = payload["dispatch_id"]
        ruled = self._demand(connection, officer, number)
        copy = enter(connection, officer, number, TEXT, self._now())
        return {"copy": copy, "decision": ruled}

    def enter_own(self, connection: Connection, payload: dict[str, str]) -> Answer:
        """Take `{"ticket", "part"}` of a page that opened with its officer's own key.

        Give `{"officer", "dispatch_id", "copy": its number, "decision"}`; then the page prints or
        saves.
        Refuses TICKET_UNKNOWN, NOT_FOUND, NOT_ALLOWED, COPY_UNREAD.
        """
        opened = approvals.shown(connection, payload["ticket"], OPENING, self._now())
        number, part = str(opened.statement["dispatch"]), payload["part"]
        if part not in _PARTS:
            raise ServiceError("NOT_FOUND")
        ruled = self._demand(connection, opened.officer, number)
        copy = enter(connection, opened.officer, number, int(part), self._now())
        return {
            "officer": opened.officer,
            "dispatch_id": number,
            "copy": copy,
            "decision": ruled,
        }

    def take(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id", "part"}`; give `{"decision"}`: it may now be deciphered.

        Refuses NOT_FOUND, NOT_ALLOWED, COPY_UNREAD.
        """
        _place(payload)
        return {"decision": self._demand(connection, officer, payload["dispatch_id"])}

    def taken(self, connection: Connection, officer: str, payload: Answer) -> Answer | None:
        """Take `{"dispatch_id", "part"}`, or with `"refused": code`; give as `print`.

        Comes before the first byte leaves. Refuses as `take`.
        """
        if payload.get("refused") is not None:
            return None
        number = payload["dispatch_id"]
        ruled = self._demand(connection, officer, number)
        copy = enter(connection, officer, number, _place(payload), self._now())
        return {"copy": copy, "decision": ruled}

    def _demand(self, connection: Connection, officer: str, dispatch_id: str) -> Ruling:
        thing = registers.subject(connection, dispatch_id)
        ruled = demand(connection, self._gate, officer, "read", thing, self._now())
        if not trail.done(connection, dispatch_id, trail.OPENED, officer):
            raise ServiceError("COPY_UNREAD", officer=officer, dispatch_id=dispatch_id)
        return ruled


def enter(connection: Connection, officer: str, dispatch_id: str, part: int, now: datetime) -> int:
    """Record a copy of a dispatch, or of what is to become one; returns its number."""
    book = dispatch_copy
    last = connection.scalar(
        select(func.max(book.c.number)).where(
            book.c.dispatch_id == dispatch_id, book.c.part == part
        )
    )
    number = int(last or 0) + 1
    connection.execute(
        book.insert().values(
            dispatch_id=dispatch_id,
            part=part,
            number=number,
            officer=officer,
            at=clock.text(now),
        )
    )
    return number


def made(connection: Connection, dispatch_id: str) -> list[Copy]:
    """Return the copies of a dispatch that somebody made, the oldest first."""
    book = dispatch_copy
    rows = connection.execute(
        select(book.c.part, book.c.number, persons.c.name, book.c.at)
        .join(persons, persons.c.officer_id == book.c.officer)
        .where(book.c.dispatch_id == dispatch_id)
        .order_by(book.c.at, book.c.part, book.c.number)
    )
    return [Copy(*row) for row in rows]


def _place(payload: Answer) -> int:
    part = payload["part"]
    if type(part) is not int or not 1 <= part <= ATTACHMENTS_MAX:
        raise ServiceError("NOT_FOUND")
    return part
