"""RFC 6962 trees: the published vectors, every small tree, and paths that lie."""

import hashlib
from collections.abc import Callable, Sequence

import pytest

from keys.merkle import (
    ProofInvalid,
    inclusion_path,
    leaf_hash,
    root,
    rooted_paths,
    verify_inclusion,
)

# The eight entries and roots of Certificate Transparency's own reference tests
# (merkletree/compact_merkle_tree_test, also golang.org/x/mod and transparency-dev/merkle).
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243",
        "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def _rfc_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root by the RFC's own recursive definition over entries."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + _rfc_root(leaves[:split]) + _rfc_root(leaves[split:])).digest()


def test_the_published_roots() -> None:
    hashes = [leaf_hash(entry) for entry in ENTRIES]

    assert [root(hashes[: n + 1]).hex() for n in range(8)] == ROOTS
    assert root([]).hex() == hashlib.sha256(b"").hexdigest()


def test_every_leaf_of_every_tree_up_to_seventy_is_proven() -> None:
    entries = [bytes([n]) for n in range(70)]
    hashes = [leaf_hash(entry) for entry in entries]
    for size in range(1, 71):
        top = root(hashes[:size])
        assert top == _rfc_root(entries[:size])
        rooted, paths = rooted_paths(hashes[:size])
        assert rooted == top
        assert paths == [inclusion_path(index, hashes[:size]) for index in range(size)]
        for index, path in enumerate(paths):
            verify_inclusion(hashes[index], index, size, path, top)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8, 13])
def test_no_proof_stands_in_for_another_place(size: int) -> None:
    """Every leaf at every other index, size or leaf is refused."""
    hashes = [leaf_hash(bytes([n])) for n in range(size)]
    top = root(hashes)
    for index, path in enumerate(rooted_paths(hashes)[1]):
        for claimed in (n for n in range(-1, size + 2) if n != index):
            with pytest.raises(ProofInvalid):
                verify_inclusion(hashes[index], claimed, size, path, top)
        for other in (n for n in range(size) if n != index):
            with pytest.raises(ProofInvalid):
                verify_inclusion(hashes[other], index, size, path, top)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path[:-1],
        lambda path: (*path, bytes(32)),
        lambda path: path[::-1],
        lambda path: (bytes(32), *path[1:]),
        lambda path: path[:0],
    ],
    ids=["shorter", "longer", "reversed", "forged-sibling", "empty"],
)
@pytest.mark.parametrize("index", [0, 3, 4, 6])
def test_a_path_that_was_touched_is_refused(
    index: int, spoil: Callable[[tuple[bytes, ...]], tuple[bytes, ...]]
) -> None:
    hashes = [leaf_hash(bytes([n])) for n in range(7)]
    path = inclusion_path(index, hashes)

    with pytest.raises(ProofInvalid):
        verify_inclusion(hashes[index], index, 7, spoil(path), root(hashes))


def test_an_inner_node_is_not_a_leaf() -> None:
    """Second preimage: two leaves glued together must not hash like their parent."""
    hashes = [leaf_hash(b"a"), leaf_hash(b"b")]

    assert leaf_hash(hashes[0] + hashes[1]) != root(hashes)


def test_a_doubled_last_leaf_changes_the_root() -> None:
    """CVE-2012-2459: trees that repeat their last leaf give two lists one root."""
    hashes = [leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")]

    assert root(hashes) != root([*hashes, hashes[-1]])


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_path_to_a_leaf_that_is_not_there(index: int) -> None:
    with pytest.raises(IndexError):
        inclusion_path(index, [leaf_hash(bytes([n])) for n in range(3)])


def test_nothing_has_no_rooted_paths() -> None:
    with pytest.raises(IndexError):
        rooted_paths([])
