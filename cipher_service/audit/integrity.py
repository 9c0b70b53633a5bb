"""Does the database still hold the log that was signed? Recomputed from the records alone.

The order: 1. every record and salt gives its entry, and its row says what the record says; 2. the
entries give each stored tile; 3. and the root of each signed head, whose signature holds.
"""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from cipher_service.audit.ledger import size_and_origin
from cipher_service.storage.tables.audit import audit_checkpoint, audit_entry, audit_tile
from keys import canonical
from keys.errors import Refusal
from keys.log.checkpoints import NoteKeys, read_checkpoint
from keys.log.leaves import require_record
from keys.log.notes import Note, VerifierKey
from keys.log.tiles import WIDTH
from keys.merkle import Frontier, leaf_hash

ENTRY_FALSE: Final = "LOG_ENTRY_FALSE"
TILE_FALSE: Final = "LOG_TILE_FALSE"
HEAD_FALSE: Final = "LOG_HEAD_FALSE"
CODES: Final = (ENTRY_FALSE, TILE_FALSE, HEAD_FALSE)

_AT_ONCE: Final = 1000
_SHOWN: Final = ("seq", "time_us", "actor", "action", "resource", "outcome", "mandate")


def check_log(connection: Connection, key: VerifierKey | NoteKeys) -> Iterator[tuple[str, int]]:
    """Give every defect found: its code, and the entry, tile or size it is about.

    Args:
        connection: reading.
        key: what verifies the log's checkpoints.
    """
    notes = {int(row.size): bytes(row.note) for row in connection.execute(select(audit_checkpoint))}
    tiles = {
        int(row.place): bytes(row.hashes)
        for row in connection.execute(select(audit_tile).where(audit_tile.c.level == 0))
    }
    frontier, hashes = Frontier(), bytearray()
    ordered = select(audit_entry).order_by(audit_entry.c.seq)
    for row in connection.execute(ordered, execution_options={"yield_per": _AT_ONCE}):
        if row.seq != frontier.size or not _is_true(row):
            yield ENTRY_FALSE, int(row.seq)
        leaf = leaf_hash(row.entry)
        frontier.append(leaf)
        hashes += leaf
        if frontier.size % WIDTH == 0:
            place = frontier.size // WIDTH - 1
            if tiles.pop(place, None) != bytes(hashes):
                yield TILE_FALSE, place
            hashes.clear()
        note = notes.pop(frontier.size, None)
        if note is not None and not _is_signed(note, key, frontier):
            yield HEAD_FALSE, frontier.size
    yield from ((TILE_FALSE, place) for place in tiles)
    yield from ((HEAD_FALSE, size) for size in notes)
    if size_and_origin(connection)[0] != frontier.size:
        yield HEAD_FALSE, frontier.size


def _is_true(row: Row[Any]) -> bool:
    try:
        require_record(row.entry, row.record, row.salt)
    except Refusal:
        return False
    said = canonical.decode(row.record)
    return all(said.get(name) == getattr(row, name) for name in _SHOWN)


def _is_signed(note: bytes, key: VerifierKey | NoteKeys, frontier: Frontier) -> bool:
    try:
        head = read_checkpoint(Note.parse(note), key)
    except Refusal:
        return False
    return (head.size, head.root) == (frontier.size, frontier.root())
