"""What a second thread hashes while the first deciphers: the same hash, the same refusals."""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from keys.errors import PartMismatch, PayloadDamaged
from keys.hashing import LARGE, PIECES_LASTING, digesting
from tests.vectors.forge import Entry, Forgery, identity, open_with

PARIS = identity("PARIS")
PIECE = 1 << 16


def _sealed(content: bytes) -> Forgery:
    return Forgery([PARIS.card], [("message.txt", b"Ci-joint."), ("attachments/001-x", content)])


def _reused(content: bytes, buffers: int) -> Iterator[memoryview]:
    """The content in pieces of a few buffers, each written over in its turn."""
    ring = [bytearray(PIECE) for _ in range(buffers)]
    for at in range(0, len(content), PIECE):
        buffer = ring[at // PIECE % buffers]
        buffer[:] = content[at : at + PIECE]
        yield memoryview(buffer)


class _Slow:
    """A hash that is always behind, as on a busy core."""

    def __init__(self, digest: "hashlib._Hash") -> None:
        self._digest = digest

    def update(self, piece: memoryview) -> None:
        time.sleep(0.0005)
        self._digest.update(piece)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


@pytest.mark.parametrize("size", [LARGE - 1, LARGE, LARGE + 1, LARGE + 7 * PIECE + 5])
def test_a_large_part_is_read_like_any_other(size: int, tmp_path: Path) -> None:
    content = os.urandom(size)
    with open_with(_sealed(content).seal(), PARIS, tmp_path) as opened:
        assert (opened.folder / "attachments/001-x").read_bytes() == content


def test_two_large_parts_and_a_small_one_behind_them(tmp_path: Path) -> None:
    contents = [os.urandom(LARGE + 1), os.urandom(LARGE + PIECE), b"small"]
    names = [f"attachments/{at:03}-x" for at in range(1, 4)]
    forged = Forgery([PARIS.card], [("message.txt", b""), *zip(names, contents, strict=True)])
    with open_with(forged.seal(), PARIS, tmp_path) as opened:
        assert [(opened.folder / name).read_bytes() for name in names] == contents


def test_a_hash_that_falls_behind_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pieces lie in as many buffers as it asks for, and not one more."""
    content = os.urandom(LARGE)
    expected = hashlib.sha256(content).hexdigest()
    asked: list[int] = []
    slow = _Slow(hashlib.sha256())
    monkeypatch.setattr("keys.hashing.hashlib.sha256", lambda: slow)
    with digesting(len(content), asked.append) as digest:
        for piece in _reused(content, PIECES_LASTING):
            digest.update(piece)
    assert digest.hexdigest() == expected
    assert asked == [PIECES_LASTING]


def test_what_is_small_needs_no_second_thread() -> None:
    with digesting(LARGE - 1, lambda _count: pytest.fail("nothing need stay")) as digest:
        before = threading.active_count()
        for piece in _reused(bytes(LARGE), 1):
            digest.update(piece)
    assert before == threading.active_count()
    assert digest.hexdigest() == hashlib.sha256(bytes(LARGE)).hexdigest()


@pytest.mark.parametrize("place", [0, PIECE, LARGE // 2, LARGE - 1])
def test_a_large_part_that_was_not_hashed_so_is_refused(place: int, tmp_path: Path) -> None:
    content = os.urandom(LARGE)

    def change(entries: list[Entry]) -> None:
        data = bytearray(entries[-1].data)
        data[place] ^= 1
        entries[-1].data = bytes(data)

    forged = _sealed(content)
    forged.alter_entries = change
    with pytest.raises(PartMismatch, match="does not have the hash"):
        open_with(forged.seal(), PARIS, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_refusal_amid_a_large_part_leaves_neither_bytes_nor_thread(tmp_path: Path) -> None:
    sealed = bytearray(_sealed(os.urandom(LARGE)).seal())
    sealed[len(sealed) // 2] ^= 1
    with pytest.raises(PayloadDamaged):
        open_with(bytes(sealed), PARIS, tmp_path)
    assert not list(tmp_path.iterdir())
    assert "hashing" not in {thread.name for thread in threading.enumerate()}


def test_a_receiver_that_fails_leaves_no_thread() -> None:
    def receive() -> None:
        with digesting(LARGE, lambda _count: None) as digest:
            for piece in islice(_reused(bytes(LARGE), PIECES_LASTING), 5):
                digest.update(piece)
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        receive()
    assert "hashing" not in {thread.name for thread in threading.enumerate()}
