"""What the ministry's root says of the log's keys: these follow those, from that checkpoint on.

Whoever believes the root follows by itself. The log's name and its entries go on; the keys before
count for the checkpoints up to the last one that they signed, which the root's word names, and for
none beyond: who stole them can lengthen nothing.

    succession = {"signatures": by the root, context `depeche/v1 log-succession`,
                  "statement": {"v": 1, "type": "depeche/v1 log-succession",
                   "previous": {"ed25519", "mldsa44"}, "next": {"ed25519", "mldsa44"},
                   "last": {"origin", "size", "root"} or null, "root": fingerprint, "at"}}

    line = LogLine.led(believed, files, root)
    head = line.read_head(note, origin)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Self

from keys import canonical
from keys.endorsement import root_fingerprint
from keys.log.checkpoints import Checkpoint, NoteKeys, read_cosignature
from keys.log.errors import NoteNotSigned
from keys.log.notes import ED25519, MLDSA44_COSIGNATURE, VerifierKey
from keys.merkle import HASH_SIZE
from keys.records import FINGERPRINT, Record
from keys.signing import ED25519_PUBLIC_BYTES, LOG_SUCCESSION
from keys.statements import decode_signed, encode_signed, encode_statement, parse_statement
from keys.succession import SuccessionMalformed, SuccessionOfAnother

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from keys.log.notes import Note
    from keys.signing import Signatures, VerifyingKey

MLDSA44_PUBLIC_BYTES: Final = 1312

# As `keys.log.notes` has names: what a checkpoint of ours can say.
_ORIGIN: Final = re.compile(r"[^\s+\x00-\x20\x7f]{1,255}")


@dataclass(frozen=True)
class LogVerifiers:
    """The public sides of the log's two keys: raw Ed25519 and ML-DSA-44."""

    ed25519: bytes
    mldsa44: bytes

    def note_key(self, origin: str) -> VerifierKey:
        """The key that verifies the checkpoints of the log `origin`."""
        return VerifierKey(origin, ED25519, self.ed25519)

    def cosigner_key(self, origin: str) -> VerifierKey:
        """The key that verifies the log's own post-quantum cosignature."""
        return VerifierKey(origin, MLDSA44_COSIGNATURE, self.mldsa44)


@dataclass(frozen=True)
class LogSuccession:
    """The log's keys taking the place of those before.

    Attributes:
        previous: sign nothing after `last`.
        following: sign from then on.
        last: the last checkpoint that `previous` signed; None where they signed none.
        root: `root_fingerprint` of the root that says it.
        at: when, UTC, whole seconds.
    """

    previous: LogVerifiers
    following: LogVerifiers
    last: Checkpoint | None
    root: str
    at: datetime

    def encode(self) -> bytes:
        """The canonical bytes that are signed in context `depeche/v1 log-succession`.

        Raises:
            SuccessionMalformed: a field is not as it must be.
        """
        return encode_statement(self, _object, _read, SuccessionMalformed)

    @classmethod
    def parse(cls, data: bytes) -> LogSuccession:
        """Reads what `encode` gives; SuccessionMalformed for anything else."""
        return parse_statement(data, _read, SuccessionMalformed)


def make_log_succession(succession: LogSuccession, sign: Callable[[bytes], Signatures]) -> bytes:
    """Makes the file of a succession.

    Args:
        succession: what is said.
        sign: both signatures of the root over bytes, context `depeche/v1 log-succession`.
    """
    statement = succession.encode()
    return encode_signed(statement, sign(statement))


def read_log_succession(data: bytes, root: VerifyingKey) -> LogSuccession:
    """Reads a succession and checks that this root says it.

    The order: 1. its form; 2. the root is the one at hand; 3. both signatures.

    Raises:
        SuccessionMalformed, SuccessionOfAnother, SignatureInvalid: as they say.
    """
    statement, signatures = decode_signed(data, "a succession", SuccessionMalformed)
    stated = LogSuccession.parse(statement)
    if stated.root != root_fingerprint(root):
        raise SuccessionOfAnother("the succession is by another root")
    root.verify(LOG_SUCCESSION, statement, signatures)
    return stated


