"""Consistency proofs and growing trees, against RFC 6962 read word for word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.merkle import (
    Frontier,
    ProofInvalid,
    consistency_path_of,
    inclusion_path,
    inclusion_path_of,
    root,
    verify_consistency,
)
from tests.support.trees import hashes, naive_proof, naive_root, range_roots

LEAVES = hashes(70)


def test_every_pair_up_to_seventy_is_as_the_rfc_defines_it() -> None:
    for size in range(71):
        tree = LEAVES[:size]
        for old in range(size + 1):
            path = consistency_path_of(old, size, range_roots(tree))
            assert list(path) == (naive_proof(old, tree) if old else [])
            verify_consistency(old, naive_root(LEAVES[:old]), size, naive_root(tree), path)


def test_every_inclusion_path_is_the_one_made_in_memory() -> None:
    for size in range(1, 71):
        for index in range(size):
            made = inclusion_path_of(index, size, range_roots(LEAVES[:size]))
            assert made == inclusion_path(index, LEAVES[:size])


@given(st.integers(1, 70).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))), st.data())
def test_a_path_that_lies_proves_nothing(sizes: tuple[int, int], data: st.DataObject) -> None:
    old, size = sizes
    tree = range_roots(LEAVES[:size])
    path = list(consistency_path_of(old, size, tree))
    before, after = root(LEAVES[:old]), root(LEAVES[:size])
    change = data.draw(st.sampled_from(["more", "less", "flip", "root", "old root", "size"]))
    if change == "more":
        path.append(LEAVES[0])
    elif change == "less" and path:
        path.pop(data.draw(st.integers(0, len(path) - 1)))
    elif change == "flip" and path:
        at = data.draw(st.integers(0, len(path) - 1))
        path[at] = bytes([path[at][0] ^ 1]) + path[at][1:]
    elif change == "root":
        after = LEAVES[0] if size > 1 else LEAVES[1]
    else:
        before = root(LEAVES[: old + 1] if old < 70 else LEAVES[:3])
    with pytest.raises(ProofInvalid):
        verify_consistency(old, before, size, after, path)


@pytest.mark.parametrize(
    ("old", "size", "path"),
    [(3, 2, ()), (-1, 2, ()), (0, 5, (LEAVES[0],)), (3, 5, ()), (4, 5, ()), (5, 5, (LEAVES[0],))],
)
def test_what_no_proof_can_be(old: int, size: int, path: tuple[bytes, ...]) -> None:
    with pytest.raises(ProofInvalid):
        verify_consistency(old, root(LEAVES[: max(old, 0)]), size, root(LEAVES[:size]), path)


def test_no_proof_is_made_of_what_is_not_there() -> None:
    with pytest.raises(IndexError):
        consistency_path_of(3, 2, range_roots(LEAVES[:2]))
    with pytest.raises(IndexError):
        inclusion_path_of(2, 2, range_roots(LEAVES[:2]))


def test_a_frontier_grows_as_the_tree_does() -> None:
    frontier = Frontier()
    for size in range(70):
        assert (frontier.size, frontier.root()) == (size, naive_root(LEAVES[:size]))
        frontier = Frontier(frontier.size, frontier.peaks)
        frontier.append(LEAVES[size])


@pytest.mark.parametrize(("size", "peaks"), [(3, 1), (-1, 0), (0, 1)])
def test_a_frontier_needs_its_peaks(size: int, peaks: int) -> None:
    with pytest.raises(ValueError, match="peaks"):
        Frontier(size, LEAVES[:peaks])
