"""The record of a rotation: which key took which one's place, as the log itself tells it.

    record = {"entries": [{"proof": tlog-proof, "record": the log's, "salt"}, ...],
              "statement": {"v": 1, "type": "depeche/v1 rotation", "key", "number", "fingerprint",
                            "ends", "at", "previous": {"number", "fingerprint", "before", "after"}}}

The first entry is the rotation's own: it names the key, the new fingerprint and the SHA-256 of the
statement (`statement`), and who ordered it: an officer whose security key signed the command, or a
person who was believed by name; entries of before that was asked do not tell. Those behind it are
of the persons who were present and confirmed that statement, in the same two ways. So a record says
what the log says or is refused, and whoever has the log's verifier key reads it without the service
(LOG.md §13).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.errors import Refusal
from keys.lifecycle import DESTROYED, KEY_NAME, NOT_KEPT, STATE, SUCCEEDED
from keys.log.errors import NoteMalformed
from keys.log.leaves import SALT_BYTES, commit
from keys.log.proofs import LogProof
from keys.records import FINGERPRINT, Record
from keys.statements import encode_statement, parse_statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keys.lifecycle import KeyVersion, Move
    from keys.log.checkpoints import Checkpoint, NoteKeys
    from keys.log.notes import VerifierKey

ROTATION_TYPE: Final = "depeche/v1 rotation"
ROTATED: Final = "key_rotate"
CONFIRMED_SIGNED: Final = "key_confirm_signed"
CONFIRMED_NAMED: Final = "key_confirm_named"
ORDERED_SIGNED: Final = "ordered_signed"
ORDERED_NAMED: Final = "ordered_named"
CONFIRMED_MOST: Final = 16
ROTATION_BYTES_MAX: Final = 256 * 1024

_AUDIT: Final = "depeche/v1 audit"
_DONE: Final = "done"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ACTOR: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,200}")
_LEAST: Final = 2


class RotationRecordMalformed(Refusal):
    """The file is not of the form of a rotation's record."""

    code = "ROTATION_RECORD_MALFORMED"


class KeyNotRotated(Refusal):
    """No rotation put this version of the key in force: it is the first one, or never was."""

    code = "KEY_NOT_ROTATED"


class RotationRecordUntrue(Refusal):
    """The log's entries in the record do not tell what its statement says."""

    code = "ROTATION_RECORD_UNTRUE"


