"""Delegation of signature and interim (article 8).

« En cas d'absence ou d'empêchement du Secrétaire Général, le Ministre désigne le Directeur le plus
ancien dans le grade le plus élevé »: the candidate is computed, with the evidence; the Minister's
signature makes the mandate, and nothing else does. Naming another person takes a reason. A mandate
lends a function of its delegator: it is written for no day after that function's last, and lends
nothing on one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, or_, select, update

from cipher_service import clock
from cipher_service.access.acts import Gate, anybody, circumstances, require
from cipher_service.access.decisions import Decision
from cipher_service.access.matrix import default_matrix
from cipher_service.audit.ledger import append_beside
from cipher_service.audit.records import DONE, Event
from cipher_service.directory import officers
from cipher_service.directory.authorisations import checked_marking
from cipher_service.directory.officers import OFFICERS, Officer, Window, in_force
from cipher_service.directory.roles import Roles, default_roles
from cipher_service.errors import ServiceError
from cipher_service.storage import counters
from cipher_service.storage.tables import officers as tables
from keys.canonical import encode

_NUMBERS = "mandate_number"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A director as article 8 orders them; `tied` with the next by all three."""

    officer: Officer
    rank: int
    tied: bool

    def evidence(self) -> dict[str, Any]:
        """Return what the order rests on."""
        identity = self.officer.identity
        return {
            "officer": self.officer.officer_id,
            "name": identity.name,
            "grade": identity.grade,
            "grade_since": identity.grade_since.isoformat(),
            "service_since": identity.service_since.isoformat(),
            "tied": self.tied,
        }


@dataclass(frozen=True, slots=True)
class Draft:
    """A mandate as it is proposed.

    Attributes:
        kind: `interim` or `signature`.
        holder: who will act.
        delegator: in whose name.
        role: the delegator's function that is exercised.
        actions: those covered; empty for all.
        level: the highest that it covers.
        window: with an end.
        act: reference of the order.
        reason: why another than the first candidate; empty for the first.
    """

    kind: str
    holder: str
    delegator: str
    role: str
    actions: tuple[str, ...]
    level: str
    window: Window
    act: str
    reason: str = ""


def order(directors: Iterable[Officer], roles: Roles | None = None) -> list[Candidate]:
    """Order directors by grade, then date in grade, then seniority; ties are shown, not broken."""
    grades = (roles or default_roles()).grades

    def key(officer: Officer) -> tuple[int, str, str]:
        identity = officer.identity
        return (
            -grades[identity.grade].rank,
            identity.grade_since.isoformat(),
            identity.service_since.isoformat(),
        )

    ordered = sorted(directors, key=lambda each: (*key(each), each.officer_id))
    keys = [key(each) for each in ordered]
    return [
        Candidate(each, grades[each.identity.grade].rank, tied=keys.count(keys[place]) > 1)
        for place, each in enumerate(ordered)
    ]


def candidates(connection: Connection, gate: Gate, now: datetime) -> list[Candidate]:
    """Return the directors in service, habilitated and not absent, in article 8's order."""
    held, away = tables.function_held, tables.absence
    directors = set(
        connection.scalars(
            select(held.c.officer).where(held.c.role == "DIRECTOR", *in_force(held, now))
        )
    )
    absent = set(connection.scalars(select(away.c.officer).where(*in_force(away, now))))
    able = [
        officers.read(connection, officer)
        for officer in sorted(directors - absent)
        if (found := gate.principals.of(connection, officer, now)).active and found.clearance >= 0
    ]
    return order(able)


def acts_of(role: str) -> list[str]:
    """Return the actions of a function, in the matrix's order; a mandate may name some."""
    return [action for action, row in default_matrix().rows.items() if role in row.cells]


