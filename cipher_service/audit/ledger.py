"""Appends entries to the tree and reads it, all inside the caller's transaction.

Full tiles are stored when their last hash is known; a partial one is made of the entries, or of the
full tiles, below it. So an append costs two statements and a row an entry, whatever the log's size,
and any proof a few tiles.
"""

import os
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from cipher_service.audit.records import Event
from cipher_service.errors import ServiceError
from cipher_service.storage.statements import Statement, Value
from cipher_service.storage.tables.audit import (
    audit_checkpoint,
    audit_entry,
    audit_log,
    audit_tile,
)
from keys.log.errors import LogDamaged
from keys.log.leaves import SALT_BYTES, commit
from keys.log.tiles import HEIGHT, WIDTH, Tile, TileTree
from keys.merkle import HASH_SIZE, Frontier, leaf_hash, root

_COLUMNS: Final = (
    *("seq", "time_us", "actor", "action", "resource", "outcome", "mandate"),
    *("record", "salt", "entry"),
)
_FRONTIER = Statement(select(audit_log.c.size, audit_log.c.peaks))
_START = Statement(insert(audit_log), ["origin", "size", "peaks"])
_ADVANCE = Statement(
    update(audit_log).values(size=bindparam("new_size"), peaks=bindparam("new_peaks"))
)
_APPEND = Statement(insert(audit_entry), _COLUMNS)
_TILE = Statement(insert(audit_tile), ["level", "place", "hashes", "root"])
_LATEST = Statement(
    select(audit_checkpoint.c.size, audit_checkpoint.c.note)
    .order_by(audit_checkpoint.c.size.desc())
    .limit(1)
)


def append(connection: Connection, origin: str, events: Sequence[Event]) -> int:
    """Append events in their order; return the size of the log after them.

    Args:
        connection: inside a unit of work.
        origin: the log's name, taken when it is begun.
        events: what happened.
    """
    frontier = _frontier(connection, origin)
    first = frontier.size
    rows: list[dict[str, Value]] = []
    for event in events:
        seq = frontier.size
        record, salt = event.encode(seq), os.urandom(SALT_BYTES)
        entry = commit(record, salt)
        frontier.append(leaf_hash(entry))
        rows.append(
            {
                "seq": seq,
                "time_us": event.time_us,
                "actor": event.actor,
                "action": event.action,
                "resource": event.resource,
                "outcome": event.outcome,
                "mandate": event.mandate,
                "record": record,
                "salt": salt,
                "entry": entry,
            }
        )
    _APPEND.run_many(connection, rows)
    for place in range(first // WIDTH, frontier.size // WIDTH):
        _store_tiles(connection, place)
    peaks = b"".join(frontier.peaks)
    _ADVANCE.run(connection, {"new_size": frontier.size, "new_peaks": peaks})
    return frontier.size


def append_beside(connection: Connection, event: Event) -> None:
    """Append what an act brought about beside its own entry, to the log that is there.

    Raises:
        LogDamaged: no log was begun.
    """
    size, origin = size_and_origin(connection)
    if not size:
        raise LogDamaged("no log was begun")
    append(connection, origin, [event])


def size_and_origin(connection: Connection) -> tuple[int, str]:
    """Return how far the log has come and its name; (0, "") before its first entry."""
    row = connection.execute(select(audit_log.c.size, audit_log.c.origin)).one_or_none()
    return (0, "") if row is None else (int(row.size), str(row.origin))


def tree(connection: Connection, size: int) -> TileTree:
    """Return the tree of the first `size` entries, read as it is asked."""
    return TileTree(size, lambda tile: read_tile(connection, tile))


def read_tile(connection: Connection, tile: Tile) -> bytes:
    """Return the bytes of a tile.

    Raises:
        LogDamaged: rows of it are missing.
    """
    if tile.width == WIDTH:
        found = connection.scalar(
            select(audit_tile.c.hashes).where(
                audit_tile.c.level == tile.level, audit_tile.c.place == tile.index
            )
        )
        if found is None:
            raise LogDamaged(f"{tile.path} is missing")
        return bytes(found)
    return _from_below(connection, tile)


def entries(connection: Connection, first: int, count: int) -> list[bytes]:
    """Return entries of the tree, 32 bytes each.

    Raises:
        LogDamaged: some are missing.
    """
    found = connection.execute(
        select(audit_entry.c.seq, audit_entry.c.entry)
        .where(audit_entry.c.seq.between(first, first + count - 1))
        .order_by(audit_entry.c.seq)
    ).all()
    if [row.seq for row in found] != list(range(first, first + count)):
        raise LogDamaged(f"entries from {first} are missing")
    return [bytes(row.entry) for row in found]


def record_of(connection: Connection, seq: int) -> tuple[bytes, bytes]:
    """Return the record of an entry and its salt.

    Raises:
        LogDamaged: it is missing.
    """
    row = connection.execute(
        select(audit_entry.c.record, audit_entry.c.salt).where(audit_entry.c.seq == seq)
    ).one_or_none()
    if row is None:
        raise LogDamaged(f"entry {seq} is missing")
    return bytes(row.record), bytes(row.salt)


def latest_note(connection: Connection) -> tuple[int, bytes]:
    """Return the size and the bytes of the last signed checkpoint; (0, b"") before the first."""
    row = _LATEST.one(connection, {})
    return (0, b"") if row is None else (int(row[0]), bytes(row[1]))


def _frontier(connection: Connection, origin: str) -> Frontier:
    row = _FRONTIER.one(connection, {})
    if row is None:
        _START.run(connection, {"origin": origin, "size": 0, "peaks": b""})
        return Frontier()
    size, peaks = int(row[0]), bytes(row[1])
    try:
        return Frontier(size, [peaks[at : at + 32] for at in range(0, len(peaks), HASH_SIZE)])
    except ValueError as error:
        raise ServiceError("INTERNAL") from error


def _store_tiles(connection: Connection, place: int) -> None:
    """Store the tile of level 0 at `place`, now full, and those above that it fills."""
    level = 0
    while True:
        hashes = _from_below(connection, Tile(level, place))
        values = [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]
        _TILE.run(
            connection,
            {"level": level, "place": place, "hashes": hashes, "root": root(values)},
        )
        if (place + 1) % WIDTH:
            return
        level, place = level + 1, place >> HEIGHT


def _from_below(connection: Connection, tile: Tile) -> bytes:
    """Make a tile's hashes of the entries, or of the full tiles, below it."""
    first = tile.index * WIDTH
    if tile.level == 0:
        return b"".join(leaf_hash(entry) for entry in entries(connection, first, tile.width))
    roots = connection.scalars(
        select(audit_tile.c.root)
        .where(
            audit_tile.c.level == tile.level - 1,
            audit_tile.c.place.between(first, first + tile.width - 1),
        )
        .order_by(audit_tile.c.place)
    )
    hashes = b"".join(bytes(found) for found in roots)
    if len(hashes) != tile.width * HASH_SIZE:
        raise LogDamaged(f"tiles below {tile.path} are missing")
    return hashes
