"""Acts on the books, each decided before it is written (article 12).

    require(connection, gate, "OFF-000002", "revoke", person, circumstances)

At the founding nobody holds a function yet: until the security officer, the Head of the Cell and
the Secretary-General have each been given one, acts may be recorded without anybody's name.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select

from cipher_service.access.decisions import Decision, decide
from cipher_service.access.deployed import deployed
from cipher_service.access.policies import Policies, default_policies
from cipher_service.access.principals import Principals
from cipher_service.access.subjects import NOBODY, Circumstances, Person, Resource, held_for
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import Scheme, default_scheme
from cipher_service.storage.tables import officers as tables

FOUNDERS = ("SECURITY-OFFICER", "CHIEF-CNTC", "SECRETARY-GENERAL")


@dataclass
class Gate:
    """What decides: the policies in force, the markings, and this process's reader of persons.

    The policies are read anew whenever the books have moved, which every reading of a person finds
    out in its own transaction; so an adoption takes effect at the next decision of every process.
    """

    policies: Policies = field(default_factory=default_policies)
    scheme: Scheme = field(default_factory=default_scheme)
    principals: Principals = field(default_factory=Principals)
    note: Callable[[Decision], object] = field(default=lambda _decision: None)
    """Told of each decision that let an act pass: for who keeps its entry."""

    def __post_init__(self) -> None:
        """Follow the books."""
        self._without = self.policies
        self.principals.watch(self._reload)

    def _reload(self, connection: Connection) -> None:
        self.policies = deployed(connection, self._without)


def require(
    connection: Connection,
    gate: Gate,
    by: str | None,
    action: str,
    resource: Resource,
    context: Circumstances,
) -> Decision | None:
    """Let an act pass; None for an act of the founding.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER, FOUNDING_OVER (nobody is named, and those who
            could be are there).
    """
    if by is None:
        require_founding(connection)
        return None
    principal = gate.principals.of(connection, by, context.now)
    decision = decide(gate.policies, principal, action, resource, context)
    if not decision.allowed:
        reasons = ", ".join(decision.policies) or "-"
        raise ServiceError("NOT_ALLOWED", officer=by, action=action, policies=reasons)
    gate.note(decision)
    return decision


def circumstances(
    connection: Connection,
    gate: Gate,
    now: datetime,
    *,
    approver: str | None = None,
    third: str | None = None,
    proposer: str | None = None,
    level: int | None = None,
) -> Circumstances:
    """Return the circumstances of an act, the others' functions read from the books.

    A person who is frozen or gone approves nothing. The approver's mandates count, as they do for
    a seat (`shared_acts.persons_now`), when the rank at stake is given: never with keys.

    Raises:
        ServiceError: UNKNOWN_OFFICER.
    """

    def functions(officer: str | None, reach: int | None = None) -> frozenset[str]:
        if officer is None:
            return frozenset()
        found = gate.principals.of(connection, officer, now)
        own = found.functions if found.active else frozenset()
        return own if reach is None else held_for(found, reach)

    return Circumstances(
        now,
        approver=approver or "",
        approver_functions=functions(approver, level),
        third=third or "",
        third_functions=functions(third),
        proposer=proposer or "",
    )


def person(connection: Connection, officer_id: str, level: int = NOBODY) -> Person:
    """Return whom an act is about. Raises ServiceError UNKNOWN_OFFICER."""
    known = officers.read(connection, officer_id)
    return Person(officer_id, known.identity.post, level)


def anybody(connection: Connection, officer_id: str, level: int = NOBODY) -> Person:
    """Return the same for a number that may be nobody's: then somebody of no post.

    Who may not do something to people is refused alike, whether there is such a person or not.
    """
    try:
        return person(connection, officer_id, level)
    except ServiceError:
        return Person(officer_id, "", level)


def require_founding(connection: Connection) -> None:
    """Let an act without an author pass. Raises ServiceError FOUNDING_OVER."""
    if founded(connection):
        raise ServiceError("FOUNDING_OVER")


def founded(connection: Connection) -> bool:
    """Say whether those without whom no act is possible have all been appointed."""
    held = tables.function_held
    named = select(func.count(held.c.role.distinct())).where(held.c.role.in_(FOUNDERS))
    return connection.scalar(named) == len(FOUNDERS)
