"""An honest exported log in a folder, and eight ways to lie in it."""

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keys import canonical
from keys.log.checkpoints import Checkpoint
from keys.log.leaves import commit
from keys.log.notes import Ed25519Signer, Note
from keys.log.tiles import WIDTH, encode_bundle, tiles_of
from keys.merkle import leaf_hash, root

ORIGIN: Final = "minrex.example/audit"
LOG = Ed25519Signer(ORIGIN, b"\1" * 32)
ROGUE = Ed25519Signer(ORIGIN, b"\2" * 32)


@dataclass
class Story:
    """Records and salts, from which everything else follows."""

    records: list[bytes]
    salts: list[bytes]

    @classmethod
    def of(cls, size: int) -> "Story":
        records = [canonical.encode({"seq": seq, "v": 1}) for seq in range(size)]
        return cls(records, [os.urandom(32) for _ in range(size)])

    def entries(self) -> list[bytes]:
        return [commit(*pair) for pair in zip(self.records, self.salts, strict=True)]

    def checkpoint(self, size: int | None = None, signer: Ed25519Signer = LOG) -> Note:
        leaves = [leaf_hash(entry) for entry in self.entries()[:size]]
        text = Checkpoint(ORIGIN, len(leaves), root(leaves)).encode()
        return Note(text, (signer.sign(text),))

    def lines(self) -> list[bytes]:
        pairs = zip(self.salts, self.records, strict=True)
        return [
            canonical.encode([at, *map(canonical.text_from_bytes, pair)])
            for at, pair in enumerate(pairs)
        ]

    def write(self, folder: Path, note: Note) -> None:
        """Write every file, tiles included, as this story tells them, under any checkpoint."""
        entries = self.entries()
        levels = [[leaf_hash(entry) for entry in entries]]
        while len(levels[-1]) >= WIDTH:
            below = levels[-1]
            whole = len(below) - len(below) % WIDTH
            levels.append([root(below[at : at + WIDTH]) for at in range(0, whole, WIDTH)])
        for tile in tiles_of(len(entries)):
            first, end = tile.index * WIDTH, tile.index * WIDTH + tile.width
            _write(folder / tile.path, b"".join(levels[tile.level][first:end]))
            if tile.level == 0:
                _write(folder / tile.entries_path, encode_bundle(entries[first:end]))
        _write(folder / "vkey", f"{LOG.verifier.encode()}\n".encode())
        _write(folder / "checkpoint", note.encode())
        _write(folder / "records", b"\n".join(self.lines()))


def honest(folder: Path, size: int) -> Story:
    story = Story.of(size)
    story.write(folder, story.checkpoint())
    _write(folder / "older", story.checkpoint(max(1, size * 2 // 3)).encode())
    return story


Lie = Callable[[Story, int, random.Random], Note | None]
"""Changes a story at a position; gives the checkpoint over the lie, None to keep the true one."""


def edit(story: Story, at: int, _dice: random.Random) -> None:
    story.records[at] = canonical.encode({"seq": at, "v": 2})


def remove(story: Story, at: int, _dice: random.Random) -> None:
    del story.records[at], story.salts[at]


def reorder(story: Story, at: int, dice: random.Random) -> None:
    other = (at + dice.randrange(1, len(story.records))) % len(story.records)
    for column in (story.records, story.salts):
        column[at], column[other] = column[other], column[at]


def insert(story: Story, at: int, _dice: random.Random) -> None:
    story.records.insert(at, canonical.encode({"seq": at, "v": 3}))
    story.salts.insert(at, bytes(32))


def truncate(story: Story, at: int, _dice: random.Random) -> Note:
    """Even with the log's own signature: the older checkpoint tells."""
    del story.records[at // 2 :], story.salts[at // 2 :]
    if not story.records:
        return Note("", ())
    return story.checkpoint()


def fork(story: Story, at: int, dice: random.Random) -> Note:
    """Even with the log's own signature: the older checkpoint tells."""
    edit(story, at // 2, dice)
    return story.checkpoint()


def swap_salt(story: Story, at: int, dice: random.Random) -> None:
    story.salts[at] = dice.randbytes(32)


def forge(story: Story, at: int, dice: random.Random) -> Note:
    edit(story, at, dice)
    return story.checkpoint(signer=ROGUE)


LIES: Final[dict[str, Lie]] = {
    "edit": edit,
    "delete": remove,
    "reorder": reorder,
    "insert": insert,
    "truncate": truncate,
    "fork": fork,
    "swapped salt": swap_salt,
    "forged checkpoint": forge,
}


def lie(kind: str, story: Story, at: int, dice: random.Random, truth: Path, folder: Path) -> None:
    """Write a folder that lies at one position, beside the true one's older checkpoint."""
    told = Story(list(story.records), list(story.salts))
    note = LIES[kind](told, at, dice)
    told.write(folder, note or Note.parse((truth / "checkpoint").read_bytes()))
    shutil.copy(truth / "older", folder / "older")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
