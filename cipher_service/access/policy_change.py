"""To change the policies by the security keys of two (article 12): proposed, signed, in force.

    desk = PolicyChange(gate, proofs)
    desk.acts()["policy_propose"](connection, officer, {...})     # {"ticket"}: go and sign
    desk.executor()                                               # adopts the set if proved

The act carries the whole text, its digest and that of the set which it replaces: what is signed is
what comes into force, and over nothing else. The process that adopts it proves it again itself, so
that nobody has to believe the page that showed the proof: before the transaction of the signature
(`proven`), since other officers' acts wait for that one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access import adoption
from cipher_service.access.acts import Gate, require
from cipher_service.access.deployed import deployed
from cipher_service.access.policies import Policies
from cipher_service.access.proven import KIND, PROBLEM_MOST, Proofs, adoptions, read
from cipher_service.access.subjects import Book, Circumstances
from cipher_service.errors import ServiceError
from cipher_service.identity import approvals, shared_acts
from cipher_service.identity.approvals import Executor
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.references import new_id
from keys.act_rules import RULES
from keys.acts import Act, ActOutdated

if TYPE_CHECKING:
    from cipher_service.access.proof.checking import Finding

_TOP: Final = frozenset({"SECRETARY-GENERAL"})


@dataclass(frozen=True, slots=True)
class Compared:
    """Another set beside the one in force: what it breaks, what it opens, what it closes."""

    policies: Policies
    broken: "list[Finding]"
    opened: "list[Finding]"
    closed: "list[Finding]"


class PolicyChange:
    """The command by which a change is proposed, and what its last signature does.

    Args:
        gate: what decides.
        proofs: this process's.
        now: the clock.
    """

    def __init__(self, gate: Gate, proofs: Proofs, now: Callable[[], datetime] = clock.now) -> None:
        self._gate = gate
        self._proofs = proofs
        self._now = now

    def acts(self) -> dict[str, OfficerAct]:
        """Return the command, to be guarded."""
        return {"policy_propose": self.propose}

    def executor(self) -> Executor:
        """Return what the last signature does."""
        return Executor(lambda connection, _act: adoptions(connection), self._perform)

    def propose(
        self, connection: Connection, officer: str, payload: dict[str, Any]
    ) -> dict[str, str]:
        """Take `{"policies": text, "reason", "back"}`; give `{"ticket"}`.

        Refuses NOT_ALLOWED, POLICIES_UNPARSABLE, POLICIES_SAME, ACT_MALFORMED (too long to sign).
        """
        now = self._now().replace(microsecond=0)
        context = Circumstances(now, approver="-", approver_functions=_TOP)
        require(connection, self._gate, officer, "policy-change", Book("policies"), context)
        policies = read(payload["policies"])
        if policies.digest == self._gate.policies.digest:
            raise ServiceError("POLICIES_SAME", digest=policies.digest)
        act = Act(
            id=new_id(now),
            kind=KIND,
            resource="policies/access",
            version=adoptions(connection),
            rank=0,
            parameters={
                "digest": policies.digest,
                "replaces": self._gate.policies.digest,
                "policies": policies.text,
            },
            proposer=officer,
            subjects=(),
            authors=(),
            reason=payload["reason"].strip(),
            not_before=now,
            expires=now + timedelta(seconds=RULES[KIND].seconds),
        )
        shared_acts.require_signable(connection, act, officer, now, version=act.version)
        return {"ticket": approvals.ask(connection, officer, act.encoded, payload["back"], now)}

    def _perform(
        self, connection: Connection, act: Act, by: str, now: datetime
    ) -> dict[str, Any] | None:
        policies = read(act.parameters["policies"])
        self._proofs.require(policies, act.version)
        if act.parameters["replaces"] != deployed(connection).digest:
            raise ActOutdated("another set is in force than the one that was to be replaced")
        decision = adoption.adopt(connection, self._gate, policies, act.proposer, by, now)
        return None if decision is None else decision.ruling()


@lru_cache(maxsize=4)
def compare(now: str, other: str) -> Compared:
    """Prove another text and hold it against the one in force; it takes seconds, once.

    Raises:
        ServiceError: POLICIES_UNPARSABLE: it cannot be read, or not proved.
    """
    from cipher_service.access.proof import checking, encoding  # noqa: PLC0415 - 27 MB of solver

    old, new = read(now), read(other)
    try:
        opened, closed = checking.new_access(old, new), checking.new_access(new, old)
        return Compared(new, checking.check(new), opened, closed)
    except encoding.Unprovable as error:
        raise ServiceError("POLICIES_UNPARSABLE", problem=str(error)[:PROBLEM_MOST]) from error
