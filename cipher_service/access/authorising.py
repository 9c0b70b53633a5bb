"""Rights given by two persons with their security keys, and taken away by one (article 12).

    desk = Authorising(gate)
    desk.acts()["habilitation_propose"](connection, officer, {...})      # {"ticket"}: go and sign
    desk.executors()                                                     # what the last one does

An habilitation is proposed by the security officer and granted by the Head of the Cell, the
Secretary-General or the Minister, as its level demands; a function is confided by the security
officer with the Secretary-General, who also end a person's freeze together; a need to know is given
by an authority, from CONFIDENTIEL up by two. The act carries the exact window and the state of the
person's book: once that book has moved, the act is worthless. The policies decide when it is
proposed and again, with all who signed, when it is done. To take a right away one person suffices,
at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Table, select

from cipher_service import clock
from cipher_service.access import mandates, registers
from cipher_service.access.acts import Gate, anybody, circumstances, person, require
from cipher_service.access.decisions import decide
from cipher_service.access.principals import rank
from cipher_service.access.subjects import NOBODY, Circumstances, Dispatch
from cipher_service.directory import authorisations, officers
from cipher_service.directory.authorisations import Clearance, checked_marking
from cipher_service.directory.officers import Window, end_windows
from cipher_service.errors import ServiceError
from cipher_service.identity import approvals, shared_acts
from cipher_service.identity.approvals import Executor
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.references import new_id
from cipher_service.storage.tables import directory
from cipher_service.storage.tables import officers as tables
from keys.act_rules import RULES
from keys.acts import Act
from keys.canonical import encode

HABILITATION: Final = "habilitation.grant"
FUNCTION: Final = "function.assign"
NEED: Final = "need.grant"
RESUMPTION: Final = "officer.resume"

_VERSION_BYTES: Final = 6
_TOP: Final = frozenset({"SECRETARY-GENERAL"})

Payload = dict[str, Any]
Ruling = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Right:
    """How a kind of right is proposed, decided and written down.

    Attributes:
        book: where it is written.
        read: what a payload asks for: the act's parameters and its rank.
        may_propose: refuses a proposer whom the policies do not let.
        may_do: refuses what the policies do not let all who signed do together.
        write: writes it down; told who completed it, nobody in a trial.
    """

    book: Table
    read: Callable[[Connection, Gate, Payload, datetime], tuple[Payload, int]]
    may_propose: Callable[[Connection, Gate, Act, datetime], None]
    may_do: Callable[[Connection, Gate, Act, str, datetime], Ruling]
    write: Callable[[Connection, Act, str | None, datetime], object]


class Authorising:
    """The acts by which officers give and take rights in the console.

    Args:
        gate: what decides.
        now: the clock.
    """

    def __init__(self, gate: Gate, now: Callable[[], datetime] = clock.now) -> None:
        self._gate = gate
        self._now = now

    def acts(self) -> dict[str, OfficerAct]:
        """Return the commands, to be guarded; each method says what it takes and gives."""
        return {
            "habilitation_propose": partial(self.propose, HABILITATION),
            "function_propose": partial(self.propose, FUNCTION),
            "need_propose": partial(self.propose, NEED),
            "officer_resume_propose": partial(self.propose, RESUMPTION),
            "habilitation_withdraw": self.withdraw,
            "function_end": self.end_function,
            "need_end": self.end_need,
            "officer_suspend": self.suspend,
        }

    def executors(self) -> dict[str, Executor]:
        """Return what the last signature has done, by kind of act."""
        return {kind: Executor(_version, self._perform) for kind in _RIGHTS}

    def propose(
        self, kind: str, connection: Connection, officer: str, payload: Payload
    ) -> dict[str, str]:
        """Take `{"officer", "starts", "ends", "reason", "back"}` and the right; give `{"ticket"}`.

        The right: `{"level", "caveats", "trained_until", "act"}`, `{"role", "act"}`,
        `{"kind", "matter"}`, or nothing, to end a freeze. Instants are texts; an empty start is
        now, an empty end is none.
        Everything is tried and undone before anybody signs, so that it is refused here as it would
        be at the end. Refuses NOT_ALLOWED, NOT_FOUND, and as `directory` and `shared_acts`.
        """
        right, now = _RIGHTS[kind], self._now().replace(microsecond=0)
        subject = payload["officer"]
        window = _window(payload, now)
        parameters, level = right.read(connection, self._gate, payload, now)
        act = Act(
            id=new_id(now),
            kind=kind,
            resource=f"officer/{subject}",
            version=0,
            rank=level,
            parameters={**parameters, **window.columns()},
            proposer=officer,
            subjects=(subject,),
            authors=(),
            reason=payload["reason"].strip(),
            not_before=now,
            expires=now + timedelta(seconds=RULES[kind].seconds),
        )
        right.may_propose(connection, self._gate, act, now)
        officers.not_left(connection, subject)
        act = replace(act, version=_state_of(connection, right.book, subject))
        shared_acts.require_signable(connection, act, officer, now, version=act.version)
        trial = connection.begin_nested()
        try:
            right.write(connection, act, None, now)
        finally:
            trial.rollback()
        return {"ticket": approvals.ask(connection, officer, act.encoded, payload["back"], now)}

    def withdraw(self, connection: Connection, officer: str, payload: Payload) -> Payload:
        """Take `{"officer"}`; end the habilitation. Refuses NOT_ALLOWED, NOT_HABILITATED."""
        ruled = self._may_revoke(connection, officer, payload["officer"])
        authorisations.withdraw_habilitation(connection, payload["officer"], self._now())
        return ruled

    def end_function(self, connection: Connection, officer: str, payload: Payload) -> Payload:
        """Take `{"officer", "role"}`; end the function and the mandates on it.

        Refuses NOT_ALLOWED, NOT_HELD.
        """
        ruled = self._may_revoke(connection, officer, payload["officer"])
        subject, role, now = payload["officer"], payload["role"], self._now()
        officers.end_function(connection, subject, role, now)
        mandates.end_lent(connection, subject, role, officer, now)
        return ruled

    def end_need(self, connection: Connection, officer: str, payload: Payload) -> Payload:
        """Take `{"officer", "matter"}`; end the need to know. Refuses NOT_ALLOWED, NOT_FOUND."""
        ruled = self._may_revoke(connection, officer, payload["officer"])
        book = tables.need_to_know
        mine = (book.c.officer == payload["officer"], book.c.object == payload["matter"])
        if end_windows(connection, book, self._now(), *mine) == 0:
            raise ServiceError("NOT_FOUND")
        return ruled

    def suspend(self, connection: Connection, officer: str, payload: Payload) -> Payload:
        """Take `{"officer"}`; freeze a person. Refuses NOT_ALLOWED, OFFICER_LEFT."""
        ruled = self._may_revoke(connection, officer, payload["officer"])
        officers.set_state(connection, payload["officer"], "suspended", self._now())
        return ruled

    def _perform(self, connection: Connection, act: Act, by: str, now: datetime) -> Ruling:
        right = _RIGHTS[act.kind]
        ruled = right.may_do(connection, self._gate, act, by, now)
        right.write(connection, act, by, now)
        return ruled

    def _may_revoke(self, connection: Connection, officer: str, subject: str) -> Payload:
        now = self._now()
        about = anybody(connection, subject)
        decision = require(connection, self._gate, officer, "revoke", about, Circumstances(now))
        officers.read(connection, subject)
        return {} if decision is None else {"decision": decision.ruling()}


def matter_of(connection: Connection, kind: str, matter: str) -> Dispatch:
    """Return what a need to know is about, as decisions see it.

    Raises:
        ServiceError: NOT_FOUND (no such dispatch), UNKNOWN_POST, UNKNOWN_KIND.
    """
    if kind == "dispatch":
        return registers.subject(connection, matter)
    if kind == "post":
        post = directory.post
        if connection.scalar(select(post.c.code).where(post.c.code == matter)) is None:
            raise ServiceError("UNKNOWN_POST", post=matter)
        return Dispatch("", 0, origin=matter)
    if kind == "file":
        return Dispatch("", 0, file=matter)
    raise ServiceError("UNKNOWN_KIND", kind=kind)


# -- each right ------------------------------------------------------------------------------------


def _read_habilitation(
    _connection: Connection, gate: Gate, payload: Payload, _now: datetime
) -> tuple[Payload, int]:
    level, caveats = checked_marking(gate.scheme, payload["level"], payload["caveats"])
    parameters = {
        "level": level,
        "caveats": list(caveats),
        "trained_until": clock.text(_instant(payload["trained_until"])),
        "act": payload["act"].strip(),
    }
    return parameters, rank(gate.scheme, level)


def _may_propose_habilitation(connection: Connection, gate: Gate, act: Act, now: datetime) -> None:
    about = anybody(connection, act.subjects[0], act.rank)
    require(connection, gate, act.proposer, "habilitation-propose", about, Circumstances(now))


def _may_habilitate(connection: Connection, gate: Gate, act: Act, by: str, now: datetime) -> Ruling:
    about = person(connection, act.subjects[0], act.rank)
    by_whom = act.proposer
    context = circumstances(
        connection, gate, now, approver=by_whom, proposer=by_whom, level=act.rank
    )
    return _ruled(require(connection, gate, by, "habilitation-grant", about, context))


def _habilitate(connection: Connection, act: Act, by: str | None, now: datetime) -> object:
    given = act.parameters
    return authorisations.habilitate(
        connection,
        act.subjects[0],
        Clearance(
            given["level"],
            tuple(given["caveats"]),
            _from_now(given, now),
            clock.parse(given["trained_until"]),
        ),
        act=given["act"],
        proposer=act.proposer,
        grantor=by,
        now=now,
    )


def _read_function(
    _connection: Connection, _gate: Gate, payload: Payload, _now: datetime
) -> tuple[Payload, int]:
    return {"role": payload["role"], "act": payload["act"].strip()}, 0


def _may_propose_function(connection: Connection, gate: Gate, act: Act, now: datetime) -> None:
    about = anybody(connection, act.subjects[0])
    context = Circumstances(now, approver="-", approver_functions=_TOP)
    require(connection, gate, act.proposer, "role-assign", about, context)


def _may_assign(connection: Connection, gate: Gate, act: Act, by: str, now: datetime) -> Ruling:
    about = person(connection, act.subjects[0])
    context = circumstances(connection, gate, now, approver=by, level=act.rank)
    return _ruled(require(connection, gate, act.proposer, "role-assign", about, context))


def _assign(connection: Connection, act: Act, by: str | None, now: datetime) -> object:
    given = act.parameters
    return officers.assign(
        connection,
        act.subjects[0],
        given["role"],
        _from_now(given, now),
        act=given["act"],
        by=by,
    )


def _read_need(
    connection: Connection, gate: Gate, payload: Payload, now: datetime
) -> tuple[Payload, int]:
    kind, matter = payload["kind"], payload["matter"].strip()
    thing = matter_of(connection, kind, matter)
    if kind == "dispatch":
        level = thing.level
    else:
        # It opens whatever the person is cleared for.
        level = max(_clearance(connection, gate, payload["officer"], now), 0)
    return {"kind": kind, "matter": matter}, level


def _clearance(connection: Connection, gate: Gate, subject: str, now: datetime) -> int:
    """Return a person's clearance; of nobody, none: whoever may propose is told so afterwards."""
    try:
        return gate.principals.of(connection, subject, now).clearance
    except ServiceError:
        return NOBODY