@dataclass(frozen=True)
class LogLine:
    """The log's keys as they served, one pair after the other.

    Attributes:
        current: serve now.
        ended: those before them, the oldest first, each with the last checkpoint that they signed.
    """

    current: LogVerifiers
    ended: tuple[tuple[LogVerifiers, Checkpoint | None], ...] = ()

    @classmethod
    def told(cls, current: LogVerifiers, files: Sequence[bytes]) -> Self:
        """Gives the line as its own custodian, or who followed it before, keeps it.

        Nothing is verified: the files come from where the keys themselves are believed from.

        Args:
            current: serve where there are no files; the last of them says so otherwise, so that
                keys that were asked for just before an exchange do no harm.
            files: the successions, the oldest first.

        Raises:
            SuccessionMalformed: one is not of its form, or they are not one line.
        """
        said = [
            LogSuccession.parse(decode_signed(each, "a", SuccessionMalformed)[0]) for each in files
        ]
        return cls._of(current, said)

    @classmethod
    def led(
        cls,
        believed: Callable[[LogVerifiers], bool],
        files: Sequence[bytes],
        root: VerifyingKey,
    ) -> Self:
        """Gives the line that this root says of keys that are believed, in which they stand.

        Args:
            believed: tells whether keys are those that are believed until now.
            files: as the ministry tells them, the oldest first; at least one.
            root: believed.

        Raises:
            SuccessionMalformed, SuccessionOfAnother, SignatureInvalid: one of them does not hold,
                or the believed keys are not in the line.
        """
        said = [read_log_succession(each, root) for each in files]
        if not any(believed(keys) for each in said for keys in (each.previous, each.following)):
            raise SuccessionOfAnother("the successions are of other keys of a log")
        return cls._of(said[-1].following, said)

    @classmethod
    def _of(cls, current: LogVerifiers, said: Sequence[LogSuccession]) -> Self:
        for before, after in pairwise(said):
            if before.following != after.previous:
                raise SuccessionMalformed("the successions are not one line")
        last = said[-1].following if said else current
        return cls(last, tuple((each.previous, each.last) for each in said))

    def notes(self, origin: str) -> NoteKeys:
        """The keys that verify the checkpoints of the log `origin`."""
        ended = tuple((keys.note_key(origin), last) for keys, last in self.ended)
        return NoteKeys(self.current.note_key(origin), ended)

    def read_head(self, note: Note, origin: str) -> Checkpoint:
        """Reads a checkpoint that the log `origin` signed with both keys of a pair that served.

        Raises:
            NoteNotSigned: one of the two signatures is not there or does not hold.
            NoteMalformed, LogOfAnother, LogKeyEnded, LogForked: as `read_checkpoint`.
        """
        notes = self.notes(origin)
        checkpoint = notes.read(note)
        signer = notes.signer(note)
        every = (self.current, *(keys for keys, _ in self.ended))
        keys = next(each for each in every if each.note_key(origin) == signer)
        if read_cosignature(note, keys.cosigner_key(origin)) is None:
            raise NoteNotSigned(f"{origin} has not cosigned the note")
        return checkpoint


def _object(succession: LogSuccession) -> dict[str, Any]:
    last = succession.last
    return {
        "v": 1,
        "type": LOG_SUCCESSION,
        "previous": _keys_object(succession.previous),
        "next": _keys_object(succession.following),
        "last": None
        if last is None
        else {
            "origin": last.origin,
            "size": last.size,
            "root": canonical.text_from_bytes(last.root),
        },
        "root": succession.root,
        "at": canonical.text_from_time(succession.at),
    }


def _read(record: Record) -> LogSuccession:
    record.constant("v", 1)
    record.constant("type", LOG_SUCCESSION)
    last = record.optional_record("last")
    succession = LogSuccession(
        previous=_read_keys(record.record("previous")),
        following=_read_keys(record.record("next")),
        last=None if last is None else _read_last(last),
        root=record.text("root", FINGERPRINT),
        at=record.time("at"),
    )
    record.close()
    if succession.previous == succession.following:
        raise ValueError("a key does not follow itself")
    return succession


def _read_last(record: Record) -> Checkpoint:
    last = Checkpoint(
        origin=record.text("origin", _ORIGIN),
        size=record.integer("size"),
        root=record.octets("root", HASH_SIZE),
    )
    record.close()
    return last


def _keys_object(keys: LogVerifiers) -> dict[str, str]:
    return {
        "ed25519": canonical.text_from_bytes(keys.ed25519),
        "mldsa44": canonical.text_from_bytes(keys.mldsa44),
    }


def _read_keys(record: Record) -> LogVerifiers:
    keys = LogVerifiers(
        record.octets("ed25519", ED25519_PUBLIC_BYTES),
        record.octets("mldsa44", MLDSA44_PUBLIC_BYTES),
    )
    record.close()
    return keys
