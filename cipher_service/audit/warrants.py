"""Asks the custodian as it demands: the intent in the log first, then the act, then its outcome.

    custodian = WarrantedCustodian(inner, engine, origin, actor="account/chiffre", granting=session)
    bureau = HeadquartersBureau(engine, blobs, custodian, "MINREX", journal)

It is a custodian like any other, so that whoever uses the bureau's keys need not know of warrants.
Each act stands in the log under the custodian's own name for it. While no officers are founded the
custodian demands nothing, and nothing is added. The intent is a commit of its own: these acts are
not asked for inside a transaction.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final, Protocol

from sqlalchemy import Engine

from cipher_service.audit.heads import sign_head
from cipher_service.audit.journal import Journal
from cipher_service.audit.ledger import latest_note, record_of, tree
from cipher_service.storage.unit_of_work import reading
from keys.acts import ApproverNotCleared, ApproverNotInForce, ApproverWithoutFunction
from keys.age.header import Header
from keys.custody.acts import ACTS
from keys.custody.errors import (
    GrantMalformed,
    GrantMissing,
    GrantOfAnother,
    GrantTooLow,
    IntentMissing,
    IntentOfAnother,
    IntentOutdated,
    LevelUnknown,
    OfficersNotFounded,
    WarrantMalformed,
)
from keys.custody.grants import BY_TWO, PURPOSES
from keys.custody.intents import Warrant, request_digest
from keys.custody.protocol import Custodian
from keys.custody.remote import AskedCustodian
from keys.log.errors import NoteNotSigned
from keys.log.notes import Note
from keys.log.proofs import LogProof
from keys.manifest import Manifest
from keys.merkle import ProofInvalid, inclusion_path_of
from keys.package import label_id
from keys.service_messages import ServiceMessage
from keys.slips import Slip

_RESOURCES: Final[Mapping[str, Callable[..., str]]] = {
    "sign_manifest": lambda manifest: Manifest.parse(manifest).id,
    "sign_slip": lambda slip: Slip.parse(slip).dispatch_id,
    "sign_service_message": lambda statement: ServiceMessage.parse(statement).id,
    "open_file_key": lambda header, _prefix: label_id(Header.parse(BytesIO(header))),
    "rewrap_header": lambda header, _prefix, _to: label_id(Header.parse(BytesIO(header))),
}


DEMANDS: Final = (
    *(GrantMissing, GrantMalformed, GrantOfAnother, GrantTooLow, LevelUnknown, WarrantMalformed),
    *(IntentMissing, IntentOfAnother, IntentOutdated, OfficersNotFounded, ProofInvalid),
    *(ApproverNotInForce, ApproverNotCleared, ApproverWithoutFunction, NoteNotSigned),
)
"""What the custodian refuses for want of a warrant: no fault of what was to be opened."""


class Granting(Protocol):
    """An officer who stands behind what is asked for."""

    @property
    def officer(self) -> str:
        """Number of the person on the custodian's roll."""
        ...

    def token(self, purpose: str, request: str, dispatch: str | None) -> bytes:
        """Give the token of a grant that covers a request.

        Args:
            purpose: of the grant (`keys.custody.grants`).
            request: hexadecimal digest of the request.
            dispatch: number of the dispatch that it is about, or None.

        Raises:
            Refusal: the officer grants nothing, or the custodian does not take it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Session:
    """An officer with the tokens that their session opened, by purpose."""

    officer: str
    tokens: Mapping[str, bytes] = field(default_factory=dict)

    def token(self, purpose: str, request: str, dispatch: str | None) -> bytes:
        """Give the session's token of a purpose; see `Granting`."""
        del request, dispatch
        try:
            return self.tokens[purpose]
        except KeyError:
            raise GrantMissing(f"the session of {self.officer} is not to {purpose}") from None


class WarrantedCustodian(AskedCustodian):
    """A custodian that is asked with warrants.

    Args:
        custodian: whom it stands before.
        engine: the service's database.
        origin: the log's name.
        actor: under whom acts stand that need no officer.
        granting: the officer at work, or None.
        witness: the other officer, for what two must grant; or None.
    """

    def __init__(
        self,
        custodian: Custodian,
        engine: Engine,
        origin: str,
        actor: str,
        granting: Granting | None = None,
        witness: Granting | None = None,
    ) -> None:
        self._custodian = custodian
        self._engine = engine
        self._origin = origin
        self._actor = actor
        self._granting = granting
        self._witness = witness

    def close(self) -> None:
        """Let go of the custodian's connections."""
        self._custodian.close()

    def _ask(self, act: str, *values: bytes) -> Any:
        ask = getattr(self._custodian, act)
        if "warrant" not in ACTS[act].arguments or not self._custodian.state().founded:
            return ask(*values)
        arguments = values[:-1]
        request = request_digest(act, *arguments)
        resource = _RESOURCES[act](*arguments) if act in _RESOURCES else None
        token, actor = self._granted(act, request, resource)
        second = self._witnessed(act, request) if act in BY_TWO else b""
        with self._intended(act, resource, request, actor) as intent:
            return ask(*arguments, self._warrant(token, second, intent))

    @contextmanager
    def _intended(self, act: str, resource: str | None, request: str, actor: str) -> Iterator[int]:
        """Surround an act with its intent, whose place in the log it gives, and its outcome."""
        journal = Journal(self._engine, self._origin, actor)
        with journal.effect(act, resource, request) as intent:
            yield intent

    def _have_signed(self, _intent: int) -> None:
        """Have a head signed that covers an intent."""
        # Whoever signs the head meanwhile signs ours as well: then there is nothing left to sign.
        sign_head(self._engine, self._custodian)

    def _granted(self, act: str, request: str, resource: str | None) -> tuple[bytes, str]:
        purpose = PURPOSES.get(act)
        if purpose is None:
            return b"", self._actor if self._granting is None else self._granting.officer
        if self._granting is None:
            raise GrantMissing(f"no officer grants {act}")
        return self._granting.token(purpose, request, resource), self._granting.officer

    def _witnessed(self, act: str, request: str) -> bytes:
        if self._witness is None:
            raise GrantMissing(f"a second officer must grant {act}")
        return self._witness.token(PURPOSES[act], request, None)

    def _warrant(self, token: bytes, second: bytes, intent: int) -> bytes:
        self._have_signed(intent)
        with reading(self._engine) as connection:
            size, note = latest_note(connection)
            record, salt = record_of(connection, intent)
            path = inclusion_path_of(intent, size, tree(connection, size).range_root)
        proof = LogProof(intent, path, Note.parse(note)).encode()
        return Warrant(token, record, salt, proof, second).encode()
