"""Small logs in memory, by the naive definition."""

from collections.abc import Callable, Sequence
from hashlib import sha256

from keys.log.errors import LogDamaged
from keys.log.tiles import WIDTH, Tile
from keys.merkle import leaf_hash, root


def hashes(count: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4, "big")) for number in range(count)]


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1 as it is written."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def naive_proof(old: int, leaves: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2 as it is written."""
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if old <= split:
        return [*naive_proof(old, leaves[:split], whole=whole), naive_root(leaves[split:])]
    right = naive_proof(old - split, leaves[split:], whole=False)
    return [*right, naive_root(leaves[:split])]


def range_roots(leaves: Sequence[bytes]) -> Callable[[int, int], bytes]:
    return lambda low, high: root(leaves[low:high])


def tiles_in_memory(leaves: Sequence[bytes]) -> Callable[[Tile], bytes]:
    """Every tile computed from the leaves, the slow way."""

    def read(tile: Tile) -> bytes:
        span = WIDTH**tile.level
        first = tile.index * WIDTH
        parts = [
            root(leaves[at * span : (at + 1) * span]) for at in range(first, first + tile.width)
        ]
        if (first + tile.width) * span > len(leaves):
            raise LogDamaged("no such tile")
        return b"".join(parts)

    return read
