"""The log as static files, for whoever verifies it: checkpoint, tiles, bundles, keys, witnesses.

The folder grows with the log and is never rewritten but for its checkpoint, which is replaced last,
so that a reader finds every tile of the checkpoint that it read.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, func, select

from cipher_service.audit.ledger import entries, latest_note, read_tile
from cipher_service.audit.signers import Signers
from cipher_service.audit.witnesses import last_cosigned, vouchers
from cipher_service.storage.tables.audit import audit_entry
from keys import canonical
from keys.log.ranges import beside
from keys.log.tiles import WIDTH, TileTree, encode_bundle, tiles_of
from keys.verifier.exported import (
    CHECKPOINT_FILE,
    COSIGNED_FOLDER,
    KEY_FILE,
    SUCCESSIONS_FILE,
)
from keys.verifier.month import MONTH_FILE, RECORDS_FILE, Month, bounds

_AT_ONCE: Final = 1000


def export(connection: Connection, signers: Signers, out: Path) -> int:
    """Write the log up to its last signed head; return how many entries that has.

    Args:
        connection: reading.
        signers: the log's.
        out: a folder.

    Raises:
        LogDamaged: rows are missing.
        OSError: the disk refuses.
    """
    size, note = latest_note(connection)
    out.mkdir(parents=True, exist_ok=True)
    for tile in tiles_of(size):
        _write(out / tile.path, read_tile(connection, tile))
        if tile.level == 0:
            bundle = entries(connection, tile.index * WIDTH, tile.width)
            _write(out / tile.entries_path, encode_bundle(bundle))
    _write_keys(out, signers, note)
    witnesses = vouchers(connection)
    if witnesses:
        listed = "".join(f"{vkey}\n" for _, vkey, _ in witnesses)
        _write(out / "witnesses", listed.encode())
    for post, _, body in witnesses:
        _write(out / "witness" / f"{post}.json", body)
    for cosigned, cosigned_note in last_cosigned(connection).items():
        if cosigned <= size:
            _write(out / COSIGNED_FOLDER / str(cosigned), cosigned_note)
    if note:
        _write(out / CHECKPOINT_FILE, note)
    return size


def export_records(connection: Connection, out: Path, *, first: int, end: int) -> int:
    """Write records and salts, for an auditor only; return how many.

    Each line is canonical JSON `[index, base64(salt), base64(record)]`.

    Args:
        connection: reading.
        out: a file; replaced.
        first: the first entry.
        end: the entry after the last.
    """
    written = 0
    out.touch(mode=0o600)
    with out.open("wb") as file:
        for start in range(first, end, _AT_ONCE):
            found = connection.execute(
                select(audit_entry.c.seq, audit_entry.c.salt, audit_entry.c.record)
                .where(audit_entry.c.seq.between(start, min(start + _AT_ONCE, end) - 1))
                .order_by(audit_entry.c.seq)
            )
            for row in found:
                line = [
                    int(row.seq),
                    canonical.text_from_bytes(row.salt),
                    canonical.text_from_bytes(row.record),
                ]
                file.write(canonical.encode(line) + b"\n")
                written += 1
    return written


def export_month(connection: Connection, signers: Signers, out: Path, month: str) -> Month | None:
    """Write the records of a month, with their proof against the last signed head; for an auditor.

    Args:
        connection: reading.
        signers: the log's.
        out: a folder; what it held of a month is replaced.
        month: `2026-11`, by universal time.

    Returns:
        Which entries those are; None when the signed log has none of that month.

    Raises:
        ValueError: it is no month.
        LogDamaged: rows are missing.
        OSError: the disk refuses.
    """
    size, note = latest_note(connection)
    begins, ends = bounds(month)
    column = audit_entry.c
    told = (column.seq < size, column.time_us >= begins, column.time_us < ends)
    first, last = connection.execute(
        select(func.min(column.seq), func.max(column.seq)).where(*told)
    ).one()
    if first is None:
        return None
    tree = TileTree(size, lambda tile: read_tile(connection, tile))
    beside_it = beside(int(first), int(last) + 1, size, tree.range_root)
    found = Month(month, int(first), int(last) + 1, beside_it)
    out.mkdir(parents=True, exist_ok=True)
    lines = out / RECORDS_FILE
    lines.touch(mode=0o600)
    with lines.open("wb") as file:
        for start in range(found.first, found.end, _AT_ONCE):
            rows = connection.execute(
                select(column.seq, column.time_us, column.entry, column.salt, column.record)
                .where(column.seq.between(start, min(start + _AT_ONCE, found.end) - 1))
                .order_by(column.seq)
            )
            for row in rows:
                parts = [row.entry]
                if begins <= row.time_us < ends:
                    parts += [row.salt, row.record]
                line = [int(row.seq), *map(canonical.text_from_bytes, parts)]
                file.write(canonical.encode(line) + b"\n")
    _write(out / MONTH_FILE, found.encode())
    _write_keys(out, signers, note)
    _write(out / CHECKPOINT_FILE, note)
    return found


def _write_keys(out: Path, signers: Signers, note: bytes) -> None:
    """Write the key of a head, and where there is more than one what the root says of them."""
    _write(out / KEY_FILE, f"{signers.signer(note).encode()}\n".encode())
    if signers.line.ended:
        _write(out / SUCCESSIONS_FILE, signers.successions)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(f".{path.name}")
    making.write_bytes(data)
    making.replace(path)
