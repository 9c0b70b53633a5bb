"""The log as static files, for whoever verifies it: checkpoint, tiles, bundles, keys, witnesses.

The folder grows with the log and is never rewritten but for its checkpoint, which is replaced last,
so that a reader finds every tile of the checkpoint that it read.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from cipher_service.audit.ledger import entries, latest_note, read_tile
from cipher_service.audit.witnesses import last_cosigned, vouchers
from cipher_service.storage.tables.audit import audit_entry
from keys import canonical
from keys.log.notes import VerifierKey
from keys.log.tiles import WIDTH, encode_bundle, tiles_of

_AT_ONCE: Final = 1000


def export(connection: Connection, key: VerifierKey, out: Path) -> int:
    """Write the log up to its last signed head; return how many entries that has.

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
    _write(out / "vkey", f"{key.encode()}\n".encode())
    witnesses = vouchers(connection)
    if witnesses:
        listed = "".join(f"{vkey}\n" for _, vkey, _ in witnesses)
        _write(out / "witnesses", listed.encode())
    for post, _, body in witnesses:
        _write(out / "witness" / f"{post}.json", body)
    for cosigned, cosigned_note in last_cosigned(connection).items():
        if cosigned <= size:
            _write(out / "cosigned" / str(cosigned), cosigned_note)
    if note:
        _write(out / "checkpoint", note)
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


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(f".{path.name}")
    making.write_bytes(data)
    making.replace(path)