def propose(connection: Connection, gate: Gate, draft: Draft, by: str, now: datetime) -> str:
    """Write a mandate as a draft, with the evidence for its holder; returns its number.

    Raises:
        ServiceError: UNKNOWN_OFFICER, OFFICER_LEFT, WINDOW_OPEN, WINDOW_PAST (it begins before
            today), MANDATE_OVER (its end has come), ACT_MISSING, UNKNOWN_LEVEL, OWN_ACT (holder and
            delegator are one), NOT_HELD and HELD_BY_MANDATE (by the delegator, when the mandate
            takes effect), LENT_TOO_LONG (the delegator's function ends before it),
            ACTIONS_OF_ANOTHER (not the function's), REASON_MISSING (an interim for
            another than the first candidate), DUTIES_SEPARATE, FUNCTION_HELD.
    """
    if draft.holder == draft.delegator:
        raise ServiceError("OWN_ACT", officer=draft.holder)
    _require_parties(connection, draft.holder, draft.delegator)
    if draft.window.ends is None:
        raise ServiceError("WINDOW_OPEN")
    if draft.window.starts.date() < now.date():
        raise ServiceError("WINDOW_PAST", given=clock.text(draft.window.starts)[:10])
    _refuse_over(draft.window.ends, now)
    if not draft.act.strip():
        raise ServiceError("ACT_MISSING")
    level, _none = checked_marking(gate.scheme, draft.level, ())
    _refuse_lent(connection, draft.delegator, draft.role, draft.window, now)
    strange = sorted(set(draft.actions).difference(acts_of(draft.role)))
    if strange:
        raise ServiceError("ACTIONS_OF_ANOTHER", role=draft.role, given=", ".join(strange)[:200])
    found = candidates(connection, gate, now) if draft.kind == "interim" else []
    first = found[0].officer.officer_id if found else None
    if draft.kind == "interim" and draft.holder != first and not draft.reason.strip():
        raise ServiceError("REASON_MISSING")
    officers.refuse_conflict(connection, default_roles(), draft.holder, draft.role, draft.window)
    number = f"M-{counters.advance(connection, _NUMBERS):06}"
    evidence = {"order": [each.evidence() for each in found], "reason": draft.reason.strip()}
    connection.execute(
        tables.mandate.insert().values(
            mandate_id=number,
            kind=draft.kind,
            holder=draft.holder,
            delegator=draft.delegator,
            role=draft.role,
            post=officers.read(connection, draft.delegator).identity.post,
            actions=encode(sorted(set(draft.actions))).decode(),
            level=level,
            **draft.window.columns(),
            act=draft.act.strip(),
            evidence=encode(evidence).decode(),
            state="proposed",
            state_at=clock.text(now),
            proposer=by,
        )
    )
    return number


def signable(
    connection: Connection, gate: Gate, mandate_id: str, by: str, now: datetime
) -> tuple[Row[Any], Decision | None]:
    """Return a draft that a person may sign now, and by which policies.

    Raises:
        ServiceError: NOT_ALLOWED, whether there is such a mandate or not; NOT_FOUND, NOT_PROPOSED,
            MANDATE_OVER (its last day has passed unsigned).
    """
    draft = _held(connection, mandate_id)
    about = anybody(connection, "" if draft is None else draft.holder)
    asked = circumstances(connection, gate, now)
    decision = require(connection, gate, by, "mandate-sign", about, asked)
    if draft is None:
        raise ServiceError("NOT_FOUND")
    if draft.state != "proposed":
        raise ServiceError("NOT_PROPOSED", mandate=mandate_id)
    _refuse_over(clock.parse(draft.ends), now)
    return draft, decision


def sign(
    connection: Connection, gate: Gate, mandate_id: str, by: str, now: datetime
) -> Decision | None:
    """Make a mandate active by the Minister's signature; what changed meanwhile is judged again.

    Raises:
        ServiceError: as `signable`; OFFICER_LEFT, NOT_HELD, HELD_BY_MANDATE and LENT_TOO_LONG (by
            the delegator, who may have lost the function), DUTIES_SEPARATE, FUNCTION_HELD.
    """
    draft, decision = signable(connection, gate, mandate_id, by, now)
    _require_parties(connection, draft.holder, draft.delegator)
    window = Window(clock.parse(draft.starts), clock.parse(draft.ends))
    _refuse_lent(connection, draft.delegator, draft.role, window, now)
    officers.refuse_conflict(connection, default_roles(), draft.holder, draft.role, window)
    _settle(connection, mandate_id, now, state="active", signer=by)
    return decision


def end(connection: Connection, gate: Gate, mandate_id: str, by: str, now: datetime) -> None:
    """End a mandate at once: on the return of whom it stands in for, or for safety.

    Raises:
        ServiceError: NOT_ALLOWED, whether there is such a mandate or not; NOT_FOUND.
    """
    known = _held(connection, mandate_id)
    if known is None or by not in (known.delegator, known.holder):
        about = anybody(connection, "" if known is None else known.holder)
        require(connection, gate, by, "revoke", about, circumstances(connection, gate, now))
    if known is None:
        raise ServiceError("NOT_FOUND")
    _settle(connection, mandate_id, now, state="ended")


def end_lent(
    connection: Connection, delegator: str, role: str, by: str | None, now: datetime
) -> list[str]:
    """End the mandates on a function that their delegator no longer holds; return their numbers.

    Drafts too. A mandate on a later time in which the function is held again stands. For whoever
    took the function away, in the same transaction.
    """
    return [
        _end_beside(connection, each.mandate_id, by, now)
        for each in lent_by(connection, now, delegator)
        if each.role == role
        and not _holds(connection, delegator, role, max(clock.parse(each.starts), now))
    ]


