"""Reading the log is an act: the auditor's alone, decided, and in the log before anything shows."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access.acts import Gate, require
from cipher_service.access.subjects import Book, Circumstances
from cipher_service.identity.officer_commands import OfficerAct

LOG: Final = Book("audit")
READ: Final = "audit_read"


def acts(now: Callable[[], datetime] = clock.now) -> dict[str, OfficerAct]:
    """Return the command, to be guarded."""
    gate = Gate()

    def read(connection: Connection, officer: str, _payload: object) -> dict[str, Any]:
        """Take `{"route": what is looked at}`; give `{"decision"}`. Refuses NOT_ALLOWED."""
        ruled = require(connection, gate, officer, "audit-read", LOG, Circumstances(now()))
        if ruled is None:
            raise AssertionError("somebody is named")
        return {
            "decision": {
                "policies": list(ruled.policies),
                "digest": ruled.digest,
                "mandate": ruled.mandate,
            }
        }

    return {READ: read}