@dataclass(frozen=True)
class Rotation:
    """What the log commits to.

    Attributes:
        key: its name, such as `bureau/MINREX`.
        number: of the version that came into force, from 2.
        fingerprint: of its public side.
        ends: its cryptoperiod, to here.
        at: when it came into force, UTC, whole seconds.
        previous: fingerprint of the version before.
        before: the state that version was in.
        after: the state that the rotation left it in.
    """

    key: str
    number: int
    fingerprint: str
    ends: datetime
    at: datetime
    previous: str
    before: str
    after: str

    @classmethod
    def of(cls, versions: Sequence[KeyVersion], number: int) -> Rotation:
        """What the rotation was that put a version in force, by the states of its key.

        Args:
            versions: of one key, in their order, as a custodian's book has them.
            number: of the version that came into force.

        Raises:
            KeyNotRotated: it is the first one, is not there, or never came into force.
        """
        found = {each.number: each for each in versions}
        made, previous = found.get(number), found.get(number - 1)
        if not (made and previous and made.history and previous.history):
            raise KeyNotRotated(f"no rotation put version {number} in force")
        at = made.history[0].at
        before, after = _passed(previous.history, at)
        return cls(
            key=made.key,
            number=number,
            fingerprint=made.fingerprint,
            ends=made.ends,
            at=at,
            previous=previous.fingerprint,
            before=before,
            after=after,
        )

    @property
    def gone(self) -> bool:
        """Whether the secret half of the version before went with the exchange."""
        return self.after == DESTROYED

    def encode(self) -> bytes:
        """Its canonical bytes.

        Raises:
            RotationRecordMalformed: a field is not as it must be.
        """
        return encode_statement(self, _object, _read, RotationRecordMalformed)

    @property
    def digest(self) -> str:
        """What the log's entry names and everyone compares, hexadecimal SHA-256."""
        return sha256(self.encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """An entry of the log that a record is drawn from.

    Attributes:
        record: its canonical bytes.
        salt: 32 bytes.
        proof: that it is in the log.
    """

    record: bytes
    salt: bytes
    proof: LogProof


@dataclass(frozen=True)
class Told:
    """What an entry tells: who, when, and at which place of the log.

    Attributes:
        actor: the officer, or the account of the machine's that typed it.
        at: UTC.
        place: from 0.
        signed: whether a security key signed it.
    """

    actor: str
    at: datetime
    place: int
    signed: bool


@dataclass(frozen=True)
class Ordered:
    """Who ordered a rotation.

    Attributes:
        by: the officer, or a person's name.
        signed: whether a security key signed the command.
    """

    by: str
    signed: bool


@dataclass(frozen=True)
class RotationRecord:
    """A record, each of whose entries is in the log.

    Attributes:
        rotation: what happened.
        entered: under whose name the log has it.
        ordered: who ordered it; None where the entry does not tell.
        confirmed: who was present and said so, in the log's order.
        head: the head of the log that proves it.
    """

    rotation: Rotation
    entered: Told
    ordered: Ordered | None
    confirmed: tuple[Told, ...]
    head: Checkpoint


def draw_record(rotation: Rotation, entries: Sequence[Entry]) -> bytes:
    """Makes the file; `read_rotation_record` judges it.

    Args:
        rotation: what happened.
        entries: the rotation's own, then those of whoever confirmed it.
    """
    return canonical.encode(
        {
            "entries": [
                {
                    "proof": each.proof.encode().decode(),
                    "record": canonical.decode(each.record),
                    "salt": canonical.text_from_bytes(each.salt),
                }
                for each in entries
            ],
            "statement": canonical.decode(rotation.encode()),
        }
    )


def read_rotation_record(data: bytes, key: VerifierKey | NoteKeys) -> RotationRecord:
    """Reads a record and holds it against the log.

    Args:
        data: the file.
        key: what verifies the log's checkpoints.

    Raises:
        RotationRecordMalformed: not of its form.
        RotationRecordUntrue: an entry tells of something else, or of somebody twice.
        NoteMalformed, NoteNotSigned, LogOfAnother, LogKeyEnded, LogForked, ProofInvalid: an entry
            is not in the log.
    """
    statement, entries = _taken_apart(data)
    rotation = parse_statement(statement, _read, RotationRecordMalformed)
    digest = sha256(statement).hexdigest()
    first, *others = entries
    head = first.proof.verify(commit(first.record, first.salt), key)
    entered = _told(first, rotation, digest)
    confirmed = []
    for each in others:
        each.proof.verify(commit(each.record, each.salt), key)
        confirmed.append(_told(each, rotation, digest, confirms=True))
    places = [each.place for each in (entered, *confirmed)]
    if sorted(set(places)) != places or len({each.actor for each in confirmed}) < len(confirmed):
        raise RotationRecordUntrue("an entry is out of its turn, or of somebody twice")
    return RotationRecord(rotation, entered, _ordered(first), tuple(confirmed), head)


def _told(entry: Entry, rotation: Rotation, digest: str, *, confirms: bool = False) -> Told:
    value: dict[str, Any] = canonical.decode(entry.record)
    said = {
        "v": 1,
        "type": _AUDIT,
        "outcome": _DONE,
        "seq": entry.proof.index,
        "resource": rotation.key,
        "statement": digest,
    }
    if not confirms:
        said |= {"action": ROTATED, "card": rotation.fingerprint}
    if any(value.get(name) != expected for name, expected in said.items()):
        raise RotationRecordUntrue(f"entry {entry.proof.index} tells of something else")
    action = value.get("action")
    if confirms and action not in {CONFIRMED_SIGNED, CONFIRMED_NAMED}:
        raise RotationRecordUntrue(f"entry {entry.proof.index} confirms nothing")
    try:
        record = Record({name: value.get(name) for name in ("actor", "time_us")}, "entry")
        actor = record.text("actor", ACTOR)
        at = _EPOCH + timedelta(microseconds=record.integer("time_us"))
    except ValueError as error:
        raise RotationRecordMalformed(str(error)) from error
    return Told(actor, at, entry.proof.index, action == CONFIRMED_SIGNED)


def _ordered(entry: Entry) -> Ordered | None:
    value: dict[str, Any] = canonical.decode(entry.record)
    told = {name: value[name] for name in (ORDERED_SIGNED, ORDERED_NAMED) if name in value}
    if not told:
        return None
    if len(told) > 1:
        raise RotationRecordUntrue(f"entry {entry.proof.index} tells of two who ordered it")
    [how] = told
    try:
        return Ordered(Record(told, "entry").text(how, ACTOR), signed=how == ORDERED_SIGNED)
    except ValueError as error:
        raise RotationRecordMalformed(str(error)) from error


def _passed(history: tuple[Move, ...], at: datetime) -> tuple[str, str]:
    """Gives a version's state before its successor came into force at `at`, and after."""
    ended = [
        place
        for place, move in enumerate(history)
        if move.reason in {SUCCEEDED, NOT_KEPT} and move.at >= at
    ]
    if not ended:  # suspended or called compromised, and left so
        stood = [history[0], *(move for move in history if move.at <= at)][-1].to
        return stood, stood
    first = ended[0]
    left = [history[place].to for place in ended if history[place].at == history[first].at]
    return history[max(first, 1) - 1].to, left[-1]


def _taken_apart(data: bytes) -> tuple[bytes, list[Entry]]:
    if len(data) > ROTATION_BYTES_MAX:
        raise RotationRecordMalformed(f"a record has at most {ROTATION_BYTES_MAX} bytes")
    try:
        value = canonical.decode(data)
        record = Record(value, "record")
        entries = [
            _read_entry(Record(each, "entry"), each)
            for each in record.items("entries", least=1, most=CONFIRMED_MOST + 1)
        ]
        record.record("statement")
        record.close()
        return canonical.encode(value["statement"]), entries
    except (ValueError, NoteMalformed) as error:
        raise RotationRecordMalformed(str(error)) from error


def _read_entry(record: Record, value: Any) -> Entry:
    proof = LogProof.parse(record.any_text("proof").encode())
    salt = record.octets("salt", SALT_BYTES)
    record.record("record")
    record.close()
    return Entry(canonical.encode(value["record"]), salt, proof)


def _object(rotation: Rotation) -> dict[str, Any]:
    return {
        "v": 1,
        "type": ROTATION_TYPE,
        "key": rotation.key,
        "number": rotation.number,
        "fingerprint": rotation.fingerprint,
        "ends": canonical.text_from_time(rotation.ends),
        "at": canonical.text_from_time(rotation.at),
        "previous": {
            "number": rotation.number - 1,
            "fingerprint": rotation.previous,
            "before": rotation.before,
            "after": rotation.after,
        },
    }


def _read(record: Record) -> Rotation:
    record.constant("v", 1)
    record.constant("type", ROTATION_TYPE)
    number = record.integer("number", least=_LEAST)
    previous = record.record("previous")
    previous.constant("number", number - 1)
    rotation = Rotation(
        key=record.text("key", KEY_NAME),
        number=number,
        fingerprint=record.text("fingerprint", FINGERPRINT),
        ends=record.time("ends"),
        at=record.time("at"),
        previous=previous.text("fingerprint", FINGERPRINT),
        before=previous.text("before", STATE),
        after=previous.text("after", STATE),
    )
    previous.close()
    record.close()
    return rotation
