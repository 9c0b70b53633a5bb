"""To change the policies by the security keys of two (article 12): proposed, signed, in force.

    desk = PolicyChange(gate, proofs)
    desk.acts()["policy_propose"](connection, officer, {...})     # {"ticket"}: go and sign
    desk.executor()                                               # adopts the set if proved

The act carries the whole text, its digest and that of the set which it replaces: what is signed is
what comes into force, and over nothing else. The process that adopts it proves it again itself, so
that nobody has to believe the page that showed the proof: before the transaction of the signature
(`proven`), since other officers' acts wait for that one. What the set would change is proved before
the proposer's signature and kept beside the act (`comparing`), for those who are to sign after.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access import adoption
from cipher_service.access.acts import Gate, require
from cipher_service.access.comparing import keep, read
from cipher_service.access.deployed import deployed
from cipher_service.access.proven import KIND, Proofs, adoptions
from cipher_service.access.subjects import Book, Circumstances
from cipher_service.errors import ServiceError
from cipher_service.identity import approvals, shared_acts
from cipher_service.identity.approvals import Executor
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.references import new_id
from keys.act_rules import RULES
from keys.acts import Act, ActOutdated

_TOP: Final = frozenset({"SECRETARY-GENERAL"})


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
        """Return what the first signature keeps beside the act, and what the last one does."""
        return Executor(
            lambda connection, _act: adoptions(connection), self._perform, self._proposed
        )

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

    def _proposed(self, connection: Connection, act: Act) -> None:
        compared = self._proofs.compared(act.parameters["digest"], act.version)
        if compared is not None and act.parameters["replaces"] == deployed(connection).digest:
            keep(connection, act, compared)

    def _perform(
        self, connection: Connection, act: Act, by: str, now: datetime
    ) -> dict[str, Any] | None:
        policies = read(act.parameters["policies"])
        self._proofs.require(policies, act.version)
        if act.parameters["replaces"] != deployed(connection).digest:
            raise ActOutdated("another set is in force than the one that was to be replaced")
        decision = adoption.adopt(connection, self._gate, policies, act.proposer, by, now)
        return None if decision is None else decision.ruling()
