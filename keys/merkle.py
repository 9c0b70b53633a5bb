"""Merkle trees as in RFC 6962 §2.1 (unchanged in RFC 9162 §2.1): hashing, roots, inclusion.

Leaves and nodes are hashed under different prefixes, so no inner node can be passed off as a leaf.
A tree of n leaves splits at the largest power of two below n; nothing is padded or repeated, so
no two lists of leaves share a root.
"""

from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import ClassVar

from keys.errors import Refusal

HASH_SIZE = 32

_LEAF = b"\x00"
_NODE = b"\x01"


class ProofInvalid(Refusal):
    """An inclusion proof does not lead from the leaf to the root."""

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


def inclusion_paths(leaf_hashes: Sequence[bytes]) -> list[tuple[bytes, ...]]:
    """Return the audit paths of all leaves, hashing the tree once."""
    levels = _levels(leaf_hashes)
    return [_path(index, levels) for index in range(len(leaf_hashes))]


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
    position, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ProofInvalid("the path is longer than the tree is high")
        if position & 1 or position == last:
            node = _node_hash(sibling, node)
            # A right edge: the levels at which the node has no sibling are skipped.
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            node = _node_hash(node, sibling)
        position >>= 1
        last >>= 1
    if last != 0:
        raise ProofInvalid("the path is shorter than the tree is high")
    if not compare_digest(node, expected_root):
        raise ProofInvalid("the path leads to another root")


def _node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(_NODE + left + right).digest()


def _levels(leaf_hashes: Sequence[bytes]) -> list[list[bytes]]:
    """Return the tree from its leaves to its root, a list of nodes per height.

    Pairing neighbours and promoting a last odd one yields the very tree that the RFC defines by
    splitting at powers of two.
    """
    levels = [list(leaf_hashes)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        above = [_node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        levels.append(above + below[len(above) * 2 :])
    return levels


def _path(index: int, levels: list[list[bytes]]) -> tuple[bytes, ...]:
    siblings = ((level, (index >> height) ^ 1) for height, level in enumerate(levels[:-1]))
    return tuple(level[sibling] for level, sibling in siblings if sibling < len(level))
