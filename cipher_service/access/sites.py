"""Accesses outside the service: cipher room, networks, applications (article 12).

    request -> agree (visa of the security officer) -> grant -> review -> revoke

Doors and applications ask `may_enter`. An access is granted up to the person's habilitation and
ends with it, with its own window, with the person, or at once when it is revoked.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from cipher_service import clock
from cipher_service.access.acts import Gate, circumstances, person, require
from cipher_service.access.principals import rank
from cipher_service.directory import officers
from cipher_service.directory.authorisations import checked_marking
from cipher_service.directory.officers import Window, in_force
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.access import site_access

KINDS = ("room", "network", "application")
NO_ACCESS, NOT_IN_SERVICE = "NO_ACCESS", "OFFICER_NOT_IN_SERVICE"
HABILITATION_SHORT = "HABILITATION_SHORT"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: `kind` is one of `KINDS`, `level` what the place holds."""

    officer: str
    kind: str
    place: str
    level: str
    reason: str
    window: Window


def request(connection: Connection, gate: Gate, wanted: Wanted, by: str, now: datetime) -> int:
    """Ask for an access for somebody else; returns its number.

    Raises:
        ServiceError: UNKNOWN_OFFICER, OFFICER_LEFT, UNKNOWN_KIND, MATTER_MISSING, REASON_MISSING,
            UNKNOWN_LEVEL, WINDOW_OPEN, NOT_ALLOWED.
    """
    officers.not_left(connection, wanted.officer)
    if wanted.kind not in KINDS:
        raise ServiceError("UNKNOWN_KIND", kind=wanted.kind)
    if not wanted.place.strip():
        raise ServiceError("MATTER_MISSING")
    if not wanted.reason.strip():
        raise ServiceError("REASON_MISSING")
    if wanted.window.ends is None:
        raise ServiceError("WINDOW_OPEN")
    level, _none = checked_marking(gate.scheme, wanted.level, ())
    about = person(connection, wanted.officer, rank(gate.scheme, level))
    require(connection, gate, by, "site-propose", about, circumstances(connection, gate, now))
    seq = connection.scalar(
        site_access.insert()
        .values(
            officer=wanted.officer,
            kind=wanted.kind,
            place=wanted.place.strip(),
            level=level,
            reason=wanted.reason.strip(),
            **wanted.window.columns(),
            state="requested",
            state_at=clock.text(now),
            proposer=by,
        )
        .returning(site_access.c.seq)
    )
    return int(seq or 0)


def agree(connection: Connection, gate: Gate, seq: int, by: str, now: datetime) -> None:
    """Give the security officer's visa, before the grant. Raises NOT_FOUND, NOT_ALLOWED."""
    row = _row(connection, seq, "requested")
    about = person(connection, row.officer)
    require(connection, gate, by, "recertify", about, circumstances(connection, gate, now))
    _settle(connection, seq, now, state="agreed", visa=by)


def grant(connection: Connection, gate: Gate, seq: int, by: str, act: str, now: datetime) -> None:
    """Grant what was asked and agreed; three different persons.

    Raises:
        ServiceError: NOT_FOUND, ACT_MISSING, NOT_ALLOWED, NOT_HABILITATED (to that level).
    """
    row = _row(connection, seq, "agreed")
    if not act.strip():
        raise ServiceError("ACT_MISSING")
    level = rank(gate.scheme, row.level)
    if gate.principals.of(connection, row.officer, now).clearance < level:
        raise ServiceError("NOT_HABILITATED", officer=row.officer)
    context = circumstances(connection, gate, now, approver=row.visa, proposer=row.proposer)
    require(connection, gate, by, "site-grant", person(connection, row.officer, level), context)
    _settle(connection, seq, now, state="granted", grantor=by, act=act.strip())


def refuse(connection: Connection, gate: Gate, seq: int, by: str, now: datetime) -> None:
    """Refuse a request or take an access away at once. Raises NOT_FOUND, NOT_ALLOWED."""
    row = _row(connection, seq, "requested", "agreed", "granted")
    about = person(connection, row.officer)
    require(connection, gate, by, "revoke", about, circumstances(connection, gate, now))
    state = "revoked" if row.state == "granted" else "refused"
    _settle(connection, seq, now, state=state)


def may_enter(
    connection: Connection, gate: Gate, officer_id: str, kind: str, place: str, now: datetime
) -> bool:
    """Answer a door or an application: yes or no, nothing else."""
    return denied(connection, gate, officer_id, kind, place, now) is None


def denied(
    connection: Connection, gate: Gate, officer_id: str, kind: str, place: str, now: datetime
) -> str | None:
    """Return why a person may not enter now; None for who may.

    NO_ACCESS (none in force to that place, or no such person), OFFICER_NOT_IN_SERVICE,
    HABILITATION_SHORT (not in force, training lapsed, or below what the place holds).
    """
    held = select(site_access.c.level).where(
        site_access.c.officer == officer_id,
        site_access.c.kind == kind,
        site_access.c.place == place,
        site_access.c.state == "granted",
        *in_force(site_access, now),
    )
    levels = [rank(gate.scheme, level) for level in connection.scalars(held)]
    if not levels:
        return NO_ACCESS
    known = gate.principals.of(connection, officer_id, now)
    stamp = int(now.timestamp())
    valid = known.habilitated_from <= stamp < min(known.habilitated_until, known.trained_until)
    if not known.active:
        return NOT_IN_SERVICE
    return None if valid and min(levels) <= known.clearance else HABILITATION_SHORT


def everything(connection: Connection) -> list[Row[Any]]:
    """Return the register of accesses."""
    return list(connection.execute(select(site_access).order_by(site_access.c.seq)))


def _row(connection: Connection, seq: int, *states: str) -> Row[Any]:
    mine = select(site_access).where(site_access.c.seq == seq, site_access.c.state.in_(states))
    row = connection.execute(mine).one_or_none()
    if row is None:
        raise ServiceError("NOT_FOUND")
    return row


def _settle(connection: Connection, seq: int, now: datetime, **values: str) -> None:
    mine = site_access.c.seq == seq
    connection.execute(update(site_access).where(mine).values(state_at=clock.text(now), **values))
