"""A file of the custodian that only its credential opens: exchanged in one step, one at a time.

Nobody without the credential can write one. Who can write the folder can still put an older one
back; what is compared by telephone, or stands in the log, shows that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

from keys.age.files import decrypt_with_passphrase, encrypt_with_passphrase
from keys.custody.errors import StoreInvalid
from keys.custody.files import alone, read_private
from keys.custody.place import put
from keys.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

# The credential is random, so stretching it buys nothing: the least that age tools write.
LOG_N: Final = 10

_BYTES_MAX: Final = 16 * 1024 * 1024

Value = TypeVar("Value")


class SealedFile(Generic[Value]):
    """One value in one sealed file.

    Args:
        store: the custodian's folder, private to this user.
        name: of the file, `NAME.age`.
        credential: what seals it.
        encode: gives the value's bytes.
        parse: reads them strictly; ValueError or a Refusal otherwise.
    """

    def __init__(
        self,
        store: Path,
        name: str,
        credential: bytes,
        encode: Callable[[Value], bytes],
        parse: Callable[[bytes], Value],
    ) -> None:
        self._store = store
        self._name = name
        self._credential = credential
        self._encode = encode
        self._parse = parse
        self._kept: tuple[tuple[int, int, int], Value] | None = None

    def held(self) -> AbstractContextManager[None]:
        """Keeps every other thread and process out while the file is read and exchanged."""
        return alone(self._store / f"{self._name.removesuffix('.age')}.lock")

    def read(self) -> Value | None:
        """Gives the value; None while there is no file.

        Raises:
            StoreUnsafe: the file is not private to this user.
            StoreInvalid: it is malformed or sealed by another credential.
            OSError: it cannot be read.
        """
        path = self._store / self._name
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
            value = self._parse(decrypt_with_passphrase(sealed, self._credential))
        except (Refusal, ValueError) as error:
            raise StoreInvalid(f"{self._name} does not open: {error}") from error
        # Exchanged between the two looks, it would be kept under another edition: read again then.
        self._kept = (edition, value)
        return value

    def write(self, value: Value) -> None:
        """Exchanges the value, durably and in one step.

        Raises:
            ValueError: its readers would refuse it.
            SecondPlaceUnreachable, SecondPlaceDiffers: see `keys.custody.place.put`.
            OSError: the disk refuses; the old value stands.
        """
        sealed = encrypt_with_passphrase(self._encode(value), self._credential, LOG_N)
        put(self._store / self._name, sealed)
