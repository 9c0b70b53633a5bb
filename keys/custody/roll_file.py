"""The roll of officers on the disk: sealed by the credential, exchanged in one step, one at a time.

`officers.age` is an age file under the store's credential, so that nobody without it can write a
roll. Who can write the file can still put an older one back: the fingerprint of the roll, compared
by telephone after each act, shows that.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from keys.age.files import decrypt_with_passphrase, encrypt_with_passphrase
from keys.custody.errors import StoreInvalid
from keys.custody.files import flush_folder, read_private, write_new
from keys.custody.roll import Roll
from keys.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROLL_FILE: Final = "officers.age"
# The credential is random, so stretching it buys nothing: the least that age tools write.
LOG_N: Final = 10

_LOCK_FILE: Final = "officers.lock"
_MAKING: Final = ".officers.age-making"
_BYTES_MAX: Final = 16 * 1024 * 1024


class RollFile:
    """The one file of a store's roll.

    Args:
        store: the custodian's folder, private to this user.
        credential: what seals it.
    """

    def __init__(self, store: Path, credential: bytes) -> None:
        self._store = store
        self._credential = credential
        self._kept: tuple[tuple[int, int, int], Roll] | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps every other thread and process out while the roll is read and exchanged."""
        descriptor = os.open(
            self._store / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def read(self) -> Roll | None:
        """Gives the roll; None before its founding ceremony began.

        Raises:
            StoreUnsafe: the file is not private to this user.
            StoreInvalid: it is malformed or sealed by another credential.
            OSError: it cannot be read.
        """
        path = self._store / ROLL_FILE
        try:
            status = path.lstat()
            edition = (status.st_ino, status.st_mtime_ns, status.st_size)
            kept = self._kept
            if kept is not None and kept[0] == edition:
                return kept[1]
            sealed = read_private(path, most=_BYTES_MAX)
        except FileNotFoundError:
            return None
        try:
            roll = Roll.parse(decrypt_with_passphrase(sealed, self._credential))
        except (Refusal, ValueError) as error:
            raise StoreInvalid(f"the roll of officers does not open: {error}") from error
        # Exchanged between the two looks, it would be kept under another edition: read again then.
        self._kept = (edition, roll)
        return roll

    def write(self, roll: Roll) -> None:
        """Exchanges the roll, durably and in one step.

        Raises:
            ValueError: its readers would refuse it.
            OSError: the disk refuses; the old roll stands.
        """
        making = self._store / _MAKING
        making.unlink(missing_ok=True)
        write_new(making, encrypt_with_passphrase(roll.encode(), self._credential, LOG_N))
        making.replace(self._store / ROLL_FILE)
        flush_folder(self._store)
