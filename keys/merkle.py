"""Merkle trees as in RFC 6962 §2.1 (unchanged in RFC 9162 §2.1): hashing, roots, both proofs.

Leaves and nodes are hashed under different prefixes, so no inner node can be passed off as a leaf.
A tree of n leaves splits at the largest power of two below n; nothing is padded or repeated, so
no two lists of leaves share a root.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import ClassVar

from keys.errors import Refusal

HASH_SIZE = 32

_LEAF = b"\x00"
_NODE = b"\x01"


class ProofInvalid(Refusal):
    """A proof does not lead from the leaf, or from the earlier root, to the root."""

    code: ClassVar[str] = "PROOF_INVALID"


def leaf_hash(entry: bytes) -> bytes:
    """Return the 32-byte hash of one entry (RFC 6962 §2.1)."""
    return sha256(_LEAF + entry).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the 32-byte root over `leaf_hashes`; of no leaves at all, SHA-256 of nothing."""
    return _levels(leaf_hashes)[-1][0] if leaf_hashes else sha256().digest()


def inclusion_path(index: int, leaf_hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the audit path of leaf `index`, nearest sibling first (RFC 6962 §2.1.1).

    Raises:
        IndexError: There is no such leaf.
    """
    if not 0 <= index < len(leaf_hashes):
        raise IndexError(f"no leaf {index} among {len(leaf_hashes)}")
    return _path(index, _levels(leaf_hashes))


def rooted_paths(leaf_hashes: Sequence[bytes]) -> tuple[bytes, list[tuple[bytes, ...]]]:
    """Return the root and the audit paths of all leaves, hashing the tree once.

    Raises:
        IndexError: There are no leaves.
    """
    levels = _levels(leaf_hashes)
    return levels[-1][0], [_path(index, levels) for index in range(len(leaf_hashes))]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes
) -> None:
    """Check that leaf hash `leaf` stands at `index` in the tree of `size` leaves under the root.

    The loop is that of RFC 9162 §2.1.3.2: the bits of `index` and of the last index say on which
    side each sibling stands, and exactly as many siblings as the tree is high are taken.

    Raises:
        ProofInvalid: Anything else: index out of the tree, path too short or too long, other root.
    """
    if not 0 <= index < size:
        raise ProofInvalid(f"leaf {index} is outside a tree of {size}")
    node = leaf
    for sibling, before in _climb(index, size - 1, path):
        node = node_hash(sibling, node) if before else node_hash(node, sibling)
    if not compare_digest(node, expected_root):
        raise ProofInvalid("the path leads to another root")


RangeRoot = Callable[[int, int], bytes]
"""Gives the root over the leaves from the first index to the second, excluded."""


def inclusion_path_of(index: int, size: int, range_root: RangeRoot) -> tuple[bytes, ...]:
    """Return the audit path of a leaf in a tree that is not held in memory (RFC 6962 §2.1.1).

    Raises:
        IndexError: There is no such leaf.
    """
    if not 0 <= index < size:
        raise IndexError(f"no leaf {index} among {size}")
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + largest_power_below(high - low)
        if index < middle:
            path.append(range_root(middle, high))
            high = middle
        else:
            path.append(range_root(low, middle))
            low = middle
    return tuple(reversed(path))


def consistency_path_of(old: int, size: int, range_root: RangeRoot) -> tuple[bytes, ...]:
    """Return the proof that the tree of `old` leaves begins that of `size` (RFC 6962 §2.1.2).

    It is empty from the empty tree and from the same one.

    Raises:
        IndexError: `old` is above `size`, or negative.
    """
    if not 0 <= old <= size:
        raise IndexError(f"no tree of {old} within {size}")
    if old in (0, size):
        return ()
    low, high, path = 0, size, []
    while high != old:
        middle = low + largest_power_below(high - low)
        if old <= middle:
            path.append(range_root(middle, high))
            high = middle
        else:
            path.append(range_root(low, middle))
            low = middle
    # The earlier tree is itself a subtree when every step went left: then its root is known.
    if low:
        path.append(range_root(low, high))
    return tuple(reversed(path))


def verify_consistency(
    old: int, old_root: bytes, size: int, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the tree of `old` leaves is the beginning of the tree of `size`.

    The loop is that of RFC 9162 §2.1.4.2.

    Raises:
        ProofInvalid: It is not, or the path is not exactly the one that shows it.
    """
    if not 0 <= old <= size:
        raise ProofInvalid(f"a tree of {old} is no beginning of one of {size}")
    if old in (0, size):
        known = root(()) if old == 0 else new_root
        if path or not compare_digest(old_root, known):
            raise ProofInvalid("another root of the same tree, or a path where there is none")
        return
    position, last = old - 1, size - 1
    while position & 1:
        position >>= 1
        last >>= 1
    siblings = list(path)
    if not old & (old - 1):  # a whole subtree: its root is not repeated in the path
        siblings.insert(0, old_root)
    if not siblings:
        raise ProofInvalid("the path is empty")
    earlier = present = siblings[0]  # the node that both trees have
    for sibling, before in _climb(position, last, siblings[1:]):
        if before:  # the earlier tree has what lies before, and nothing of what lies behind
            earlier, present = node_hash(sibling, earlier), node_hash(sibling, present)
        else:
            present = node_hash(present, sibling)
    if not (compare_digest(earlier, old_root) and compare_digest(present, new_root)):
        raise ProofInvalid("the path leads from or to another root")


def _climb(position: int, last: int, path: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Give each sibling on the way to the root, and whether it stands before the node.

    Args:
        position: of the node at its height.
        last: position of the last node at that height.
        path: siblings, the nearest first.

    Raises:
        ProofInvalid: There are not exactly as many siblings as the way asks for.
    """
    for sibling in path:
        if last == 0:
            raise ProofInvalid("the path is longer than the tree is high")
        before = bool(position & 1) or position == last
        yield sibling, before
        if before:
            # A right edge: the levels at which the node has no sibling are skipped.
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        position >>= 1
        last >>= 1
    if last != 0:
        raise ProofInvalid("the path is shorter than the tree is high")


class Frontier:
    """A growing tree, kept as the roots of its perfect subtrees: at most one a height.

    Args:
        size: number of leaves.
        peaks: the roots, of the widest subtree first: one for each bit set in `size`.

    Raises:
        ValueError: There are not as many peaks as `size` has bits set.
    """

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if size < 0 or len(peaks) != size.bit_count():
            raise ValueError(f"{len(peaks)} peaks do not make a tree of {size}")
        self.size = size
        self.peaks = list(peaks)

    def append(self, leaf: bytes) -> None:
        """Add a leaf's hash."""
        merging, node = self.size, leaf
        while merging & 1:
            node = node_hash(self.peaks.pop(), node)
            merging >>= 1
        self.peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        if not self.peaks:
            return root(())
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = node_hash(peak, node)
        return node


def largest_power_below(count: int) -> int:
    """Return the largest power of two below `count`, which is at least 2: where a tree splits."""
    return int(1 << ((count - 1).bit_length() - 1))


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32-byte hash of an inner node (RFC 6962 §2.1)."""
    return sha256(_NODE + left + right).digest()


def _levels(leaf_hashes: Sequence[bytes]) -> list[list[bytes]]:
    """Return the tree from its leaves to its root, a list of nodes per height.

    Pairing neighbours and promoting a last odd one yields the very tree that the RFC defines by
    splitting at powers of two.
    """
    levels = [list(leaf_hashes)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        above = [node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        levels.append(above + below[len(above) * 2 :])
    return levels


def _path(index: int, levels: list[list[bytes]]) -> tuple[bytes, ...]:
    siblings = ((level, (index >> height) ^ 1) for height, level in enumerate(levels[:-1]))
    return tuple(level[sibling] for level, sibling in siblings if sibling < len(level))
