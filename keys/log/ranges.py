"""That a run of entries is in a tree: the roots of all that stands beside it, and nothing more.

The tree is split as RFC 6962 §2.1 splits it, from its root down. What lies wholly outside of the
run is one hash, from left to right; what lies wholly inside is computed. There are at most two
hashes a height.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING

from keys.merkle import ProofInvalid, largest_power_below, node_hash, root

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keys.merkle import RangeRoot


def beside(first: int, end: int, size: int, range_root: RangeRoot) -> tuple[bytes, ...]:
    """Gives the roots of what stands beside the entries from `first` to `end`, excluded.

    Raises:
        IndexError: there is no such run of at least one entry.
    """
    _require_run(first, end, size)
    return tuple(range_root(low, high) for low, high in _outside(first, end, 0, size))


def verify_run(
    first: int,
    leaf_hashes: Sequence[bytes],
    size: int,
    hashes: Sequence[bytes],
    expected_root: bytes,
) -> None:
    """Demands that the leaves stand from `first` on in the tree of `size` under the root.

    Raises:
        ProofInvalid: they do not, or the hashes are not exactly those that show it.
    """
    end = first + len(leaf_hashes)
    try:
        _require_run(first, end, size)
    except IndexError as error:
        raise ProofInvalid(str(error)) from error
    given = iter(hashes)

    def walk(low: int, high: int) -> bytes:
        if high <= first or end <= low:
            found = next(given, None)
            if found is None:
                raise ProofInvalid("fewer hashes than stand beside the run")
            return found
        if first <= low and high <= end:
            return root(leaf_hashes[low - first : high - first])
        middle = low + largest_power_below(high - low)
        return node_hash(walk(low, middle), walk(middle, high))

    reached = walk(0, size)
    if next(given, None) is not None:
        raise ProofInvalid("more hashes than stand beside the run")
    if not compare_digest(reached, expected_root):
        raise ProofInvalid("the run leads to another root")


def _outside(first: int, end: int, low: int, high: int) -> Iterator[tuple[int, int]]:
    if high <= first or end <= low:
        yield low, high
    elif not (first <= low and high <= end):
        middle = low + largest_power_below(high - low)
        yield from _outside(first, end, low, middle)
        yield from _outside(first, end, middle, high)


def _require_run(first: int, end: int, size: int) -> None:
    if not 0 <= first < end <= size:
        raise IndexError(f"no entries {first} to {end} among {size}")
