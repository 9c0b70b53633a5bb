"""The custodian's part of a backup, where its store lies apart from the service's folder.

    STORE/backup.key      the public key of backups (`keys.custody.backups`) that was admitted

Whoever makes a backup asks the custodian for its part: the store as of one moment and the
credential that opens it, sealed to the admitted key. Who asks names no key, so that a robbed
service gets what enough holders open and nobody else. The part is made whole, then given in pieces
by its hash.
"""

from __future__ import annotations

import hmac
import re
import stat
import threading
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from keys import canonical
from keys.age.files import encrypt
from keys.custody.backups import BackupKey
from keys.custody.errors import BackupKeyNotAdmitted, RequestMalformed, StoreInvalid
from keys.custody.files import alone, read_private
from keys.custody.place import LOCK_FILE
from keys.files import exchange, flush_folder, write_new
from keys.records import FINGERPRINT, Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY_FILE: Final = "backup.key"
PIECE_BYTES: Final = 1024 * 1024

_WORD: Final = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}"
_NAME: Final = re.compile(rf"{_WORD}(/{_WORD})?")
_OFFSET: Final = re.compile(rb"0|[1-9][0-9]{0,11}")
_FILES_MAX: Final = 4096
_BYTES_MAX: Final = 16 * 1024 * 1024
_TYPE: Final = "depeche/v1 custodian-part"
_HEAD_TYPE: Final = "depeche/v1 custodian-part-head"


@dataclass(frozen=True)
class PartHead:
    """What is told of a part before its pieces are asked for.

    Attributes:
        sha256: of the sealed part, in hexadecimal.
        size: of it, in bytes.
        key: fingerprint of the key of backups.
    """

    sha256: str
    size: int
    key: str

    @classmethod
    def parse(cls, data: bytes) -> PartHead:
        """Reads what `to_bytes` gives.

        Raises:
            ValueError: it is something else.
        """
        record = Record(canonical.decode(data), "part head")
        record.constant("v", 1)
        record.constant("type", _HEAD_TYPE)
        head = cls(
            record.text("sha256", FINGERPRINT),
            record.integer("size", least=1),
            record.text("key", FINGERPRINT),
        )
        record.close()
        return head

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        members = {"sha256": self.sha256, "size": self.size, "key": self.key}
        return canonical.encode({"v": 1, "type": _HEAD_TYPE, **members})


@dataclass(frozen=True)
class Part:
    """What a part holds once it is opened.

    Attributes:
        credential: that opens the store.
        files: the store's, by name; one in a folder of it has that folder's name and a slash first.
    """

    credential: bytes
    files: dict[str, bytes]

    @classmethod
    def parse(cls, data: bytes) -> Part:
        """Reads what `to_bytes` gives.

        Raises:
            ValueError: it is something else.
        """
        record = Record(canonical.decode(data), "custodian part")
        record.constant("v", 1)
        record.constant("type", _TYPE)
        credential = canonical.bytes_from_text(record.any_text("credential"))
        files = {}
        for value in record.items("files", least=1, most=_FILES_MAX):
            each = Record(value, "file")
            name = each.text("name", _NAME)
            if name in files:
                raise ValueError(f"{name} is there twice")
            files[name] = canonical.bytes_from_text(each.any_text("data"))
            each.close()
        record.close()
        return cls(credential, files)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        files = [
            {"name": name, "data": canonical.text_from_bytes(data)}
            for name, data in sorted(self.files.items())
        ]
        credential = canonical.text_from_bytes(self.credential)
        return canonical.encode({"v": 1, "type": _TYPE, "credential": credential, "files": files})

    def lay(self, store: Path, credential: Path) -> None:
        """Makes the store and the credential's file anew, private to this user.

        Raises:
            OSError: one of them is there already, or the disk refuses.
        """
        store.mkdir(mode=0o700)
        for name, data in self.files.items():
            path = store / name
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write_new(path, data)
        for folder in {(store / name).parent for name in self.files} | {store}:
            flush_folder(folder)
        write_new(credential, self.credential + b"\n")
        flush_folder(credential.parent)


class PartMaker:
    """Makes the parts of one store, whether they are asked for by one caller or by several.

    Args:
        store: the custodian's folder.
        credential: what opens it.
    """

    def __init__(self, store: Path, credential: bytes) -> None:
        self._store = store
        self._credential = credential
        self._lock = threading.Lock()
        self._made: tuple[str, bytes] = ("", b"")

    def make(self) -> bytes:
        """Seals the store as it is now; gives the part's head.

        Raises:
            BackupKeyNotAdmitted: none was.
            StoreInvalid, StoreUnsafe, OSError: a file of the store cannot be read.
        """
        key = admitted(self._store)
        plain = Part(self._credential, gather(self._store)).to_bytes()
        sealed = encrypt(plain, [key.recipient])
        head = PartHead(sha256(sealed).hexdigest(), len(sealed), key.fingerprint)
        with self._lock:
            self._made = head.sha256, sealed
        return head.to_bytes()

    def piece(self, told: bytes, offset: bytes) -> bytes:
        """Gives what stands from `offset` on in the part that was made last; nothing at its end.

        Args:
            told: the part's SHA-256, in hexadecimal.
            offset: in decimal digits.

        Raises:
            RequestMalformed: no offset, or another part was made since.
        """
        with self._lock:
            name, sealed = self._made
        if not name or not hmac.compare_digest(name.encode(), told):
            raise RequestMalformed("another part of a backup was made since")
        if not _OFFSET.fullmatch(offset):
            raise RequestMalformed("an offset is written in decimal digits")
        begin = int(offset)
        return sealed[begin : begin + PIECE_BYTES]


def admit(store: Path, key: BackupKey) -> None:
    """Lets parts of a store be sealed to a key of backups, and to no other from now on.

    Raises:
        OSError: the disk refuses; the key of before stands.
    """
    with alone(store / LOCK_FILE):
        exchange(store / KEY_FILE, key.to_bytes())


def admitted(store: Path) -> BackupKey:
    """Gives the key that parts of a store are sealed to.

    Raises:
        BackupKeyNotAdmitted: none was admitted.
        StoreInvalid: its file is malformed.
    """
    try:
        return BackupKey.parse(read_private(store / KEY_FILE))
    except FileNotFoundError:
        raise BackupKeyNotAdmitted("no key of backups was admitted to this store") from None
    except ValueError as error:
        raise StoreInvalid(f"{KEY_FILE} is malformed: {error}") from error


def gather(store: Path) -> dict[str, bytes]:
    """Reads a store as of one moment: its files by name, without locks and half-written ones.

    Raises:
        StoreInvalid: a file has a name that is none of a store's.
        StoreUnsafe: others could read or exchange a file.
        OSError: one cannot be read.
    """
    with alone(store / LOCK_FILE):
        files = {}
        for path in _regular(store):
            name = str(path.relative_to(store))
            if not _NAME.fullmatch(name):
                raise StoreInvalid(f"{name} is not the name of a store's file")
            files[name] = read_private(path, most=_BYTES_MAX)
        return files


def digest_of(files: dict[str, bytes]) -> str:
    """Gives the SHA-256 over the canonical list of names and hashes, in hexadecimal."""
    listed = [[name, sha256(data).hexdigest()] for name, data in sorted(files.items())]
    return sha256(canonical.encode(listed)).hexdigest()


def _regular(folder: Path, depth: int = 1) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.endswith(".lock"):
            continue
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            yield path
        elif stat.S_ISDIR(mode) and depth:
            yield from _regular(path, depth - 1)
