"""Proofs of sets of policies, made before the transaction that puts one in force.

    proofs = Proofs()
    proofs.prepare(engine, {"ticket": ...})        # takes seconds; no transaction is open
    proofs.require(policies, version)              # in the transaction: looks it up

A proof belongs to the digest of the set that was proved and to the number of adoptions over which
it is to come into force. It is this process's own word, made by the invariants and the matrix that
it decides by: nothing of it is read from the books.
"""

from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, select

from cipher_service import clock
from cipher_service.access.policies import Policies, PoliciesInvalid, read_policies
from cipher_service.errors import ServiceError
from cipher_service.identity import approvals
from cipher_service.storage.tables.access import policy_set
from cipher_service.storage.unit_of_work import reading
from keys.acts import Act

KIND: Final = "policy.change"
PROBLEM_MOST: Final = 200
_KEPT: Final = 8


class Proofs:
    """What one process has proved.

    Args:
        now: the clock.
    """

    def __init__(self, now: Callable[[], datetime] = clock.now) -> None:
        self._now = now
        self._proving = Lock()  # the solver has one context for all threads
        self._verdicts: dict[tuple[str, int], ServiceError | None] = {}

    def prepare(self, engine: Engine, signing: dict[str, Any]) -> None:
        """Prove the set that a signature may put in force; what is no such signature is left alone.

        Args:
            engine: the service's database.
            signing: payload of `approval_sign`.
        """
        with reading(engine) as connection:
            body = approvals.statement_of(connection, signing["ticket"], self._now())
            version = adoptions(connection)
        act = None if body is None else _policy_change(body)
        if act is None or act.version != version:  # the transaction says why not
            return
        policies = read(act.parameters["policies"])
        key = (policies.digest, version)
        with self._proving:
            if key in self._verdicts:
                return
            verdict = _verdict(policies)
            while len(self._verdicts) >= _KEPT:
                self._verdicts.pop(next(iter(self._verdicts)))
            self._verdicts[key] = verdict

    def require(self, policies: Policies, version: int) -> None:
        """Demand that the set was proved, over this many adoptions, and that all of it holds.

        Raises:
            ServiceError: POLICIES_NOT_PROVED (nothing was proved yet), POLICIES_BROKEN,
                POLICIES_UNPARSABLE.
        """
        try:
            verdict = self._verdicts[policies.digest, version]
        except KeyError:
            raise ServiceError("POLICIES_NOT_PROVED", digest=policies.digest) from None
        if verdict is not None:
            raise ServiceError(verdict.code, **verdict.facts)


def adoptions(connection: Connection) -> int:
    """Count the adoptions: each outdates a proposal of before."""
    return int(connection.scalar(select(func.count()).select_from(policy_set)) or 0)


def read(text: str) -> Policies:
    """Return a set of policies. Raises ServiceError POLICIES_UNPARSABLE."""
    try:
        return read_policies(text)
    except PoliciesInvalid as error:
        problem = error.problems[0][:PROBLEM_MOST]
        raise ServiceError("POLICIES_UNPARSABLE", problem=problem) from error


def _policy_change(body: bytes) -> Act | None:
    if f'"{KIND}"'.encode() not in body:
        return None
    act = Act.parse(body)
    return act if act.kind == KIND else None


def _verdict(policies: Policies) -> ServiceError | None:
    from cipher_service.access.proof import checking, encoding  # noqa: PLC0415 - 27 MB of solver

    try:
        found = checking.check(policies)
    except encoding.Unprovable as error:
        return ServiceError("POLICIES_UNPARSABLE", problem=str(error)[:PROBLEM_MOST])
    return ServiceError("POLICIES_BROKEN", count=len(found)) if found else None