def _may_propose_need(connection: Connection, gate: Gate, act: Act, now: datetime) -> None:
    _may_let_know(connection, gate, act, act.proposer, now)


def _may_let_know(connection: Connection, gate: Gate, act: Act, by: str, now: datetime) -> Ruling:
    thing = matter_of(connection, act.parameters["kind"], act.parameters["matter"])
    ruled: Ruling = {}
    for signer in dict.fromkeys((act.proposer, by)):
        asked = gate.principals.of(connection, signer, now)
        seen = decide(gate.policies, asked, "list", thing, Circumstances(now))
        if thing.identifier and not seen.allowed:
            raise ServiceError("NOT_FOUND")
        ruled = _ruled(require(connection, gate, signer, "grant-need", thing, Circumstances(now)))
    return ruled


def _let_know(connection: Connection, act: Act, _by: str | None, now: datetime) -> object:
    given = act.parameters
    return authorisations.grant_need(
        connection,
        act.subjects[0],
        given["kind"],
        given["matter"],
        _from_now(given, now),
        reason=act.reason,
        by=act.proposer,
    )


def _read_resumption(
    _connection: Connection, _gate: Gate, _payload: Payload, _now: datetime
) -> tuple[Payload, int]:
    return {}, 0


def _resume(connection: Connection, act: Act, _by: str | None, now: datetime) -> None:
    state = officers.read(connection, act.subjects[0]).state
    if state == "active":
        raise ServiceError("OFFICER_NOT_SUSPENDED", officer=act.subjects[0])
    officers.set_state(connection, act.subjects[0], "active", now)


