"""An exported log on disk: every tile recomputed from the entries, the root from the tiles.

The tree is hashed anew from the entry bundles alone, and each stored tile is compared with what was
computed: a tile that lies is found even where no proof would pass through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keys import canonical
from keys.log.checkpoints import (
    Checkpoint,
    NoteKeys,
    read_checkpoint,
    read_cosignature,
    require_continuation,
)
from keys.log.errors import LogDamaged, LogForked, QuorumMissed
from keys.log.leaves import require_record
from keys.log.notes import Note, VerifierKey
from keys.log.succession import LogLine
from keys.log.tiles import WIDTH, TileTree, read_bundle, split_tile, tiles_of
from keys.merkle import consistency_path_of, leaf_hash
from keys.merkle import root as root_of
from keys.succession import files_of

if TYPE_CHECKING:
    from pathlib import Path

    from keys.signing import VerifyingKey

CHECKPOINT_FILE: Final = "checkpoint"
KEY_FILE: Final = "vkey"
SUCCESSIONS_FILE: Final = "successions"
COSIGNED_FOLDER: Final = "cosigned"


@dataclass(frozen=True)
class Exported:
    """A log that holds.

    Attributes:
        note: the signed checkpoint.
        checkpoint: what it says.
        entries: all of them, in order.
        tree: over them, read from the tiles.
    """

    note: Note
    checkpoint: Checkpoint
    entries: list[bytes]
    tree: TileTree


def verify_export(folder: Path, key: VerifierKey | NoteKeys) -> Exported:
    """Verifies a folder that `cipher-service audit export` wrote.

    The order: 1. the checkpoint is signed by `key` and of its log; 2. every tile and bundle of a
    tree of that size is there, whole; 3. each tile holds what the entries give, 4. and the
    checkpoint their root.

    Raises:
        NoteMalformed, NoteNotSigned, LogOfAnother: 1 fails.
        LogDamaged: 2 or 3 fails.
        LogForked: 4 fails.
    """
    note = Note.parse(read_file(folder, CHECKPOINT_FILE))
    checkpoint = read_checkpoint(note, key)
    entries: list[bytes] = []
    hashes: list[bytes] = []
    level = -1
    for tile in tiles_of(checkpoint.size):
        if tile.level != level:
            hashes = hashes if level < 0 else _above(hashes)
            level = tile.level
        if level == 0:
            bundle = read_bundle(read_file(folder, tile.entries_path), tile.width)
            entries += bundle
            hashes += [leaf_hash(entry) for entry in bundle]
        first = tile.index * WIDTH
        stored = split_tile(read_file(folder, tile.path), tile.width)
        if stored != hashes[first : first + tile.width]:
            raise LogDamaged(f"{tile.path} does not hold the hashes of what is below it")
    tree = TileTree(checkpoint.size, lambda tile: read_file(folder, tile.path))
    if tree.root() != checkpoint.root:
        raise LogForked("the entries have another root than the checkpoint")
    return Exported(note, checkpoint, entries, tree)


def keys_led(key: VerifierKey, successions: bytes, root: VerifyingKey) -> NoteKeys:
    """Gives the keys of a log that a root says of one of them.

    Args:
        key: believed, whether it signs now or did before.
        successions: canonical JSON list of the files (`keys.log.succession`), the oldest first.
        root: believed.

    Raises:
        SuccessionMalformed, SuccessionOfAnother, SignatureInvalid: the root does not say it.
    """
    line = LogLine.led(lambda keys: keys.note_key(key.name) == key, files_of(successions), root)
    return line.notes(key.name)


def require_grown(exported: Exported, before: Note, key: VerifierKey | NoteKeys) -> None:
    """Demands that an export continues a checkpoint that was seen before.

    Raises:
        NoteMalformed, NoteNotSigned, LogOfAnother, LogRolledBack, LogForked: it does not.
    """
    seen = read_checkpoint(before, key)
    path: tuple[bytes, ...] = ()
    if seen.size <= exported.checkpoint.size:
        path = consistency_path_of(seen.size, exported.checkpoint.size, exported.tree.range_root)
    require_continuation(seen, exported.checkpoint, path)


def require_witnessed(
    exported: Exported,
    folder: Path,
    key: VerifierKey | NoteKeys,
    witnesses: list[VerifierKey],
    least: int,
) -> tuple[list[str], int]:
    """Demands that at least `least` witnesses have cosigned a head of this log.

    Each witness counts by the largest head that it cosigned, in the export's own checkpoint or in
    `cosigned/`; a head there that the log does not continue is no head of it.

    Args:
        exported: a log that holds.
        folder: where it was read.
        key: of the log.
        witnesses: whose cosignatures count.
        least: how many are demanded.

    Returns:
        The names of those who cosigned, and the entries that `least` of them have seen.

    Raises:
        QuorumMissed: fewer have.
        NoteMalformed, NoteNotSigned, LogOfAnother, LogRolledBack, LogForked: a head does not hold.
    """
    notes = [exported.note]
    cosigned = folder / COSIGNED_FOLDER
    for path in sorted(cosigned.iterdir()) if cosigned.is_dir() else ():
        note = Note.parse(path.read_bytes())
        require_grown(exported, note, key)
        notes.append(note)
    seen: dict[str, int] = {}
    for note in notes:
        size = Checkpoint.parse(note.text).size
        for witness in witnesses:
            if read_cosignature(note, witness) is not None:
                seen[witness.name] = max(size, seen.get(witness.name, 0))
    if len(seen) < least:
        raise QuorumMissed(f"{len(seen)} witnesses have cosigned, {least} are demanded")
    return sorted(seen), sorted(seen.values(), reverse=True)[least - 1]


def verify_records(exported: Exported, lines: list[bytes]) -> int:
    """Demands that records, with their salts, are those that the log commits to; counts them.

    Args:
        exported: a log that holds.
        lines: canonical JSON `[index, base64(salt), base64(record)]`, in order of the log.

    Raises:
        LogDamaged: a record is malformed, out of order, or another than was logged.
    """
    last = -1
    for line in lines:
        try:
            index, salt, record = canonical.decode(line)
            data = canonical.bytes_from_text(record)
            said = canonical.decode(data)["seq"]
            entry = exported.entries[index] if last < index == said else None
            kept = canonical.bytes_from_text(salt)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise LogDamaged("a line of the records is malformed") from error
        if entry is None:
            raise LogDamaged(f"record {said} stands where {index} was announced after {last}")
        require_record(entry, data, kept)
        last = index
    return len(lines)


def _above(hashes: list[bytes]) -> list[bytes]:
    whole = len(hashes) - len(hashes) % WIDTH
    return [root_of(hashes[at : at + WIDTH]) for at in range(0, whole, WIDTH)]


def read_file(folder: Path, name: str) -> bytes:
    """Gives a file of an export. Raises LogDamaged where it is missing."""
    try:
        return (folder / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise LogDamaged(f"{name} is missing") from error
