"""Looking at the log, and at everybody's rights, are acts: decided, and in the log before it shows.

The log is the auditor's alone. Rights are open to those who may read the policies, and to the
security officer, who reviews them. The register of controlled items is read at the ministry's own
machine only, by those who keep it and by the auditor.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.access.decisions import decide
from cipher_service.access.subjects import Book, Circumstances, Person, Resource
from cipher_service.errors import ServiceError
from cipher_service.identity.officer_commands import OfficerAct

AUDIT_READ: Final = "audit_read"
RIGHTS_READ: Final = "rights_read"
ITEMS_READ: Final = "items_read"
REGISTER: Final = Book("controlled-items")
_OPENED_BY: Final[dict[str, tuple[tuple[str, Resource], ...]]] = {
    AUDIT_READ: (("audit-read", Book("audit")),),
    RIGHTS_READ: (("policy-read", Book("policies")), ("recertify", Person("", ""))),
    ITEMS_READ: (("items-keep", REGISTER), ("audit-read", Book("audit"))),
}
"""For each look, the actions of the matrix of which one suffices."""


def acts(now: Callable[[], datetime] = clock.now) -> dict[str, OfficerAct]:
    """Return the commands, to be guarded.

    Each takes `{"route": what is looked at}`, gives `{"decision"}`, and refuses NOT_ALLOWED.
    """
    gate = Gate()

    def look(name: str) -> OfficerAct:
        def looked(connection: Connection, officer: str, _payload: object) -> dict[str, Any]:
            return {"decision": ruled(connection, gate, officer, name, now())}

        return looked

    return {name: look(name) for name in (AUDIT_READ, RIGHTS_READ)}


def ruled(
    connection: Connection, gate: Gate, officer: str, name: str, now: datetime
) -> dict[str, Any]:
    """Return by which policies a person may look. Raises ServiceError NOT_ALLOWED."""
    principal = gate.principals.of(connection, officer, now)
    against: set[str] = set()
    for action, thing in _OPENED_BY[name]:
        decision = decide(gate.policies, principal, action, thing, Circumstances(now))
        if decision.allowed:
            return decision.ruling()
        against.update(decision.policies)
    reasons = ", ".join(sorted(against)) or "-"
    raise ServiceError("NOT_ALLOWED", officer=officer, action=name, policies=reasons)
