"""To lower a marking: an act of two persons that leaves the original as it is (article 15).

    given = acts["dispatch_declassify"](connection, officer, {...})     # {"ticket"}: go and sign
    executors = {KIND: executor(gate)}                                   # done by the second person

What may be drawn from the dispatch is lowered from then on (`compositions.source_of`); the dispatch
itself keeps its marking for ever, on disk, in the register and in what was signed.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, func, select

from cipher_service import clock
from cipher_service.access import registers
from cipher_service.access.acts import Gate
from cipher_service.access.decisions import Decision, decide
from cipher_service.access.principals import rank
from cipher_service.access.subjects import Circumstances, Dispatch, held_for
from cipher_service.access.writing import Marking, declassify
from cipher_service.directory.authorisations import checked_marking
from cipher_service.dispatches.office.entitlement import demand
from cipher_service.errors import ServiceError
from cipher_service.identity import approvals
from cipher_service.identity.approvals import Executor
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.references import new_id
from cipher_service.storage.tables.compositions import declassification
from keys.act_rules import RULES
from keys.acts import Act
from keys.canonical import encode

KIND: Final = "label.lower"


def acts(gate: Gate, now: Callable[[], datetime] = clock.now) -> dict[str, OfficerAct]:
    """Return the command by which it is proposed, to be guarded."""

    def propose(connection: Connection, officer: str, payload: dict[str, Any]) -> dict[str, str]:
        """Take `{"dispatch_id", "level", "caveats": list, "reason", "back"}`; give `{"ticket"}`.

        Refuses as `prepared`.
        """
        present = now().replace(microsecond=0)
        wanted = (payload["dispatch_id"], payload["level"], payload["caveats"], payload["reason"])
        act = prepared(connection, gate, officer, *wanted, present)
        ticket = approvals.ask(connection, officer, act.encoded, payload["back"], present)
        return {"ticket": ticket}

    return {"dispatch_declassify": propose}


def prepared(
    connection: Connection,
    gate: Gate,
    officer: str,
    dispatch_id: str,
    level: str,
    caveats: Iterable[str],
    reason: str,
    now: datetime,
) -> Act:
    """Return the act that lowers a marking, for an officer and another to sign.

    Raises:
        ServiceError: NOT_FOUND, UNKNOWN_LEVEL, UNKNOWN_CAVEAT, REASON_MISSING, LABEL_RAISED,
            NOT_ALLOWED (nobody could approve it for this officer).
        ActMalformed: the reason is no line.
    """
    thing = registers.subject(connection, dispatch_id)
    demand(connection, gate, officer, "list", thing, now)
    level, kept = checked_marking(gate.scheme, level, caveats)
    original = Marking(_code(gate, thing.level), thing.caveats)
    lowered = Marking(level, frozenset(kept))
    declassify(gate.scheme, thing.identifier, original, lowered, reason)
    highest = frozenset({"MINISTER"})
    _require(connection, gate, officer, thing, lowered, ("-", highest), now)
    return Act(
        id=new_id(now),
        kind=KIND,
        resource=f"dispatch/{thing.identifier}",
        version=_times(connection, thing.identifier),
        rank=thing.level,
        parameters={"level": level, "caveats": list(kept)},
        proposer=officer,
        subjects=(),
        authors=(),
        reason=reason.strip(),
        not_before=now,
        expires=now + timedelta(seconds=RULES[KIND].seconds),
    )


def executor(gate: Gate) -> Executor:
    """Return what does it once both have signed; the policies decide again, with both persons."""

    def perform(connection: Connection, act: Act, by: str, now: datetime) -> dict[str, Any]:
        thing = registers.subject(connection, _named(act))
        caveats = tuple(act.parameters["caveats"])
        lowered = Marking(str(act.parameters["level"]), frozenset(caveats))
        approver = gate.principals.of(connection, by, now)
        other = (by, held_for(approver, thing.level))
        decision = _require(connection, gate, act.proposer, thing, lowered, other, now)
        connection.execute(
            declassification.insert().values(
                act=act.id,
                dispatch_id=thing.identifier,
                level=lowered.level,
                caveats=encode(sorted(caveats)).decode(),
                done_at=clock.text(now),
            )
        )
        return decision.ruling()

    return Executor(lambda connection, act: _times(connection, _named(act)), perform)


def may_propose(gate: Gate, officer: Any, thing: Dispatch, now: datetime) -> bool:
    """Say whether a person could propose to lower this, were the Minister to approve."""
    context = Circumstances(now, approver="-", approver_functions=frozenset({"MINISTER"}))
    return decide(gate.policies, officer, "declassify", thing, context).allowed


def _require(
    connection: Connection,
    gate: Gate,
    proposer: str,
    thing: Dispatch,
    lowered: Marking,
    approver: tuple[str, frozenset[str]],
    now: datetime,
) -> Decision:
    principal = gate.principals.of(connection, proposer, now)
    context = Circumstances(
        now,
        approver=approver[0],
        approver_functions=approver[1],
        new_level=rank(gate.scheme, lowered.level),
        new_caveats=lowered.caveats,
    )
    decision = decide(gate.policies, principal, "declassify", thing, context)
    if not decision.allowed:
        policies = ", ".join(decision.policies) or "-"
        raise ServiceError("NOT_ALLOWED", officer=proposer, action="declassify", policies=policies)
    return decision


def _code(gate: Gate, level: int) -> str:
    return next(each.code for each in gate.scheme.levels if each.rank == level)


def _named(act: Act) -> str:
    return act.resource.partition("/")[2]


def _times(connection: Connection, dispatch_id: str) -> int:
    """Count how often a dispatch was lowered: each time outdates a proposal of before."""
    book = declassification
    mine = select(func.count()).select_from(book).where(book.c.dispatch_id == dispatch_id)
    return int(connection.scalar(mine) or 0)
