"""What a leaf of the audit log is: a commitment that tells nothing without record and salt.

    entry = SHA-256("depeche/v1 audit-leaf" || 0x00 || salt[32] || record)

The salt is fresh for each record, so that not even a guessed record can be confirmed from a tile;
an auditor is given both and recomputes the entry.
"""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest
from typing import Final

from keys.log.errors import LogDamaged

SALT_BYTES: Final = 32

_CONTEXT: Final = b"depeche/v1 audit-leaf\0"


def commit(record: bytes, salt: bytes) -> bytes:
    """Gives the 32-byte entry of a record.

    Raises:
        ValueError: the salt has another length.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError("a salt has 32 bytes")
    return sha256(_CONTEXT + salt + record).digest()


def require_record(entry: bytes, record: bytes, salt: bytes) -> None:
    """Demands that `entry` commits to the record.

    Raises:
        LogDamaged: it does not.
    """
    if len(salt) != SALT_BYTES or not compare_digest(commit(record, salt), entry):
        raise LogDamaged("a record or its salt is not the one that the log commits to")
