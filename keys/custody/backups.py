"""The key of backups: public where they are made, split among holders where they are opened.

    made = make_backup_key(threshold, holders)            # once; the shares go to their holders
    stream = seal_to(made.key, sink); stream.write(...); stream.finish()      # every night
    source = open_with(made.key, shares, file)            # after a loss, m of n together

A backup is a binary age file to one hybrid recipient. Whoever takes it, or the machine that made
it, learns nothing; the machine itself cannot open it either.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from keys import canonical
from keys.age import hybrid
from keys.age.files import open_age
from keys.age.header import seal_header
from keys.age.hybrid import HybridKey
from keys.age.stream import SealingStream
from keys.custody.shares import HOLDERS_MAX, SharesMixed, combine, split
from keys.records import CODE, FINGERPRINT, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keys.age.stream import OpeningStream
    from keys.custody.shares import Holder, Share

PURPOSE: Final = "BACKUP"

_TYPE: Final = "depeche/v1 backup-key"
_FILE_KEY_BYTES: Final = 16
_RECIPIENT_BYTES: Final = 1216


@dataclass(frozen=True)
class BackupKey:
    """What is needed to make backups; public.

    Attributes:
        recipient: 1,216 raw bytes.
        set: of its shares, 16 bytes.
        fingerprint: of set and key, as each share carries it.
        threshold: how many holders open.
        holders: their names.
    """

    recipient: bytes
    set: bytes
    fingerprint: str
    threshold: int
    holders: tuple[str, ...]

    @classmethod
    def parse(cls, data: bytes) -> BackupKey:
        """Reads what `to_bytes` wrote.

        Raises:
            ValueError: it is something else.
        """
        record = Record(canonical.decode(data), "backup key")
        record.constant("v", 1)
        record.constant("type", _TYPE)
        key = cls(
            recipient=record.octets("recipient", _RECIPIENT_BYTES),
            set=record.octets("set", 16),
            fingerprint=record.text("fingerprint", FINGERPRINT),
            threshold=record.integer("threshold", least=2),
            holders=record.texts("holders", CODE, most=HOLDERS_MAX),
        )
        record.close()
        return key

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical.encode(
            {
                "v": 1,
                "type": _TYPE,
                "recipient": canonical.text_from_bytes(self.recipient),
                "set": canonical.text_from_bytes(self.set),
                "fingerprint": self.fingerprint,
                "threshold": self.threshold,
                "holders": list(self.holders),
            }
        )


@dataclass(frozen=True)
class MadeBackupKey:
    """A new key: the public side, and an age file for each holder in their order."""

    key: BackupKey
    sealed: tuple[bytes, ...]


def make_backup_key(threshold: int, holders: Sequence[Holder]) -> MadeBackupKey:
    """Makes a key and splits it; nobody keeps it whole.

    Raises:
        ValueError: as `keys.custody.shares.split`.
    """
    seed = secrets.token_bytes(hybrid.SEED_SIZE)
    made = split(seed, PURPOSE, threshold, holders)
    names = tuple(holder.name for holder in holders)
    recipient = HybridKey(seed).recipient
    key = BackupKey(recipient, made.set, made.fingerprint, threshold, names)
    return MadeBackupKey(key, made.sealed)


def seal_to(key: BackupKey, sink: BinaryIO) -> SealingStream:
    """Writes the header of a backup; what is written to the stream follows it.

    The caller calls `finish`, then makes the file durable.

    Raises:
        OSError: from the sink.
    """
    file_key = secrets.token_bytes(_FILE_KEY_BYTES)
    sink.write(seal_header([hybrid.wrap(file_key, key.recipient)], file_key))
    return SealingStream(file_key, sink)


def opening_key(shares: Sequence[Share]) -> HybridKey:
    """Combines enough of the holders' shares into what opens all that was sealed to their key.

    Args:
        shares: opened, of one set.

    Raises:
        SharesMixed: of another purpose or of several sets.
        SharesTooFew, ShareTwice, SharesWrong: as `keys.custody.shares.combine`.
    """
    if any(share.purpose != PURPOSE for share in shares):
        raise SharesMixed("a share is not one of a backup key")
    return HybridKey(combine(shares))


def open_with(shares: Sequence[Share], source: BinaryIO) -> OpeningStream:
    """Opens a backup by enough of its holders' shares.

    Args:
        shares: opened, of one set.
        source: buffered, at the first byte of the backup.

    Raises:
        SharesMixed, SharesTooFew, ShareTwice, SharesWrong: as `opening_key`.
        NotAge, HeaderMalformed, HeaderTampered: the file is no backup, or damaged.
    """
    return open_age(source, [opening_key(shares)])  # type: ignore[arg-type]  # BinaryIO
