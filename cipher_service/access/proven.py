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
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, func, select

from cipher_service import clock
from cipher_service.access.comparing import Compared, compare, read
from cipher_service.access.deployed import deployed
from cipher_service.access.policies import Policies
from cipher_service.access.proving import prove
from cipher_service.errors import ServiceError
from cipher_service.identity import approvals
from cipher_service.storage.tables.access import policy_set
from cipher_service.storage.tables.acts import shared_act
from cipher_service.storage.unit_of_work import reading
from keys.acts import Act

KIND: Final = "policy.change"
_KEPT: Final = 8
T = TypeVar("T")


class Proofs:
    """What one process has proved.

    Args:
        now: the clock.
    """

    def __init__(self, now: Callable[[], datetime] = clock.now) -> None:
        self._now = now
        self._proving = Lock()  # who asks for what is being proved waits for it
        self._verdicts: dict[tuple[str, int], ServiceError | None] = {}
        self._compared: dict[tuple[str, int], Compared] = {}

    def prepare(self, engine: Engine, signing: dict[str, Any]) -> None:
        """Prove the set that a signature may put in force, and compare one that it proposes.

        What is no such signature is left alone.

        Raises:
            ServiceError: UNAVAILABLE: a proof was not made in time.

        Args:
            engine: the service's database.
            signing: payload of `approval_sign`.
        """
        with reading(engine) as connection:
            body = approvals.statement_of(connection, signing["ticket"], self._now())
            act = None if body is None else _policy_change(body)
            if act is None:
                return
            version, in_force = adoptions(connection), deployed(connection).text
            same = shared_act.c.act_id == act.id
            proposed = connection.scalar(select(shared_act.c.act_id).where(same)) is not None
        if act.version != version:  # the transaction says why not
            return
        policies = read(act.parameters["policies"])
        key = (policies.digest, version)
        with self._proving:
            if not proposed and key not in self._compared:
                self._compare(key, in_force, policies)
            if key not in self._verdicts:
                _remember(self._verdicts, key, _verdict(policies))

    def compared(self, digest: str, version: int) -> Compared | None:
        """Return what a set would change, if it was compared over this many adoptions."""
        return self._compared.get((digest, version))

    def _compare(self, key: tuple[str, int], in_force: str, policies: Policies) -> None:
        try:
            found = compare(in_force, policies.text)
        except ServiceError as error:
            _remember(self._verdicts, key, _of_the_set(error))
            return
        _remember(self._compared, key, found)
        _remember(self._verdicts, key, _broken(len(found.broken)))

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


def _policy_change(body: bytes) -> Act | None:
    if f'"{KIND}"'.encode() not in body:
        return None
    act = Act.parse(body)
    return act if act.kind == KIND else None


def _verdict(policies: Policies) -> ServiceError | None:
    try:
        return _broken(len(prove(policies.text)["broken"]))
    except ServiceError as error:
        return _of_the_set(error)


def _of_the_set(error: ServiceError) -> ServiceError:
    """Return what a proof said of a set; raise again what only says that it was not made now."""
    if error.code != "POLICIES_UNPARSABLE":
        raise error
    return error


def _broken(count: int) -> ServiceError | None:
    return ServiceError("POLICIES_BROKEN", count=count) if count else None


def _remember(book: dict[tuple[str, int], T], key: tuple[str, int], value: T) -> None:
    while len(book) >= _KEPT:
        book.pop(next(iter(book)))
    book[key] = value
