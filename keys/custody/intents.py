"""The entry in the log that must stand before the custodian does an act with the bureau's keys.

    digest = request_digest("open_file_key", header, prefix)
    warrant = Warrant(token, record, salt, proof).encode()
    custodian.open_file_key(header, prefix, warrant)

The custodian believes nothing of this: the record must be what the log's entry commits to, the
entry must stand under a head that it signed itself, and the record must name this very act, these
very bytes, this dispatch and this officer, at most five minutes ago. Whoever robs the service can
therefore have nothing opened or signed that the auditors will not find.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.custody.errors import (
    IntentMissing,
    IntentOfAnother,
    IntentOutdated,
    WarrantMalformed,
)
from keys.log.leaves import SALT_BYTES, commit
from keys.log.proofs import LogProof
from keys.records import Record

if TYPE_CHECKING:
    from keys.log.succession import LogLine

INTENT_TIME: Final = timedelta(seconds=300)
TOKEN_BYTES: Final = 32

_REQUEST: Final = b"depeche/v1 request\0"
_AUDIT: Final = "depeche/v1 audit"
_INTENDED: Final = "intended"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MEMBERS: Final = ("grant", "record", "salt", "proof", "second")
_BYTES_MAX: Final = 128 * 1024


@dataclass(frozen=True)
class Warrant:
    """What comes with a request: the grant's token, and the proof that the intent was logged.

    Attributes:
        grant: 32 bytes, or empty for an act that needs no officer.
        record: of the intent, canonical JSON; empty where there is none.
        salt: of its entry, 32 bytes; empty likewise.
        proof: a `LogProof` of the entry; empty likewise.
        second: of another officer's grant, for an act that two must grant; empty for the others.
    """

    grant: bytes = b""
    record: bytes = b""
    salt: bytes = b""
    proof: bytes = b""
    second: bytes = b""

    def encode(self) -> bytes:
        """Canonical JSON of the five, in base64."""
        return canonical.encode(
            {name: canonical.text_from_bytes(value) for name, value in vars(self).items()}
        )

    @classmethod
    def parse(cls, data: bytes) -> Warrant:
        """Reads what `encode` wrote; of no bytes at all, a warrant of nothing.

        Raises:
            WarrantMalformed: it is something else.
        """
        if not data:
            return cls()
        if len(data) > _BYTES_MAX:
            raise WarrantMalformed(f"a warrant has at most {_BYTES_MAX} bytes")
        try:
            record = Record(canonical.decode(data), "warrant")
            warrant = cls(*(_octets(record, name) for name in _MEMBERS))
            record.close()
        except ValueError as error:
            raise WarrantMalformed(str(error)) from error
        if {len(warrant.grant), len(warrant.second)} - {0, TOKEN_BYTES}:
            raise WarrantMalformed(f"a grant's token has {TOKEN_BYTES} bytes")
        return warrant


@dataclass(frozen=True)
class Expected:
    """What an intent must say.

    Attributes:
        act: name of the custodian's act.
        request: hexadecimal `request_digest`.
        resource: what it is about, or None.
        actor: number of the officer; None for an act that needs none.
    """

    act: str
    request: str
    resource: str | None
    actor: str | None


def request_digest(act: str, *arguments: bytes) -> str:
    """Gives the digest that names one request (TRANSPORT.md §7): 64 hexadecimal digits."""
    hashes = b"".join(sha256(argument).digest() for argument in arguments)
    return sha256(_REQUEST + act.encode() + b"\0" + hashes).hexdigest()


def require_intent(
    warrant: Warrant, expected: Expected, line: LogLine, origin: str, now: datetime
) -> None:
    """Demands that the intent of an act stands in the log, in this order.

    Args:
        warrant: what came with the request.
        expected: what the intent must say.
        line: the keys that sign the log's heads; both of a pair must have signed.
        origin: the log's name.
        now: UTC.

    Raises:
        IntentMissing: no intent was shown.
        WarrantMalformed: record or salt are not ones.
        NoteMalformed, NoteNotSigned, LogOfAnother, LogKeyEnded: the head is not one that these
            keys signed while they served.
        ProofInvalid: the entry is not under it.
        IntentOfAnother: it is the intent of another act, request, resource or person.
        IntentOutdated: it was logged more than five minutes ago, or is dated ahead.
    """
    if not warrant.proof:
        raise IntentMissing("the intent must be in the log before")
    if len(warrant.salt) != SALT_BYTES:
        raise WarrantMalformed(f"a salt has {SALT_BYTES} bytes")
    proof = LogProof.parse(warrant.proof)
    proof.verify(commit(warrant.record, warrant.salt), line.notes(origin))
    line.read_head(proof.note, origin)
    members = _members(warrant.record)
    said = tuple(members.get(name) for name in ("type", "outcome", "action", "request", "resource"))
    if said != (_AUDIT, _INTENDED, expected.act, expected.request, expected.resource):
        raise IntentOfAnother("the logged intent is of another act")
    if expected.actor is not None and members.get("actor") != expected.actor:
        raise IntentOfAnother("the logged intent is of another person")
    at = members.get("time_us")
    if not isinstance(at, int) or abs(_EPOCH + timedelta(microseconds=at) - now) > INTENT_TIME:
        raise IntentOutdated("the intent was not logged just now")


def _members(record: bytes) -> dict[str, Any]:
    try:
        value = canonical.decode(record)
    except ValueError as error:
        raise WarrantMalformed(f"the record of the intent: {error}") from error
    if not isinstance(value, dict):
        raise WarrantMalformed("the record of the intent is not an object")
    return value


def _octets(record: Record, member: str) -> bytes:
    return canonical.bytes_from_text(record.any_text(member))
