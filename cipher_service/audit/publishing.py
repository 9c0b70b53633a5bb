"""What of the log is given to outsiders: signed heads, tiles and entry bundles, never a record.

Nothing is given beyond the last signed head: what is not signed yet is nobody's business, and a
partial tile of it could not be checked against anything.
"""

import re
from typing import Final

from sqlalchemy import Connection, select

from cipher_service.audit.ledger import entries, latest_note, read_tile, tree
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.audit import audit_checkpoint, audit_cosignature
from keys.log.checkpoints import Checkpoint, require_continuation
from keys.log.notes import Note
from keys.log.proofs import LogProof
from keys.log.tiles import HEIGHT, WIDTH, Tile, encode_bundle
from keys.merkle import consistency_path_of, inclusion_path_of

ENTRIES: Final = "entries"
_TILE: Final = re.compile(
    r"(?P<level>0|[1-9][0-9]?|entries)/(?P<place>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)
_LEVEL_MAX: Final = 63
_PARTS_MAX: Final = 6


def head(connection: Connection) -> bytes:
    """Return the last signed checkpoint with the cosignatures that it has.

    Raises:
        ServiceError: LOG_EMPTY before the first.
    """
    size, note = latest_note(connection)
    if not note:
        raise ServiceError("LOG_EMPTY")
    return note + _cosignatures(connection, size)


def head_of(connection: Connection, size: int) -> bytes:
    """Return the signed checkpoint of a size with its cosignatures.

    Raises:
        ServiceError: NOT_FOUND: no head of that size was signed.
    """
    note = connection.scalar(select(audit_checkpoint.c.note).where(audit_checkpoint.c.size == size))
    if note is None:
        raise ServiceError("NOT_FOUND")
    return bytes(note) + _cosignatures(connection, size)


def tile(connection: Connection, name: str) -> bytes:
    """Return a tile or an entry bundle by what follows `tile/` in its C2SP path.

    Raises:
        ServiceError: NOT_FOUND: no such tile, or it reaches beyond the last signed head.
        LogDamaged: rows of it are missing.
    """
    found = _TILE.fullmatch(name)
    if found is None or found["place"].count("/") > _PARTS_MAX:
        raise ServiceError("NOT_FOUND")
    level = 0 if found["level"] == ENTRIES else int(found["level"])
    wanted = Tile(level, int(re.sub("[x/]", "", found["place"])), int(found["width"] or WIDTH))
    asked = wanted.entries_path if found["level"] == ENTRIES else wanted.path
    # One spelling a tile: no `x000/` before a small number, no width of a full one.
    if asked != f"tile/{name}" or level > _LEVEL_MAX or not _is_signed(connection, wanted):
        raise ServiceError("NOT_FOUND")
    if found["level"] == ENTRIES:
        return encode_bundle(entries(connection, wanted.index * WIDTH, wanted.width))
    return read_tile(connection, wanted)


def proof_of(connection: Connection, seq: int) -> LogProof | None:
    """Return the proof that an entry is under the last signed head; None while it is not yet.

    Raises:
        LogDamaged: rows on the way are missing.
    """
    size, note = latest_note(connection)
    if not 0 <= seq < size:
        return None
    path = inclusion_path_of(seq, size, tree(connection, size).range_root)
    return LogProof(seq, path, Note.parse(note))


def heads_before(connection: Connection, size: int, count: int) -> list[tuple[int, str]]:
    """Return size and time of signed heads up to a size, the newest first."""
    rows = connection.execute(
        select(audit_checkpoint.c.size, audit_checkpoint.c.signed_at)
        .where(audit_checkpoint.c.size <= size)
        .order_by(audit_checkpoint.c.size.desc())
        .limit(count)
    )
    return [(int(row.size), str(row.signed_at)) for row in rows]


def continuation(connection: Connection, old: int, new: int) -> tuple[bytes, ...]:
    """Return the proof that the signed head of `new` entries continues that of `old`.

    It is verified against both heads before it is given.

    Raises:
        ServiceError: NOT_FOUND: a size that no head has.
        LogRolledBack, LogForked: it does not; somebody must look.
        LogDamaged: rows on the way are missing.
    """
    before, after = (
        Checkpoint.parse(Note.parse(head_of(connection, size)).text) for size in (old, new)
    )
    path: tuple[bytes, ...] = ()
    if old <= new:
        path = consistency_path_of(old, new, tree(connection, new).range_root)
    require_continuation(before, after, path)
    return path


def _is_signed(connection: Connection, wanted: Tile) -> bool:
    size, _ = latest_note(connection)
    return wanted.index * WIDTH + wanted.width <= size >> (HEIGHT * wanted.level)


def _cosignatures(connection: Connection, size: int) -> bytes:
    lines = connection.scalars(
        select(audit_cosignature.c.line)
        .where(audit_cosignature.c.size == size)
        .order_by(audit_cosignature.c.post)
    )
    return "".join(lines).encode()
