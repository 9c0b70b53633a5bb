"""A proof that stands alone (c2sp.org/tlog-proof@v1): an entry, its path, the signed head."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keys.canonical import bytes_from_text, text_from_bytes
from keys.log.checkpoints import Checkpoint, NoteKeys, read_checkpoint
from keys.log.errors import NoteMalformed
from keys.log.notes import NOTE_BYTES_MAX, Note
from keys.merkle import HASH_SIZE, leaf_hash, verify_inclusion

if TYPE_CHECKING:
    from keys.log.notes import VerifierKey

_FIRST: Final = "c2sp.org/tlog-proof@v1"
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")
_PATH_MAX: Final = 63


@dataclass(frozen=True)
class LogProof:
    """That an entry is in a log.

    Attributes:
        index: of the entry, from 0.
        path: its inclusion path, the leaf's sibling first.
        note: the signed checkpoint.
        extra: whatever the maker adds; nothing authenticates it.
    """

    index: int
    path: tuple[bytes, ...]
    note: Note
    extra: bytes | None = None

    def encode(self) -> bytes:
        """The bytes of a `.tlog-proof` file."""
        extra = [] if self.extra is None else [f"extra {text_from_bytes(self.extra)}"]
        hashes = [text_from_bytes(sibling) for sibling in self.path]
        head = "\n".join((_FIRST, *extra, f"index {self.index}", *hashes, "", ""))
        return head.encode() + self.note.encode()

    @classmethod
    def parse(cls, data: bytes) -> LogProof:
        """Reads a `.tlog-proof` file.

        Raises:
            NoteMalformed: another form.
        """
        head, gap, note = data[:NOTE_BYTES_MAX].partition(b"\n\n")
        try:
            first, *lines = head.decode().split("\n")
            extra = bytes_from_text(lines.pop(0)[6:]) if lines[0].startswith("extra ") else None
            index = _INDEX.fullmatch(lines.pop(0))
            path = tuple(bytes_from_text(line) for line in lines)
        except (ValueError, IndexError) as error:
            raise NoteMalformed("not a proof of a log") from error
        sound = all(len(sibling) == HASH_SIZE for sibling in path) and len(path) <= _PATH_MAX
        if first != _FIRST or not gap or index is None or not sound:
            raise NoteMalformed("not a proof of a log")
        return cls(int(index[1]), path, Note.parse(note), extra)

    def verify(self, entry: bytes, key: VerifierKey | NoteKeys) -> Checkpoint:
        """Demands that `entry` is in the log of `key`; gives the checkpoint that says so.

        Raises:
            NoteNotSigned, NoteMalformed, LogOfAnother, LogKeyEnded: `read_checkpoint`.
            ProofInvalid: it is not there.
        """
        checkpoint = read_checkpoint(self.note, key)
        verify_inclusion(leaf_hash(entry), self.index, checkpoint.size, self.path, checkpoint.root)
        return checkpoint
