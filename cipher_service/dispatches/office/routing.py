"""Who processes a dispatch, who was given it, and who has heard its alert (articles 14 and 15).

A clerk sees the items of the clerk's own queue only, so that somebody must put them there: an
authority who may let others know of the dispatch, or the mail service, which routes envelopes and
reads none. Whoever is charged or given a dispatch must be entitled to it themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from cipher_service.access import registers
from cipher_service.access.acts import Gate
from cipher_service.access.decisions import decide
from cipher_service.access.subjects import Circumstances, Dispatch
from cipher_service.dispatches.office import trail
from cipher_service.dispatches.office.entitlement import Ruling, asked, demand
from cipher_service.errors import ServiceError
from cipher_service.storage.statements import insert_or_skip
from cipher_service.storage.tables.access import handling
from keys.canonical import encode


@dataclass(frozen=True, slots=True)
class Handling:
    """What access turns on beside the label: empty texts say nobody, no file, all posts."""

    author: str = ""
    assigned: str = ""
    file: str = ""
    releasable: tuple[str, ...] = ()


def keep_handling(connection: Connection, dispatch_id: str, known: Handling) -> None:
    """Write what access turns on for a dispatch, unless that stands already."""
    connection.execute(
        insert_or_skip(handling, ["dispatch_id"]).values(
            dispatch_id=dispatch_id,
            author=known.author,
            assigned=known.assigned,
            file=known.file,
            releasable=encode(list(known.releasable)).decode(),
        )
    )


def limit(connection: Connection, dispatch_id: str, releasable: Sequence[str]) -> None:
    """Write the posts to which an opened dispatch is limited; what its manifest says."""
    keep_handling(connection, dispatch_id, Handling())
    _write(connection, dispatch_id, releasable=encode(list(releasable)).decode())


def assign(
    connection: Connection, gate: Gate, officer: str, dispatch_id: str, to: str, now: datetime
) -> Ruling:
    """Charge a person with processing a dispatch.

    Raises:
        ServiceError: NOT_FOUND, NOT_ALLOWED, UNKNOWN_OFFICER, RECIPIENT_REFUSED (not entitled to
            it even when it is theirs to process).
    """
    thing = registers.subject(connection, dispatch_id)
    routes = asked(connection, gate, officer, "route", thing, now)
    ruled = (
        routes.ruling()
        if routes.allowed
        else demand(connection, gate, officer, "grant-need", thing, now)
    )
    if not _may_read(connection, gate, to, registers.charged(thing, to), now):
        raise ServiceError("RECIPIENT_REFUSED", officer=to, dispatch_id=dispatch_id)
    keep_handling(connection, dispatch_id, Handling())
    _write(connection, dispatch_id, assigned=to)
    trail.note(connection, dispatch_id, trail.ASSIGNED, officer, now, other=to)
    return ruled


def hand_over(
    connection: Connection, gate: Gate, officer: str, dispatch_id: str, to: str, now: datetime
) -> Ruling:
    """Record that a dispatch, read, was given to a person (« remis à »).

    Raises:
        ServiceError: NOT_FOUND, NOT_ALLOWED, UNKNOWN_OFFICER, OWN_ACT, RECIPIENT_REFUSED.
    """
    thing = registers.subject(connection, dispatch_id)
    ruled = demand(connection, gate, officer, "read", thing, now)
    if to == officer:
        raise ServiceError("OWN_ACT", officer=officer)
    if not _may_read(connection, gate, to, thing, now):
        raise ServiceError("RECIPIENT_REFUSED", officer=to, dispatch_id=dispatch_id)
    trail.note(connection, dispatch_id, trail.HANDED, officer, now, other=to)
    return ruled


def acknowledge(
    connection: Connection, gate: Gate, officer: str, dispatch_id: str, now: datetime
) -> Ruling:
    """Record that an officer has heard of an urgent arrival; repeating it changes nothing.

    Raises:
        ServiceError: NOT_FOUND.
    """
    thing = registers.subject(connection, dispatch_id)
    ruled = demand(connection, gate, officer, "list", thing, now)
    if not trail.done(connection, dispatch_id, trail.ACKNOWLEDGED, officer):
        trail.note(connection, dispatch_id, trail.ACKNOWLEDGED, officer, now)
    return ruled


def assigned_to(connection: Connection, dispatch_id: str) -> str:
    """Return who processes a dispatch; empty for nobody."""
    book = handling
    found = connection.scalar(select(book.c.assigned).where(book.c.dispatch_id == dispatch_id))
    return str(found or "")


def _may_read(
    connection: Connection, gate: Gate, officer: str, thing: Dispatch, now: datetime
) -> bool:
    principal = gate.principals.of(connection, officer, now)
    return decide(gate.policies, principal, "read", thing, Circumstances(now)).allowed


def _write(connection: Connection, dispatch_id: str, **values: str) -> None:
    mine = handling.c.dispatch_id == dispatch_id
    connection.execute(update(handling).where(mine).values(**values))
