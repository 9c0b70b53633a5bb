"""The two parts of a backup, service and custodian, and how a restore knows that both are there.

Where the custodian's store lies in the data folder it is read there. Where the custodian serves
from a folder of its own user, it seals its part itself (`keys.custody.parts`). Either way the
backup's first file, `contents.json`, names both parts by hash.
"""

from dataclasses import dataclass
from hashlib import file_digest, sha256
from hmac import compare_digest
from pathlib import Path
from typing import Final, Self

from cipher_service.administration.installation import Installation, custodian_of
from cipher_service.client.failures import Refused
from cipher_service.settings import FILE, Settings
from keys import canonical
from keys.age.files import decrypt
from keys.custody import Custodian
from keys.custody.backups import BackupKey, opening_key
from keys.custody.parts import Part, PartHead, digest_of, gather
from keys.custody.shares import Share
from keys.records import FINGERPRINT, Record

CONTENTS: Final = "contents.json"
DATABASE: Final = "snapshot.db"
SEALED: Final = "custodian.part"
CUSTODIAN: Final = "custodian"

_TYPE: Final = "depeche/v1 backup"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup says that it holds.

    Attributes:
        database: SHA-256 of the database's copy.
        custodian: of the part that the custodian sealed, else over the store's names and hashes.
        apart: whether the custodian sealed it itself.
    """

    database: str
    custodian: str
    apart: bool

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read what `to_bytes` gives.

        Raises:
            ValueError: it is something else.
        """
        record = Record(canonical.decode(data), "backup contents")
        record.constant("v", 1)
        record.constant("type", _TYPE)
        contents = cls(
            record.text("database", FINGERPRINT),
            record.text("custodian", FINGERPRINT),
            record.boolean("apart"),
        )
        record.close()
        return contents

    def to_bytes(self) -> bytes:
        """Return canonical JSON."""
        members = {"database": self.database, "custodian": self.custodian, "apart": self.apart}
        return canonical.encode({"v": 1, "type": _TYPE, **members})


@dataclass(frozen=True, slots=True)
class CustodianPart:
    """The custodian's files as they go into a backup, by their names there; its hash."""

    files: dict[str, bytes]
    digest: str
    apart: bool


def part_of_custodian(installation: Installation, key: BackupKey) -> CustodianPart:
    """Take the custodian's store, from the data folder or from the custodian.

    Raises:
        Refused: BACKUP_KEYS_DIFFER, BACKUP_PART_ALTERED.
        KeysError: the custodian does not answer, or admitted no key of backups.
        OSError: a file cannot be read.
    """
    store = installation.settings.custodian_store
    if not installation.settings.custodian_apart:
        files = gather(store)
        named = {f"{CUSTODIAN}/{name}": data for name, data in files.items()}
        return CustodianPart(named, digest_of(files), apart=False)
    with custodian_of(installation.settings) as custodian:
        head = PartHead.parse(custodian.make_backup_part())
        if not compare_digest(head.key, key.fingerprint):
            raise Refused("BACKUP_KEYS_DIFFER", key=head.key)
        sealed = _received(custodian, head)
    return CustodianPart({SEALED: sealed}, head.sha256, apart=True)


def lay_parts(folder: Path, shares: list[Share], *, lives: bool = False) -> bool:
    """Demand that an unpacked backup has both parts; lay the custodian's where it sealed it.

    A backup of before `contents.json` has the custodian's store as it lies, or not at all. Where
    the custodian lives, its part is opened and compared like the rest, and not laid.

    Returns:
        Whether the custodian served apart.

    Raises:
        Refused: BACKUP_UNREADABLE, BACKUP_PART_MISSING, CUSTODIAN_NOT_APART.
        KeysError: the part does not open.
        OSError: the disk refuses.
    """
    for name in (DATABASE, FILE):
        if not (folder / name).is_file():
            raise Refused("BACKUP_PART_MISSING", part=name)
    settings = Settings.load(folder)
    store, told = settings.custodian_store, folder / CONTENTS
    if lives and not settings.custodian_apart:
        raise Refused("CUSTODIAN_NOT_APART")
    if not told.is_file():
        if not store.is_dir():
            raise Refused("BACKUP_PART_MISSING", part=CUSTODIAN)
        return False
    try:
        contents = Contents.parse(told.read_bytes())
    except ValueError as error:
        raise Refused("BACKUP_UNREADABLE", problem=str(error)) from error
    told.unlink()
    _require(hash_of(folder / DATABASE), contents.database, DATABASE)
    if not contents.apart:
        _require(digest_of(gather(store)) if store.is_dir() else "", contents.custodian, CUSTODIAN)
        return False
    path = folder / SEALED
    sealed = path.read_bytes() if path.is_file() else b""
    _require(sha256(sealed).hexdigest(), contents.custodian, SEALED)
    part = _opened(sealed, shares)
    if not lives:
        part.lay(store, settings.custodian_credential)
    path.unlink()
    return True


def hash_of(path: Path) -> str:
    """Return a file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _received(custodian: Custodian, head: PartHead) -> bytes:
    """Fetch a part piece by piece.

    Raises:
        Refused: BACKUP_PART_ALTERED.
    """
    sealed = b""
    while len(sealed) < head.size:
        piece = custodian.backup_part_piece(head.sha256.encode(), str(len(sealed)).encode())
        if not piece:
            break
        sealed += piece
    if not compare_digest(sha256(sealed).hexdigest(), head.sha256):
        raise Refused("BACKUP_PART_ALTERED")
    return sealed


def _opened(sealed: bytes, shares: list[Share]) -> Part:
    plain = decrypt(sealed, [opening_key(shares)])
    try:
        return Part.parse(plain)
    except ValueError as error:
        raise Refused("BACKUP_UNREADABLE", problem=str(error)) from error


def _require(found: str, told: str, part: str) -> None:
    if not compare_digest(found, told):
        raise Refused("BACKUP_PART_MISSING", part=part)
