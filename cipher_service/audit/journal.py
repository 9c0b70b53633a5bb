"""Acts outside the registrar, each in one transaction with its entry; refusals in one of their own.

    journal = Journal(engine, origin, actor="account/chiffre")
    with journal.act("post_suspend", "PARIS") as connection:
        enrolment.suspend(connection, "PARIS", now)
    with journal.effect("bureau_unseal"):
        custodian.open_sealed(ciphertext)

Only who holds the ministry's data folder can act here; the entry names whoever signed the command
with their security key, and else the account of the operating system. The heads are signed by the
service that runs on the same books.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Engine

from cipher_service import clock
from cipher_service.audit.ledger import append
from cipher_service.audit.records import DONE, FAILED, INTENDED, REFUSED, Event, named_policies
from cipher_service.storage.unit_of_work import unit_of_work

COUNTERSIGNED: Final = "countersigned"
"""The entry of each further person who signed the act whose own entry follows."""


@dataclass
class Found:
    """What an act finds out while it is done, for its entry.

    Attributes:
        resource: what it is about: the number that it gave, where nothing else says it.
        ruling: what the policies decided: `policies`, `digest`, `mandate`.
        signers: who signed it with keys that were verified, whoever's account typed it; the first
            is its actor.
        card: fingerprint of the card that came into force or went.
        statement: digest of what a record of its own states of it.
        ordered_signed: who ordered it and signed the command with a security key.
        ordered_named: who ordered it, by name alone.
    """

    resource: str | None = None
    ruling: Mapping[str, Any] = field(default_factory=dict)
    signers: tuple[str, ...] = ()
    card: str | None = None
    statement: str | None = None
    ordered_signed: str | None = None
    ordered_named: str | None = None


class Journal:
    """Records what one actor does.

    Args:
        engine: the service's database.
        origin: the log's name.
        actor: who acts.
        also: who signed, beside the actor, for all that is done here.
    """

    def __init__(self, engine: Engine, origin: str, actor: str, also: Sequence[str] = ()) -> None:
        self._engine = engine
        self._origin = origin
        self.actor = actor
        self._also = also

    @contextmanager
    def act(
        self, action: str, resource: str | None = None, found: Found | None = None
    ) -> Iterator[Connection]:
        """Give a unit of work whose entry stands in the same commit.

        What raises undoes the act, and is recorded afterwards under its code, or as failed, as done
        by who had signed it until then.

        Args:
            action: name of the act.
            resource: what it is about, when that is known before.
            found: what the act itself finds out; read once it is done.
        """
        found = found or Found()
        with self.told(action, resource, found), unit_of_work(self._engine) as connection:
            yield connection
            about = found.resource or resource
            for signer in (*found.signers[1:], *self._also):
                self._append(connection, COUNTERSIGNED, DONE, about, actor=signer)
            actor = next(iter(found.signers), None)
            self._append(
                connection,
                action,
                DONE,
                about,
                ruling=found.ruling,
                actor=actor,
                found=found,
            )

    @contextmanager
    def effect(
        self, action: str, resource: str | None = None, request: str | None = None
    ) -> Iterator[int]:
        """Surround an effect that leaves the database: a key is used, a plaintext is shown.

        Its intent is committed first; when that cannot be, it raises and nothing takes place. How
        it ended is an entry of its own: an intent without one was cut short.

        Args:
            action: name of the act.
            resource: what it is about, when that is known before.
            request: digest of what the custodian is asked for, when it asks for the intent.

        Yields:
            The place of the intent in the log.
        """
        intent = self._commit(action, INTENDED, resource, request=request)
        with self.told(action, resource):
            yield intent
        self._commit(action, DONE, resource)

    @contextmanager
    def told(
        self, action: str, resource: str | None = None, found: Found | None = None
    ) -> Iterator[None]:
        """Surround what is recorded only when it raises: under its code, or as failed."""
        try:
            yield
        except Exception as error:  # recorded whatever it is, and raised again
            code = getattr(error, "code", None)
            outcome, reason = (REFUSED, code) if isinstance(code, str) else (FAILED, None)
            against = named_policies(getattr(error, "facts", {}))
            self._commit(
                action,
                outcome,
                resource,
                reason,
                ruling={"policies": against},
                actor=next(iter(found.signers), None) if found else None,
            )
            raise

    def _commit(
        self,
        action: str,
        outcome: str,
        resource: str | None,
        reason: str | None = None,
        request: str | None = None,
        ruling: Mapping[str, Any] | None = None,
        actor: str | None = None,
    ) -> int:
        with unit_of_work(self._engine) as connection:
            return self._append(
                connection, action, outcome, resource, reason, request, ruling=ruling, actor=actor
            )

    def _append(
        self,
        connection: Connection,
        action: str,
        outcome: str,
        resource: str | None,
        reason: str | None = None,
        request: str | None = None,
        *,
        ruling: Mapping[str, Any] | None = None,
        actor: str | None = None,
        found: Found | None = None,
    ) -> int:
        ruled, found = ruling or {}, found or Found()
        event = Event(
            time_us=int(clock.now().timestamp() * 1_000_000),
            actor=actor or self.actor,
            action=action,
            outcome=outcome,
            resource=resource,
            reason=reason,
            request=request,
            policies=tuple(ruled.get("policies", ())),
            digest=ruled.get("digest"),
            mandate=ruled.get("mandate") or None,
            card=found.card,
            statement=found.statement,
            ordered_signed=found.ordered_signed,
            ordered_named=found.ordered_named,
        )
        return append(connection, self._origin, [event]) - 1
