"""A dispatch on its way to its reader's own key: the page that opens it is told by a ticket.

What it is told is the header that the custodian made for that key. Neither file key nor text is in
a process of the service.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.dispatches.office import trail
from cipher_service.errors import ServiceError
from cipher_service.identity import approvals
from cipher_service.identity.officer_commands import OfficerAct
from keys.canonical import encode, text_from_bytes

OPENING: Final = "cipher-service/v1 own-opening"


def acts(now: Callable[[], datetime] = clock.now) -> dict[str, OfficerAct]:
    """Return the command by which an opening goes on in its reader's page, to be guarded."""

    def give(connection: Connection, officer: str, payload: dict[str, Any]) -> str:
        """Take `{"dispatch_id", "header": bytes}`, after dispatch_open.end; give the ticket.

        Refuses NOT_FOUND: this officer has not opened it.
        """
        number = payload["dispatch_id"]
        if not trail.done(connection, number, trail.OPENED, officer):
            raise ServiceError("NOT_FOUND")
        body = encode(
            {
                "type": OPENING,
                "dispatch": number,
                "header": text_from_bytes(payload["header"]),
            }
        )
        return approvals.ask(connection, officer, body, f"/depeches/{number}", now())

    return {"own_opening": give}
