"""The SHA-256 of a large part, made by a second thread while the first goes on deciphering.

    with digesting(size, package.keep_chunks) as digest:
        for piece in package.pieces(size):
            digest.update(piece)
    digest.hexdigest()

`hashlib` lets go of the interpreter while it works, so two cores share what one core did; nothing
is copied for it. What is small is hashed where it is: a thread takes longer to begin.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LARGE: Final = 4 * 1024 * 1024
"""Bytes from which on a thread is worth its beginning."""
_BATCH: Final = 4  # pieces handed over at once: handing over takes as long as hashing kilobytes
_BATCHES: Final = 2  # that may wait or be at work; beyond it the giver waits
PIECES_LASTING: Final = _BATCH * (_BATCHES + 1)
"""How many pieces must stay as they are, the one just given among them."""


class Digest(Protocol):
    """What takes pieces and then gives their hash."""

    def update(self, piece: memoryview, /) -> None:
        """Take the next piece."""
        ...

    def hexdigest(self) -> str:
        """Give the lower-case hex SHA-256 of all of them."""
        ...


@contextmanager
def digesting(size: int, keep: Callable[[int], object]) -> Iterator[Digest]:
    """Give what hashes `size` bytes; its hash is to be asked after the block.

    However the block ends, no thread is left behind and no piece is needed any longer.

    Args:
        size: of all pieces together.
        keep: told how many pieces, the newest among them, must stay as they are from here on; not
            called where one does.
    """
    if size < LARGE:
        yield hashlib.sha256()
        return
    keep(PIECES_LASTING)
    beside = _Beside()
    try:
        yield beside
    finally:
        beside.end()


class _Beside:
    """Hashes in a thread of its own, never more than `PIECES_LASTING` pieces behind."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._batch: list[memoryview] = []
        self._given: SimpleQueue[list[memoryview]] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()
        for _ in range(_BATCHES):
            self._room.put(None)
        self._thread = Thread(target=self._work, name="hashing", daemon=True)
        self._thread.start()

    def update(self, piece: memoryview, /) -> None:
        self._batch.append(piece)
        if len(self._batch) == _BATCH:
            self._room.get()
            self._given.put(self._batch)
            self._batch = []

    def end(self) -> None:
        self._given.put(self._batch)
        self._given.put([])
        self._thread.join()

    def hexdigest(self) -> str:
        return self._digest.hexdigest()

    def _work(self) -> None:
        while batch := self._given.get():
            for piece in batch:
                self._digest.update(piece)
            self._room.put(None)
