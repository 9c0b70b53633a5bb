"""The questions that auditors ask by name (article 12), beyond entries of one kind.

Who acted after leaving, who held what on a day, whether the log has holes or its clock went back,
and by whose signatures an act was done.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Table, func, or_, select

from cipher_service import clock
from cipher_service.audit.ledger import size_and_origin
from cipher_service.directory.officers import in_force, lender_holds
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.access import emergency, site_access
from cipher_service.storage.tables.acts import act_execution, act_signature, shared_act
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.tables.officers import (
    function_held,
    habilitation,
    mandate,
    need_to_know,
    officer,
)
from keys import canonical

Line = dict[str, Any]
_BOOKS: Final[dict[str, tuple[Table, str, str]]] = {
    "function": (function_held, "officer", "role"),
    "habilitation": (habilitation, "officer", "level"),
    "need": (need_to_know, "officer", "object"),
    "mandate": (mandate, "holder", "role"),
    "site": (site_access, "officer", "place"),
}
# Whose signature made what was asked for a right.
_GIVEN_BY: Final = {"mandate": "signer", "site": "grantor"}
_MOST: Final = 1000

_SEQ: Final = audit_entry.c.seq
_IN_TIME: Final = (audit_entry.c.time_us, _SEQ)
# Three looks: of several aggregates in one, each entry would be read.
_EXTENT: Final = select(
    select(func.count()).select_from(audit_entry).scalar_subquery(),
    select(func.min(_SEQ)).scalar_subquery(),
    select(func.max(_SEQ)).scalar_subquery(),
)
_PLACES: Final = select(_SEQ, func.row_number().over(order_by=_IN_TIME).label("place")).subquery()
_OUT_OF_PLACE: Final = select(_PLACES.c.seq).where(_PLACES.c.place != _PLACES.c.seq + 1).limit(1)
# In the order of time, an entry that stands before its predecessor was dated earlier than it.
_STEPS: Final = select(_SEQ, func.lag(_SEQ).over(order_by=_IN_TIME).label("before")).subquery()
_WENT_BACK: Final = (
    select(_STEPS.c.seq).where(_STEPS.c.before > _STEPS.c.seq).order_by(_STEPS.c.seq)
)


def grants_on(connection: Connection, day: datetime) -> list[Line]:
    """Say who held which right at an instant: functions, habilitations, needs, mandates, sites.

    A right that was only asked for was never held; one that was taken back was held until then.
    """
    at = clock.text(day)
    lines: list[Line] = []
    for kind, (book, holder, name) in _BOOKS.items():
        columns = book.c
        query = select(columns[holder], columns[name], columns.starts, columns.ends).where(
            *in_force(book, day)
        )
        if kind in _GIVEN_BY:
            standing = or_(columns.state.in_(("active", "granted")), columns.state_at > at)
            query = query.where(columns[_GIVEN_BY[kind]].is_not(None), standing)
        if kind == "mandate":
            query = query.where(lender_holds(day))
        lines += [
            {"officer": held[0], "kind": kind, "right": held[1], "from": held[2], "until": held[3]}
            for held in connection.execute(query.order_by(columns[holder], columns[name]))
        ]
    return lines


def after_leaving(connection: Connection) -> list[Line]:
    """Return what persons who had left did afterwards, or tried: there must be nothing."""
    left = connection.execute(
        select(officer.c.officer_id, officer.c.state_at).where(officer.c.state == "left")
    ).all()
    lines: list[Line] = []
    for person, at in left:
        limit_us = int(clock.parse(at).timestamp() + 1) * 1_000_000
        rows = connection.execute(
            select(audit_entry.c.seq, audit_entry.c.record)
            .where(audit_entry.c.actor == person, audit_entry.c.time_us > limit_us)
            .order_by(audit_entry.c.seq)
            .limit(_MOST)
        )
        lines += [{"left": at, **canonical.decode(bytes(row.record))} for row in rows]
    return lines


def holes(connection: Connection) -> list[Line]:
    """Return where the log's numbering breaks or its clock goes back."""
    size, _ = size_and_origin(connection)
    count, first, last = connection.execute(_EXTENT).one()
    lines: list[Line] = []
    if size and (count, first, last) != (size, 0, size - 1):
        lines.append({"defect": "numbering", "entries": count, "expected": size})
    # When each entry is as far in the order of time as in the log, the clock never went back. To
    # count places takes half of what it takes to compare neighbours.
    if connection.scalar(_OUT_OF_PLACE) is None:
        return lines
    lines += [
        {"defect": "clock", "entry": int(seq)}
        for seq in connection.scalars(_WENT_BACK.limit(_MOST))
    ]
    return lines


def emergencies(connection: Connection) -> list[Line]:
    """Return every break-glass act with its review, the newest first."""
    columns = emergency.c
    rows = connection.execute(select(emergency).order_by(columns.seq.desc()).limit(_MOST))
    return [dict(row) for row in rows.mappings()]


def approvals(connection: Connection, act_id: str) -> list[Line]:
    """Return the chain of an act of several persons: proposed, signed by whom, refused or done.

    Raises:
        ServiceError: NOT_FOUND: no such act.
    """
    act = connection.execute(select(shared_act).where(shared_act.c.act_id == act_id)).one_or_none()
    if act is None:
        raise ServiceError("NOT_FOUND")
    lines: list[Line] = [
        {"step": "proposed", "act": act.kind, "resource": act.resource, "at": act.proposed_at}
    ]
    signed = connection.execute(
        select(act_signature).where(act_signature.c.act == act_id).order_by("signed_at", "officer")
    )
    lines += [{"step": "signed", "officer": row.officer, "at": row.signed_at} for row in signed]
    if act.refused_by is not None:
        lines.append({"step": "refused", "officer": act.refused_by, "reason": act.refusal})
    done = connection.execute(
        select(act_execution).where(act_execution.c.act == act_id)
    ).one_or_none()
    if done is not None:
        lines.append({"step": "done", "officer": done.executed_by, "at": done.executed_at})
    return lines