_RIGHTS: Final = {
    HABILITATION: _Right(
        tables.habilitation,
        _read_habilitation,
        _may_propose_habilitation,
        _may_habilitate,
        _habilitate,
    ),
    FUNCTION: _Right(
        tables.function_held, _read_function, _may_propose_function, _may_assign, _assign
    ),
    NEED: _Right(tables.need_to_know, _read_need, _may_propose_need, _may_let_know, _let_know),
    # What comes alive again with the person are the functions.
    RESUMPTION: _Right(
        tables.function_held, _read_resumption, _may_propose_function, _may_assign, _resume
    ),
}


# -- what they share -------------------------------------------------------------------------------


def _version(connection: Connection, act: Act) -> int:
    return _state_of(connection, _RIGHTS[act.kind].book, act.subjects[0])


def _state_of(connection: Connection, book: Table, officer: str) -> int:
    """Name the state of a person's book: another one after every act on it, not by time alone."""
    known, person_of = officers.read(connection, officer), tables.officer
    frozen_at = connection.scalar(
        select(person_of.c.state_at).where(person_of.c.officer_id == officer)
    )
    rows = connection.execute(select(book).where(book.c.officer == officer).order_by(book.c.seq))
    written = encode(
        [known.state, str(frozen_at), known.identity.post, [[*map(str, row)] for row in rows]],
    )
    return int.from_bytes(sha256(written).digest()[:_VERSION_BYTES])


def _window(payload: Payload, now: datetime) -> Window:
    starts, ends = payload["starts"], payload["ends"]
    return Window(_instant(starts) if starts else now, _instant(ends) if ends else None)


def _instant(written: str) -> datetime:
    try:
        return clock.parse(written)
    except ValueError as error:
        raise ServiceError("DAY_MALFORMED", given=written[:20]) from error


def _from_now(given: Any, now: datetime) -> Window:
    """Return the window of an act; what was signed late did not hold before."""
    ends = given["ends"]
    return Window(
        max(clock.parse(given["starts"]), now), None if ends is None else clock.parse(ends)
    )


def _ruled(decision: Any) -> Ruling:
    return {} if decision is None else decision.ruling()
