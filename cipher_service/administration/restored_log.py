"""How a restored log begins: under which name, with which words, and where the old one is kept."""

from argparse import Namespace
from hashlib import sha256
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.administration.restored_custodian import custodian_of
from cipher_service.audit.export import export, export_records
from cipher_service.audit.ledger import latest_note, size_and_origin
from cipher_service.audit.resumptions import Resumption, untold
from cipher_service.audit.rotations import is_entered, rotations_of
from cipher_service.audit.signers import Signers
from cipher_service.settings import Settings
from keys import canonical
from keys.custody.book import Book, bureau_key
from keys.custody.shares import Share
from keys.log.checkpoints import Checkpoint
from keys.log.notes import Note
from keys.rotation_record import Rotation

ARCHIVE: Final = "log-archive"
STATEMENT: Final = "restore.json"


def given_head(path: str | None) -> bytes:
    """Return the signed head that whoever restores was given, else nothing."""
    if path is None:
        return b""
    data = Path(path).read_bytes()
    Note.parse(data)
    return data


def statement_of(
    connection: Connection, arguments: Namespace, shares: list[Share], checkpoint: bytes
) -> bytes:
    """Say what the new log begins with: the last head known of the old one, and this restore."""
    size, origin = size_and_origin(connection)
    _, note = latest_note(connection)
    with Path(arguments.backup).open("rb") as source:
        digest = sha256()
        while piece := source.read(2**20):
            digest.update(piece)
    return canonical.encode(
        {
            "v": 1,
            "type": "depeche/v1 restore",
            "origin": origin,
            "size": size,
            "checkpoint": canonical.text_from_bytes(checkpoint or note),
            "backup": digest.hexdigest(),
            "holders": [share.holder for share in shares],
            "at": canonical.text_from_time(clock.now().replace(microsecond=0)),
        }
    )


def archive_log(connection: Connection, folder: Path, settings: Settings, statement: bytes) -> int:
    """Keep the old log as files, with the records that only auditors are given."""
    archive = folder / ARCHIVE
    archive.mkdir(mode=0o700, exist_ok=True)
    number = len(list(archive.iterdir())) + 1
    out = archive / str(number)
    signed = export(connection, Signers.of(custodian_of(settings), settings.log_origin), out)
    size, _ = size_and_origin(connection)
    export_records(connection, out / "records", first=0, end=signed)
    # What had no signed head yet is kept, and proves nothing.
    export_records(connection, out / "records-unsigned", first=signed, end=size)
    (out / STATEMENT).write_bytes(statement)
    return number


def moves_known(
    connection: Connection, settings: Settings
) -> tuple[list[Rotation], list[Resumption]]:
    """Return the rotations and resumptions of the custodian's keys of which the old log tells."""
    custodian = custodian_of(settings)
    book = Book.parse(custodian.key_versions())
    rotated = rotations_of(book, bureau_key(custodian.card()))
    lacking = untold(connection, book)
    return (
        [each for each in rotated if is_entered(connection, each)],
        [each for each in Resumption.all_in(book) if each not in lacking],
    )


def next_name(origin: str, number: int, last: bytes) -> str:
    """Return the name under which a log goes on: above every restore that is known.

    Args:
        origin: the backup's log.
        number: of this restore, as the backup counts them.
        last: the newest head known, signed; it may be of a restore that the backup was made before.
    """
    root = _root(origin)
    named = Checkpoint.parse(Note.parse(last).text).origin if last else ""
    known = named.removeprefix(f"{root}/r")
    return f"{root}/r{max(number, 1 + int(known) if known.isdecimal() else 0)}"


def _root(origin: str) -> str:
    """The log's first name: restores add /r1, /r2 and so on to it."""
    head, _, tail = origin.rpartition("/r")
    return head if head and tail.isdecimal() else origin
