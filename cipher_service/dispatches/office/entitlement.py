"""May this officer do this to that dispatch, now? Asked in the transaction of the act.

What an officer may not see in any list does not exist for that officer: NOT_FOUND, as for an id
that nobody has. What is visible and forbidden is NOT_ALLOWED, with the policies that say no.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service.access import emergencies
from cipher_service.access.acts import Gate
from cipher_service.access.decisions import Decision, decide
from cipher_service.access.subjects import Circumstances, Dispatch
from cipher_service.errors import ServiceError

Ruling = dict[str, Any]
"""What the log keeps of a decision: `policies`, `digest`, `mandate`."""

_LIST: Final = "list"


def demand(
    connection: Connection,
    gate: Gate,
    officer: str,
    action: str,
    thing: Dispatch,
    now: datetime,
    facts: Mapping[str, Any] | None = None,
    *,
    own: bool = False,
) -> Ruling:
    """Let an act pass; returns what the log keeps of the decision.

    Args:
        connection: inside the unit of work of the act.
        gate: what decides.
        officer: who acts.
        action: of the matrix.
        thing: the dispatch, as decisions see it.
        now: the present.
        facts: more members of `Circumstances`.
        own: the officer wrote it, so that its existence is no secret.

    Raises:
        ServiceError: NOT_FOUND (invisible), NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    decision = asked(connection, gate, officer, action, thing, now, facts)
    if decision.allowed:
        return decision.ruling()
    if not own and not asked(connection, gate, officer, _LIST, thing, now).allowed:
        raise ServiceError("NOT_FOUND")
    reasons = ", ".join(decision.policies) or "-"
    raise ServiceError("NOT_ALLOWED", officer=officer, action=action, policies=reasons)


def asked(
    connection: Connection,
    gate: Gate,
    officer: str,
    action: str,
    thing: Dispatch,
    now: datetime,
    facts: Mapping[str, Any] | None = None,
) -> Decision:
    """Decide, an emergency that the officer declared for this dispatch included."""
    principal = gate.principals.of(connection, officer, now)
    context = Circumstances(now, **(facts or {}))
    if action in emergencies.ACTIONS:
        context = emergencies.under_emergency(
            connection, officer, action, thing.identifier, context
        )
    return decide(gate.policies, principal, action, thing, context)
