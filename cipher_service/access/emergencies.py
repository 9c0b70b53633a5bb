"""Emergencies: two named acts that need not wait, each reviewed by another person in 24 hours.

An emergency opens one dispatch or releases one, for an hour; it never exceeds level, caveats or
habilitation, since the lattice forbids whatever is permitted. One that nobody reviewed in time
freezes who declared it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from cipher_service import clock
from cipher_service.access.acts import Gate, anybody, circumstances, require
from cipher_service.access.subjects import Circumstances, Dispatch
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.storage.tables.access import emergency

LASTS = timedelta(minutes=60)
REVIEW = timedelta(hours=24)
ACTIONS = ("read", "release")
FINDINGS = ("justified", "unjustified")


def acts(gate: Gate, now: Callable[[], datetime] = clock.now) -> dict[str, OfficerAct]:
    """Return the command by which an officer reviews in the console, to be guarded."""

    def reviewed(connection: Connection, officer: str, payload: dict[str, Any]) -> dict[str, str]:
        """Take `{"number", "finding"}`; give `{"act"}`. Refuses as `review`."""
        review(connection, gate, payload["number"], officer, payload["finding"], now())
        return {"act": f"emergency/{payload['number']}"}

    return {"emergency_review": reviewed}


def declare(
    connection: Connection,
    gate: Gate,
    by: str,
    action: str,
    dispatch: Dispatch,
    reason: str,
    now: datetime,
    *,
    opened: bool = False,
) -> int:
    """Declare an emergency; returns its number. It lasts an hour and is for this dispatch only.

    Raises:
        ServiceError: UNKNOWN_KIND (no such act), REASON_MISSING, NOT_ALLOWED.
    """
    if action not in ACTIONS:
        raise ServiceError("UNKNOWN_KIND", kind=action)
    if not reason.strip():
        raise ServiceError("REASON_MISSING")
    officers.not_left(connection, by)
    context = Circumstances(now, break_glass=True, opened=opened)
    require(connection, gate, by, action, dispatch, context)
    values = {
        "officer": by,
        "action": action,
        "object": dispatch.identifier,
        "reason": reason.strip(),
        "declared_at": clock.text(now),
        "ends": clock.text(now + LASTS),
        "review_by": clock.text(now + REVIEW),
    }
    seq = connection.scalar(emergency.insert().values(**values).returning(emergency.c.seq))
    return int(seq or 0)


def under_emergency(
    connection: Connection, officer_id: str, action: str, dispatch_id: str, context: Circumstances
) -> Circumstances:
    """Return the circumstances with an emergency of this person in force for this act, if any."""
    stamp = clock.text(context.now)
    mine = select(emergency.c.seq).where(
        emergency.c.officer == officer_id,
        emergency.c.action == action,
        emergency.c.object == dispatch_id,
        emergency.c.declared_at <= stamp,
        emergency.c.ends > stamp,
        emergency.c.finding.is_(None),
    )
    return replace(context, break_glass=bool(connection.execute(mine).first()))


def review(
    connection: Connection, gate: Gate, seq: int, by: str, finding: str, now: datetime
) -> None:
    """Review an emergency; one that was not justified freezes its author.

    Raises:
        ServiceError: NOT_FOUND, UNKNOWN_KIND, REVIEWED_ALREADY, NOT_ALLOWED (not to oneself).
    """
    row = connection.execute(select(emergency).where(emergency.c.seq == seq)).one_or_none()
    about = anybody(connection, "" if row is None else row.officer)
    require(connection, gate, by, "break-glass-review", about, circumstances(connection, gate, now))
    if row is None:
        raise ServiceError("NOT_FOUND")
    if finding not in FINDINGS:
        raise ServiceError("UNKNOWN_KIND", kind=finding)
    if row.finding is not None:
        raise ServiceError("REVIEWED_ALREADY", seq=seq)
    _settle(connection, row, finding, by, now)


def sweep(connection: Connection, now: datetime) -> list[int]:
    """Freeze whoever's emergency nobody reviewed in time; returns their numbers. Repeatable."""
    late = select(emergency).where(
        emergency.c.finding.is_(None), emergency.c.review_by <= clock.text(now)
    )
    rows = list(connection.execute(late.order_by(emergency.c.seq)))
    for row in rows:
        _settle(connection, row, "unreviewed", None, now)
    return [row.seq for row in rows]


def awaiting(connection: Connection, officer: str) -> list[Row[Any]]:
    """Return the emergencies of others that nobody has reviewed, the most pressing first."""
    open_ones = select(emergency).where(
        emergency.c.finding.is_(None), emergency.c.officer != officer
    )
    return list(connection.execute(open_ones.order_by(emergency.c.review_by)))


def everything(connection: Connection) -> list[Row[Any]]:
    """Return the register of emergencies."""
    return list(connection.execute(select(emergency).order_by(emergency.c.seq)))


def _settle(
    connection: Connection, row: Row[Any], finding: str, by: str | None, now: datetime
) -> None:
    connection.execute(
        update(emergency)
        .where(emergency.c.seq == row.seq)
        .values(finding=finding, reviewer=by, reviewed_at=clock.text(now))
    )
    known = officers.read(connection, row.officer)
    if finding != "justified" and known.state == "active":
        officers.set_state(connection, row.officer, "suspended", now)