def end_of_person(connection: Connection, officer: str, by: str | None, now: datetime) -> None:
    """End the mandates on either side of a person who leaves or moves."""
    book = tables.mandate.c
    either = or_(book.holder == officer, book.delegator == officer)
    for row in connection.execute(_standing(now).where(either)).all():
        _end_beside(connection, row.mandate_id, by, now)


def awaiting(connection: Connection, now: datetime) -> int:
    """Return how many drafts may still be signed."""
    mine = _standing(now).where(tables.mandate.c.state == "proposed")
    return len(connection.execute(mine).all())


def lent_by(connection: Connection, now: datetime, *delegators: str) -> list[Row[Any]]:
    """Return the mandates and drafts that are not over and lend a function of these persons."""
    mine = tables.mandate.c.delegator.in_(delegators)
    return list(connection.execute(_standing(now).where(mine)))


def find(connection: Connection, mandate_id: str) -> Row[Any]:
    """Return a mandate to look at. Raises ServiceError NOT_FOUND."""
    mine = select(tables.mandate).where(tables.mandate.c.mandate_id == mandate_id)
    row = connection.execute(mine).one_or_none()
    if row is None:
        raise ServiceError("NOT_FOUND")
    return row


def everything(connection: Connection) -> list[Row[Any]]:
    """Return the register of mandates."""
    return list(connection.execute(select(tables.mandate).order_by(tables.mandate.c.mandate_id)))


def _require_parties(connection: Connection, *parties: str) -> None:
    """Demand that both are known and have not left. Raises UNKNOWN_OFFICER, OFFICER_LEFT."""
    for each in parties:
        officers.not_left(connection, each)


def _refuse_over(ends: datetime, now: datetime) -> None:
    """Refuse a window that lies in the past. Raises ServiceError MANDATE_OVER."""
    if ends <= now:
        raise ServiceError("MANDATE_OVER", ends=clock.text(ends))


def _refuse_lent(
    connection: Connection, delegator: str, role: str, window: Window, now: datetime
) -> None:
    """Refuse a function that its delegator does not hold by right as long as the mandate lasts.

    What was received by mandate is not handed on: a narrow mandate would come out wide.

    Raises:
        ServiceError: HELD_BY_MANDATE, NOT_HELD (when it takes effect), LENT_TOO_LONG (the
            delegator's function ends at `ends`; a mandate's `last` day may be the one before).
    """
    begins = max(window.starts, now).replace(microsecond=0)
    lapse = officers.lapse(connection, delegator, role, Window(begins, window.ends))
    if lapse is None:
        return
    if lapse > begins:
        last = (lapse - timedelta(days=1)).date().isoformat()
        facts = {"officer": delegator, "role": role, "ends": clock.text(lapse), "last": last}
        raise ServiceError("LENT_TOO_LONG", **facts)
    lent = role in officers.lent_in(connection, delegator, window)
    raise ServiceError("HELD_BY_MANDATE" if lent else "NOT_HELD", officer=delegator, role=role)


def _holds(connection: Connection, officer: str, role: str, at: datetime) -> bool:
    return role in {each.role for each in officers.functions(connection, officer, at)}


def _standing(now: datetime) -> Select[Any]:
    book = tables.mandate.c
    open_ones = select(tables.mandate).where(book.state != "ended", book.ends > clock.text(now))
    return open_ones.order_by(book.mandate_id)


def _held(connection: Connection, mandate_id: str) -> Row[Any] | None:
    mine = select(tables.mandate).where(tables.mandate.c.mandate_id == mandate_id)
    return connection.execute(mine).one_or_none()


def _end_beside(connection: Connection, mandate_id: str, by: str | None, now: datetime) -> str:
    """End a mandate because of another act, with an entry of its own; return its number."""
    _settle(connection, mandate_id, now, state="ended")
    done = Event(
        time_us=int(now.timestamp() * 1_000_000),
        actor=by or "-",
        action="mandate_end",
        outcome=DONE,
        resource=mandate_id,
    )
    append_beside(connection, done)
    return mandate_id


def _settle(connection: Connection, mandate_id: str, now: datetime, **values: str) -> None:
    mine = tables.mandate.c.mandate_id == mandate_id
    connection.execute(
        update(tables.mandate).where(mine).values(state_at=clock.text(now), **values)
    )
    counters.advance(connection, OFFICERS)
