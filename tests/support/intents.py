"""A log of intents as a service keeps it, in memory, and the warrants that come of it."""

import os
from datetime import datetime, timedelta
from typing import Any

from keys import canonical
from keys.custody.grants import Grant, grant_challenge
from keys.custody.intents import Warrant, request_digest
from keys.custody.protocol import Custodian
from keys.log.checkpoints import Checkpoint
from keys.log.leaves import SALT_BYTES, commit
from keys.log.notes import Note
from keys.log.proofs import LogProof
from keys.merkle import consistency_path_of, inclusion_path, leaf_hash, root
from tests.support.authenticator import HONEST, Alterations
from tests.support.officers import PARTY, Ministry, whole_now

ORIGIN = "chiffre.example.cm/audit"


class IntentLog:
    """Entries, and the heads that a custodian signed over them."""

    def __init__(self, custodian: Custodian, origin: str = ORIGIN) -> None:
        self.custodian = custodian
        self.origin = origin
        self.leaves: list[bytes] = []
        self.note = b""

    def sign(self) -> bytes:
        head = self.custodian.log_head().decode()
        before = Checkpoint.parse(head).size if head else 0
        path = consistency_path_of(
            before, len(self.leaves), lambda low, high: root(self.leaves[low:high])
        )
        text = Checkpoint(self.origin, len(self.leaves), root(self.leaves)).encode()
        self.note = self.custodian.sign_checkpoint(text.encode(), b"".join(path), self.note)
        return self.note

    def intend(
        self, act: str, arguments: tuple[bytes, ...], resource: str | None, actor: str, **said: Any
    ) -> tuple[bytes, bytes, int]:
        """An entry for an act; gives its record, its salt and its place."""
        at: datetime = said.pop("at", whole_now())
        members = {
            "v": 1,
            "type": "depeche/v1 audit",
            "seq": len(self.leaves),
            "time_us": int(at.timestamp() * 1_000_000),
            "actor": actor,
            "action": act,
            "outcome": "intended",
            "request": request_digest(act, *arguments),
            **({} if resource is None else {"resource": resource}),
            **said,
        }
        record, salt = canonical.encode(members), os.urandom(SALT_BYTES)
        self.leaves.append(leaf_hash(commit(record, salt)))
        return record, salt, len(self.leaves) - 1

    def proof(self, place: int) -> bytes:
        note = Note.parse(self.note)
        return LogProof(place, inclusion_path(place, self.leaves), note).encode()

    def warrant(
        self,
        act: str,
        arguments: tuple[bytes, ...],
        resource: str | None = None,
        *,
        actor: str = "-",
        grant: bytes = b"",
        **said: Any,
    ) -> bytes:
        """What an honest service shows: the intent logged, its head signed, the proof of both."""
        record, salt, place = self.intend(act, arguments, resource, actor, **said)
        self.sign()
        return Warrant(grant, record, salt, self.proof(place)).encode()


def grant_of(officer: str, purpose: str = "open", **changes: Any) -> Grant:
    """A session up to CONFIDENTIEL, unless other things are said."""
    single = changes.get("dispatch") or changes.get("request")
    values: dict[str, Any] = {
        "officer": officer,
        "purpose": purpose,
        "rank": 2,
        "dispatch": None,
        "request": None,
        "uses": 100,
        "expires": whole_now() + timedelta(seconds=200 if single else 3600),
        **changes,
    }
    return Grant(**values)


def granted(
    ministry: Ministry,
    custodian: Custodian,
    grant: Grant,
    *,
    signer: str | None = None,
    changes: Alterations = HONEST,
) -> bytes:
    """The token of a grant that its officer's security key signed."""
    nonce = custodian.officer_challenge()
    key = ministry.keys[signer or grant.officer][0]
    response = key.get(grant_challenge(nonce, grant.digest), PARTY, changes)
    return custodian.open_grant(grant.encoded, nonce, response)
