"""Tiles, bundles, proofs and leaves."""

import gc
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.log.checkpoints import Checkpoint
from keys.log.errors import LogDamaged, NoteMalformed
from keys.log.leaves import commit, require_record
from keys.log.notes import Ed25519Signer, Note
from keys.log.proofs import LogProof
from keys.log.tiles import Tile, TileTree, encode_bundle, read_bundle, split_tile, tiles_of
from keys.merkle import (
    ProofInvalid,
    consistency_path_of,
    inclusion_path,
    leaf_hash,
    root,
    verify_consistency,
)
from tests.support.trees import hashes, range_roots, tiles_in_memory

LOG = Ed25519Signer("log.example/audit", b"\1" * 32)
LEAVES = hashes(1100)


def test_the_specifications_worked_example() -> None:
    """A tree of 70,000: 273 full tiles and one of 112, one full and one of 17, one of 1."""
    found = list(tiles_of(70_000))
    assert [tile for tile in found if tile.level == 1] == [Tile(1, 0), Tile(1, 1, 17)]
    assert [tile for tile in found if tile.level == 2] == [Tile(2, 0, 1)]
    ground = [tile for tile in found if tile.level == 0]
    assert (len(ground), ground[-1]) == (274, Tile(0, 273, 112))
    assert list(tiles_of(0)) == []
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]


def test_the_paths_of_the_specification() -> None:
    assert Tile(0, 1234067).path == "tile/0/x001/x234/067"
    assert Tile(1, 0, 17).path == "tile/1/000.p/17"
    assert Tile(0, 273, 112).entries_path == "tile/entries/273.p/112"


@settings(max_examples=60)
@given(st.integers(1, 1100), st.data())
def test_any_subtree_is_read_from_tiles(size: int, data: st.DataObject) -> None:
    leaves = LEAVES[:size]
    tree = TileTree(size, tiles_in_memory(leaves))
    assert tree.root() == root(leaves)
    old = data.draw(st.integers(1, size))
    path = consistency_path_of(old, size, tree.range_root)
    assert path == consistency_path_of(old, size, range_roots(leaves))
    verify_consistency(old, root(leaves[:old]), size, tree.root(), path)


def test_a_tree_goes_with_its_tiles_as_soon_as_nobody_holds_it() -> None:
    tree = TileTree(300, tiles_in_memory(LEAVES[:300]))
    tree.root()
    gone = weakref.ref(tree)
    gc.disable()
    try:
        del tree
        assert gone() is None
    finally:
        gc.enable()


def test_the_wider_levels() -> None:
    leaves = hashes(256 * 256 + 3)
    tree = TileTree(len(leaves), tiles_in_memory(leaves))
    assert tree.root() == root(leaves)
    assert TileTree(0, tiles_in_memory([])).root() == root([])


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_are_read_again(entries: list[bytes]) -> None:
    assert read_bundle(encode_bundle(entries), len(entries)) == entries


def test_what_is_no_bundle_and_no_tile() -> None:
    with pytest.raises(ValueError, match="too long"):
        encode_bundle([bytes(65536)])
    for data, width in ((b"\0\2a", 1), (b"\0\1a", 2), (b"\0", 1)):
        with pytest.raises(LogDamaged):
            read_bundle(data, width)
    with pytest.raises(LogDamaged):
        split_tile(bytes(31), 1)


def proof(index: int = 2, extra: bytes | None = None) -> LogProof:
    entries = [bytes([number]) for number in range(5)]
    leaves = [leaf_hash(entry) for entry in entries]
    text = Checkpoint("log.example/audit", 5, root(leaves)).encode()
    return LogProof(index, inclusion_path(index, leaves), Note(text, (LOG.sign(text),)), extra)


@pytest.mark.parametrize("extra", [None, b"", b"salt"])
def test_a_proof_stands_alone(extra: bytes | None) -> None:
    read = LogProof.parse(proof(extra=extra).encode())
    assert read == proof(extra=extra)
    assert read.verify(b"\2", LOG.verifier).size == 5
    with pytest.raises(ProofInvalid):
        read.verify(b"\3", LOG.verifier)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"@v1", b"@v2"),
        (b"index 2", b"index 02"),
        (b"index 2\n", b""),
        (b"index 2\n", b"index 2\nAAAA\n"),
        (b"index 2\n", b"index 2\n" + b"A" * 43 + b"=\n" * 1),
        (b"\n\n", b"\n"),
    ],
)
def test_what_is_no_proof(was: bytes, becomes: bytes) -> None:
    data = proof().encode().replace(was, becomes)
    try:
        LogProof.parse(data).verify(b"\2", LOG.verifier)
    except (NoteMalformed, ProofInvalid):
        return
    pytest.fail("accepted")


def test_nothing_at_all_is_no_proof() -> None:
    for data in (b"", b"c2sp.org/tlog-proof@v1", b"\xff\n\n", b"c2sp.org/tlog-proof@v1\n\n"):
        with pytest.raises(NoteMalformed):
            LogProof.parse(data)


def test_a_leaf_tells_nothing_and_binds_everything() -> None:
    entry = commit(b"{}", b"\1" * 32)
    require_record(entry, b"{}", b"\1" * 32)
    assert entry != commit(b"{}", b"\2" * 32)
    for record, salt in ((b"{ }", b"\1" * 32), (b"{}", b"\2" * 32), (b"{}", b"\1" * 31)):
        with pytest.raises(LogDamaged):
            require_record(entry, record, salt)
    with pytest.raises(ValueError, match="32"):
        commit(b"{}", b"")


def test_the_leaf_of_the_format_page() -> None:
    """The vector of LOG.md §5."""
    assert commit(b'{"v":1}', bytes(range(32))).hex() == VECTOR


VECTOR = "5d3bf03d5a18f79126a25c8b724dd02660bd62987f367f93d7dbd535887b50a5"
