"""Checkpoints (c2sp.org/tlog-checkpoint@v1.0.0) and their cosignatures (tlog-cosignature@v1.0.1).

    origin newline size newline base64(root) newline [extension lines]

A cosignature says: of this log I have seen no larger consistent tree at this time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keys.canonical import bytes_from_text, text_from_bytes
from keys.log.errors import (
    LogForked,
    LogKeyEnded,
    LogOfAnother,
    LogRolledBack,
    NoteMalformed,
    NoteNotSigned,
)
from keys.log.notes import (
    ED25519,
    MLDSA44_COSIGNATURE,
    Ed25519Signer,
    MlDsa44Signer,
    Note,
    NoteSignature,
    VerifierKey,
    verify_note,
    verify_raw,
)
from keys.merkle import HASH_SIZE, ProofInvalid, verify_consistency

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_TIME_BYTES: Final = 8
_TIME_MAX: Final = 2**63 - 1
_LABEL: Final = b"subtree/v1\n\0"
_LINES: Final = 3


@dataclass(frozen=True)
class Checkpoint:
    """A log's head: so many entries under this root.

    Attributes:
        origin: the log's name.
        size: number of entries.
        root: RFC 6962 root over them, 32 bytes.
        extensions: further lines; none in our logs, kept in others'.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def encode(self) -> str:
        """The note text."""
        lines = (self.origin, str(self.size), text_from_bytes(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Reads a note text.

        Raises:
            NoteMalformed: it is no checkpoint.
        """
        origin, *rest = text.split("\n")
        if len(rest) < _LINES or rest[-1] or not origin or "" in rest[:-1]:
            raise NoteMalformed("a checkpoint is an origin, a size and a root, a line each")
        size, root, *extensions = rest[:-1]
        if not _SIZE.fullmatch(size):
            raise NoteMalformed("a checkpoint's size is not a number")
        try:
            data = bytes_from_text(root)
        except ValueError as error:
            raise NoteMalformed("a checkpoint's root is not base64") from error
        if len(data) != HASH_SIZE:
            raise NoteMalformed("a checkpoint's root is not 32 bytes")
        return cls(origin, int(size), data, tuple(extensions))


@dataclass(frozen=True)
class NoteKeys:
    """The key that signs a log's checkpoints, and those that did before it.

    Attributes:
        current: serves now.
        ended: those before it, each with the last checkpoint that it signed; None for one that
            signed none of any log.
    """

    current: VerifierKey
    ended: tuple[tuple[VerifierKey, Checkpoint | None], ...] = ()

    @property
    def every(self) -> tuple[VerifierKey, ...]:
        """All of them, the present one first."""
        return (self.current, *(key for key, _ in self.ended))

    def signer(self, note: Note) -> VerifierKey:
        """Gives the key whose signature stands under a note, not verified.

        Raises:
            NoteNotSigned: none of them.
        """
        for key in self.every:
            if note.of(key) is not None:
                return key
        raise NoteNotSigned(f"{self.current.name} has not signed the note")

    def read(self, note: Note) -> Checkpoint:
        """Reads a checkpoint that one of them signed while it served; see `read_checkpoint`."""
        key = self.signer(note)
        checkpoint = read_checkpoint(note, key)
        if key != self.current:
            require_within(checkpoint, dict(self.ended)[key])
        return checkpoint


def require_within(checkpoint: Checkpoint, last: Checkpoint | None) -> None:
    """Demands that a checkpoint is not beyond the last one that its key signed.

    Raises:
        LogKeyEnded: it is, or is of another log.
        LogForked: it is another one of that very size.
    """
    if last is None or last.origin != checkpoint.origin or last.size < checkpoint.size:
        raise LogKeyEnded(f"the key had ended before {checkpoint.size} entries")
    if last.size == checkpoint.size and last.root != checkpoint.root:
        raise LogForked(f"another root at {last.size} entries, where the key ended")


def read_checkpoint(note: Note, key: VerifierKey | NoteKeys) -> Checkpoint:
    """Reads a checkpoint that its log has signed.

    The order: 1. the signature of `key`; 2. the form; 3. the origin is the key's name; 4. a key
    that ended served still.

    Raises:
        NoteNotSigned: 1 fails.
        NoteMalformed: 2 fails.
        LogOfAnother: 3 fails.
        LogKeyEnded, LogForked: 4 fails.
    """
    if isinstance(key, NoteKeys):
        return key.read(note)
    verify_note(note, key)
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != key.name:
        raise LogOfAnother(f"a checkpoint of {checkpoint.origin}, not of {key.name}")
    return checkpoint


def read_head(note: Note, key: VerifierKey, cosigner: VerifierKey) -> Checkpoint:
    """Reads a checkpoint that its log has signed with both its keys.

    Args:
        note: a signed checkpoint.
        key: verifies the log's note signature.
        cosigner: verifies the log's own ML-DSA-44 cosignature.

    Raises:
        NoteNotSigned: one of the two signatures is not there or does not hold.
        NoteMalformed, LogOfAnother: as `read_checkpoint`.
    """
    checkpoint = read_checkpoint(note, key)
    if read_cosignature(note, cosigner) is None:
        raise NoteNotSigned(f"{cosigner.name} has not cosigned the note")
    return checkpoint


def own_note(note: Note) -> Note:
    """The note with the log's own signatures alone: what a manifest or a receipt carries."""
    name = Checkpoint.parse(note.text).origin
    return Note(note.text, tuple(one for one in note.signatures if one.name == name))


def require_continuation(before: Checkpoint, after: Checkpoint, path: Sequence[bytes]) -> None:
    """Demands that `after` is the same log as `before`, grown or unchanged.

    Raises:
        LogOfAnother: another origin.
        LogRolledBack: fewer entries.
        LogForked: the entries that `before` counts are not the first ones of `after`.
    """
    if before.origin != after.origin:
        raise LogOfAnother(f"a checkpoint of {after.origin}, not of {before.origin}")
    if after.size < before.size:
        raise LogRolledBack(f"{after.size} entries where {before.size} were seen")
    try:
        verify_consistency(before.size, before.root, after.size, after.root, path)
    except ProofInvalid as error:
        raise LogForked(
            f"the log of {after.size} does not continue that of {before.size}: {error}"
        ) from error


def cosign(
    checkpoint: Checkpoint, signer: Ed25519Signer | MlDsa44Signer, time: int
) -> NoteSignature:
    """Cosigns a checkpoint, whose consistency the caller has checked.

    Args:
        checkpoint: what was seen.
        signer: the cosigner's key, of a cosignature algorithm.
        time: seconds since 1970.

    Raises:
        ValueError: a note key, or no such time.
    """
    if signer.verifier.algorithm == ED25519:
        raise ValueError("a note key does not cosign")
    if not 0 <= time <= _TIME_MAX:
        raise ValueError("no such time")
    key = signer.verifier
    signature = signer.sign_raw(_cosigned(key, checkpoint, time))
    return NoteSignature(key.name, key.key_id, time.to_bytes(_TIME_BYTES, "big") + signature)


def read_cosignature(note: Note, key: VerifierKey) -> int | None:
    """Gives the time at which `key` cosigned the checkpoint of a note, None if it did not.

    Raises:
        NoteMalformed: the note is no checkpoint, or the signature has no time.
        NoteNotSigned: a signature names the key and does not hold.
    """
    checkpoint = Checkpoint.parse(note.text)
    found = note.of(key)
    if found is None or key.algorithm == ED25519:
        return None
    time = int.from_bytes(found.signature[:_TIME_BYTES], "big")
    if time > _TIME_MAX:
        raise NoteMalformed("a cosignature's time is out of range")
    verify_raw(key, found.signature[_TIME_BYTES:], _cosigned(key, checkpoint, time))
    return time


def _cosigned(key: VerifierKey, checkpoint: Checkpoint, time: int) -> bytes:
    if key.algorithm == MLDSA44_COSIGNATURE:
        origin, name = checkpoint.origin.encode(), key.name.encode()
        return b"".join(
            (
                _LABEL,
                bytes([len(name)]) + name,
                time.to_bytes(_TIME_BYTES, "big"),
                bytes([len(origin)]) + origin,
                (0).to_bytes(8, "big"),
                checkpoint.size.to_bytes(8, "big"),
                checkpoint.root,
            )
        )
    return f"cosignature/v1\ntime {time}\n{checkpoint.encode()}".encode()
