"""Tiles and entry bundles (c2sp.org/tlog-tiles@v0.1.0): a log as static files of 256.

A tile of level L holds the hashes of up to 256 perfect subtrees of 256^L leaves; an entry bundle
holds the same leaves' entries, each behind its length. Full ones never change. Any subtree's root
is in a tile or a few hashes above it, so that a reader proves anything from a handful of tiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from keys.log.errors import LogDamaged
from keys.merkle import HASH_SIZE, largest_power_below, node_hash, root

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH: Final = 256
HEIGHT: Final = 8
ENTRY_BYTES_MAX: Final = 65535

_LENGTH_BYTES: Final = 2
_CACHED: Final = 1024


@dataclass(frozen=True)
class Tile:
    """Which tile: its level, its place in the level, and how many hashes it holds (1 to 256)."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """`tile/<L>/<N>[.p/<W>]`."""
        return f"tile/{self.level}/{_place(self.index, self.width)}"

    @property
    def entries_path(self) -> str:
        """`tile/entries/<N>[.p/<W>]`, of the bundle beside a tile of level 0."""
        return f"tile/entries/{_place(self.index, self.width)}"


ReadTile = Callable[[Tile], bytes]
"""Gives the bytes of a tile: 32 for each hash. Raises LogDamaged where it cannot."""


def tiles_of(size: int) -> Iterator[Tile]:
    """Gives every tile of a tree of `size` leaves, partial ones as they are at that size."""
    level, count = 0, size
    while count:
        for index in range(count // WIDTH):
            yield Tile(level, index)
        if count % WIDTH:
            yield Tile(level, count // WIDTH, count % WIDTH)
        level, count = level + 1, count // WIDTH


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Gives an entry bundle.

    Raises:
        ValueError: an entry has more than 65,535 bytes.
    """
    if any(len(entry) > ENTRY_BYTES_MAX for entry in entries):
        raise ValueError("an entry is too long for a bundle")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def read_bundle(data: bytes, width: int) -> list[bytes]:
    """Gives the entries of a bundle.

    Raises:
        LogDamaged: they are not `width`.
    """
    entries, start = [], 0
    while start < len(data):
        begin = start + _LENGTH_BYTES
        start = begin + int.from_bytes(data[start:begin], "big")
        entries.append(data[begin:start])
    if start != len(data) or len(entries) != width:
        raise LogDamaged(f"an entry bundle does not hold {width} entries")
    return entries


def split_tile(data: bytes, width: int) -> list[bytes]:
    """Gives the hashes of a tile.

    Raises:
        LogDamaged: they are not `width`.
    """
    if len(data) != width * HASH_SIZE:
        raise LogDamaged(f"a tile does not hold {width} hashes")
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


class TileTree:
    """The tree of one size, read from its tiles; nothing is verified but the tiles' lengths.

    Args:
        size: number of leaves.
        read: gives the bytes of a tile of the tree of this size.
    """

    def __init__(self, size: int, read: ReadTile) -> None:
        self.size = size
        # Of nothing that leads back here: a tree goes with its tiles as soon as nobody holds it.
        self.hashes = lru_cache(_CACHED)(partial(_hashes, size, read))

    def root(self) -> bytes:
        """The root over all leaves."""
        return self.range_root(0, self.size) if self.size else root(())

    def range_root(self, low: int, high: int) -> bytes:
        """The root over the leaves from `low` to `high`, excluded: a subtree of the tree.

        Raises:
            LogDamaged: a tile cannot be read.
        """
        count = high - low
        if count & (count - 1):
            middle = low + largest_power_below(count)
            return node_hash(self.range_root(low, middle), self.range_root(middle, high))
        level, above = divmod(count.bit_length() - 1, HEIGHT)
        first, hashes = (low >> (level * HEIGHT)) % WIDTH, 1 << above
        found = self.hashes(level, low >> ((level + 1) * HEIGHT))
        return root(found[first : first + hashes])


def _hashes(size: int, read: ReadTile, level: int, index: int) -> list[bytes]:
    width = min(WIDTH, (size >> (level * HEIGHT)) - index * WIDTH)
    return split_tile(read(Tile(level, index, width)), width)


def _place(index: int, width: int) -> str:
    parts = [f"{index % 1000:03}"]
    while index := index // 1000:
        parts.insert(0, f"x{index % 1000:03}")
    place = "/".join(parts)
    return place if width == WIDTH else f"{place}.p/{width}"
