"""To put another set of policies in force: an act of two persons (article 12).

The set was proved before (`access.proof`); here two persons decide, and every process decides by it
from the next decision on, since an adoption moves the counter of the books.
"""

from datetime import datetime

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access.acts import Gate, circumstances, require
from cipher_service.access.decisions import Decision
from cipher_service.access.policies import Policies
from cipher_service.access.subjects import Book
from cipher_service.directory.officers import OFFICERS
from cipher_service.errors import ServiceError
from cipher_service.storage import counters
from cipher_service.storage.tables.access import policy_set


def adopt(
    connection: Connection, gate: Gate, policies: Policies, by: str, approver: str, now: datetime
) -> Decision | None:
    """Adopt a set that was proved; the set in force decides whether these two may.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER, POLICIES_SAME (it is in force already).
    """
    asked = circumstances(connection, gate, now, approver=approver, level=0)
    decision = require(connection, gate, by, "policy-change", Book("policies"), asked)
    if policies.digest == gate.policies.digest:
        raise ServiceError("POLICIES_SAME", digest=policies.digest)
    connection.execute(
        policy_set.insert().values(
            digest=policies.digest,
            body=policies.text,
            adopted_at=clock.text(now),
            adopted_by=by,
            approver=approver,
        )
    )
    counters.advance(connection, OFFICERS)
    return decision
