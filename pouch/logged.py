"""That a seal stands in the ministry's log, told by a sync pack after the seal was printed.

The log's entries are commitments (keys/LOG.md), and a label is printed before its entry has a
signed head above it. So the pack opens the one entry that says nothing but the hash of the seal's
message, with its salt, and gives the path to a root that the pack tells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.log.leaves import SALT_BYTES, commit
from keys.merkle import HASH_SIZE, ProofInvalid, leaf_hash, verify_inclusion

if TYPE_CHECKING:
    from keys.records import Record

ACTION: Final = "pouch_seal_logged"
"""Of the log's entry whose resource is the hash of a seal's message."""
RECORD_BYTES_MAX: Final = 1024
_DEPTH_MAX: Final = 40
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{4,1400}={0,2}")


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry of the log, opened.

    Attributes:
        record: canonical JSON of the entry, at most 1 KiB.
        salt: 32 bytes.
        index: of the entry.
        size: of the tree in which the path leads to the root.
        path: nearest sibling first, 32 bytes each (RFC 6962 §2.1.1), at most 40.
    """

    record: bytes
    salt: bytes
    index: int
    size: int
    path: tuple[bytes, ...]

    def require(self, message: bytes, root: bytes) -> None:
        """Demands that the entry is of this message, and in the tree of this root.

        Raises:
            ProofInvalid: it is another's, or not there.
        """
        if not _names(self.record, sha256(message).hexdigest()):
            raise ProofInvalid("the log's entry is of another seal")
        leaf = leaf_hash(commit(self.record, self.salt))
        verify_inclusion(leaf, self.index, self.size, self.path, root)


def logged_object(logged: Logged) -> dict[str, Any]:
    """Gives it as JSON."""
    return {
        "record": canonical.text_from_bytes(logged.record),
        "salt": canonical.text_from_bytes(logged.salt),
        "index": logged.index,
        "size": logged.size,
        "path": [canonical.text_from_bytes(each) for each in logged.path],
    }


def read_logged(record: Record) -> Logged:
    """Reads what `logged_object` gives; ValueError names what is wrong."""
    logged = Logged(
        record=canonical.bytes_from_text(record.text("record", _BASE64)),
        salt=record.octets("salt", SALT_BYTES),
        index=record.integer("index"),
        size=record.integer("size", least=1),
        path=tuple(_sibling(each) for each in record.items("path", most=_DEPTH_MAX)),
    )
    record.close()
    if len(logged.record) > RECORD_BYTES_MAX or logged.index >= logged.size:
        raise ValueError("no entry of a log is so")
    return logged


def _names(record: bytes, digest: str) -> bool:
    try:
        value = canonical.decode(record)
    except ValueError:
        return False
    told = {"type": "depeche/v1 audit", "action": ACTION, "outcome": "done", "resource": digest}
    return isinstance(value, dict) and told.items() <= value.items()


def _sibling(value: object) -> bytes:
    sibling = canonical.bytes_from_text(value) if isinstance(value, str) else b""
    if len(sibling) != HASH_SIZE:
        raise ValueError("a sibling has 32 bytes")
    return sibling
