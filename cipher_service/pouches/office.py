"""What every use case of headquarters' pouch bureau stands on: the books, the keys, who decides."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from sqlalchemy import Connection, Engine

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.access.decisions import decide_many
from cipher_service.access.subjects import Circumstances, Pouch
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.pouches import entitlement, repository
from cipher_service.pouches.desk import Desks
from cipher_service.pouches.repository import Closing
from cipher_service.storage.unit_of_work import reading
from keys.cards import Card
from keys.custody import Custodian
from keys.custody.errors import CustodianUnavailable
from keys.custody.remote import AskedCustodian


class Books(Protocol):
    """Where acts are recorded: a `Journal`, or the registrar's own transaction."""

    def act(self, action: str, resource: str | None = None) -> AbstractContextManager[Connection]:
        """Give a unit of work whose entry stands in the same commit."""
        ...

    def told(self, action: str, resource: str | None = None) -> AbstractContextManager[None]:
        """Surround what is recorded only when it raises."""
        ...

    def effect(self, action: str, resource: str | None = None) -> AbstractContextManager[object]:
        """Surround an effect that leaves the database."""
        ...


@dataclass(frozen=True)
class Office:
    """The pouch bureau of headquarters.

    Attributes:
        engine: the service's database.
        custodian: holds the seal's key and the desks'.
        post: code of headquarters.
        journal: records each act in the commit that does it.
        gate: what decides.
        now: the clock.
    """

    engine: Engine
    custodian: Custodian
    post: str
    journal: Books
    gate: Gate = field(default_factory=Gate)
    now: Callable[[], datetime] = clock.now

    @cached_property
    def desks(self) -> Desks:
        """The two desks."""
        return Desks(self.custodian, self.post)

    @property
    def card(self) -> Card:
        """The bureau's card in force: another one once its keys were rotated."""
        return self.custodian.card()

    @contextmanager
    def act(self, name: str, resource: str | None = None) -> Iterator["Sitting"]:
        """Open the books for one act: all of it is recorded, or nothing but its refusal."""
        with self.journal.act(name, resource) as connection:
            yield Sitting(self, connection, self.now().replace(microsecond=0))

    @contextmanager
    def keys(self, name: str, resource: str | None = None) -> Iterator[Custodian]:
        """Have the custodian use the bureau's keys, its intent committed before.

        Never inside `act`: a custodian with officers wants the proof that the intent is in the log.
        """
        with self.journal.effect(name, resource):
            yield self.custodian

    @contextmanager
    def look(self) -> Iterator["Sitting"]:
        """Open the books to read them."""
        with reading(self.engine) as connection:
            yield Sitting(self, connection, self.now().replace(microsecond=0))

    @contextmanager
    def consider(self, name: str, resource: str | None = None) -> Iterator["Sitting"]:
        """Open the books to see whether an act may be done; only its refusal is recorded."""
        with self.journal.told(name, resource), self.look() as sitting:
            yield sitting


@dataclass(frozen=True)
class Sitting:
    """One act under way: its transaction and its moment."""

    office: Office
    connection: Connection
    now: datetime

    def closing(self, seal: str) -> Closing:
        """Return a closing. Raises ServiceError CLOSING_UNKNOWN."""
        found = repository.closing_of(self.connection, seal)
        if found is None:
            raise ServiceError("CLOSING_UNKNOWN", seal=seal)
        return found

    def bag_of(self, closing: Closing, officer: str, second: str = "") -> Pouch:
        """Return a closing as the policies see it; see `entitlement.bag_of`."""
        scheme = self.office.gate.scheme
        return entitlement.bag_of(self.connection, closing, scheme, officer=officer, second=second)

    def require(
        self,
        officer: str,
        action: str,
        on: Closing | Pouch,
        *,
        second: str | None = None,
        item_level: str | None = None,
    ) -> None:
        """Demand that an officer may do this; see `entitlement.require`."""
        bag = on if isinstance(on, Pouch) else self.bag_of(on, officer, second or "")
        entitlement.require(
            self.connection,
            self.office.gate,
            officer,
            action,
            bag,
            self.now,
            second=second,
            item_level=item_level,
        )

    def require_paired(self, officer: str, action: str, closing: Closing) -> None:
        """Demand that there is somebody with whom an officer may do an act of two.

        Raises:
            ServiceError: UNKNOWN_OFFICER, NOT_ALLOWED: as the policies say of the last asked.
        """
        refused: ServiceError | None = None
        for known in officers.everyone(self.connection):
            if known.state != "active" or known.officer_id == officer:
                continue
            try:
                return self.require(officer, action, closing, second=known.officer_id)
            except ServiceError as error:
                refused = error
        if refused is not None:
            raise refused
        return self.require(officer, action, closing)

    def visible(self, officer: str, closings: Sequence[Closing]) -> list[Closing]:
        """Return the closings that an officer may see, in their order; the others do not exist.

        Raises:
            ServiceError: UNKNOWN_OFFICER.
        """
        gate = self.office.gate
        principal = gate.principals.of(self.connection, officer, self.now)
        answers = decide_many(
            gate.policies,
            principal,
            entitlement.LIST,
            [self.bag_of(closing, officer) for closing in closings],
            Circumstances(self.now),
        )
        return [
            closing for closing, answer in zip(closings, answers, strict=True) if answer.allowed
        ]

    def require_house(
        self, officer: str, action: str, what: str, *, second: str | None = None
    ) -> None:
        """Demand the same for what belongs to no bag yet."""
        self.require(officer, action, entitlement.house(self.office.post, what), second=second)


@dataclass(frozen=True)
class _Within:
    """A transaction in the place of a journal: whoever holds it records what became of it."""

    connection: Connection

    @contextmanager
    def act(self, action: str, resource: str | None = None) -> Iterator[Connection]:
        del action, resource
        yield self.connection

    @contextmanager
    def effect(self, action: str, resource: str | None = None) -> Iterator[None]:
        del action, resource
        yield

    @contextmanager
    def told(self, action: str, resource: str | None = None) -> Iterator[None]:
        del action, resource
        yield


@dataclass(frozen=True)
class _Seated(Office):
    """The bureau inside one transaction; what it looks at is that transaction's moment."""

    @contextmanager
    def look(self) -> Iterator[Sitting]:
        with self.journal.act("look") as connection:
            yield Sitting(self, connection, self.now().replace(microsecond=0))


class WithoutKeys(AskedCustodian):
    """What stands for the custodian where its keys are out of reach, as in a console's process."""

    def close(self) -> None:
        """There is nothing to let go of."""

    def _ask(self, act: str, *_values: bytes) -> Any:
        raise CustodianUnavailable(f"{act} is not asked for from here")


def seated(
    connection: Connection,
    post: str,
    gate: Gate,
    now: Callable[[], datetime],
    custodian: Custodian | None = None,
) -> Office:
    """Return the bureau inside a transaction that somebody else commits.

    Args:
        connection: the transaction, or one moment of the books to read.
        post: code of headquarters.
        gate: what decides.
        now: the clock.
        custodian: None where no keys are used.
    """
    keys = custodian or WithoutKeys()
    return _Seated(connection.engine, keys, post, _Within(connection), gate=gate, now=now)
