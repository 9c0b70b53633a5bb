"""The content of a part, read twice: once for its hash, once to be enciphered.

The manifest stands before the parts and holds their hashes, so a part must be read before the
first byte is written; where the manifest may be written last (`keys.reading_once`), its size is
asked first and it is read once. A file that changes in between would give a dispatch that every
addressee refuses; `Source` notices by the file's size, times and byte count.
"""

from __future__ import annotations

import hashlib
import io
import os
from contextlib import AbstractContextManager, nullcontext
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from keys.errors import SourceChangedError
from keys.hashing import digesting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keys.age.stream import SealingStream

# Bytes at hand, the path of a regular file, or an open one (seekable, read from its beginning).
Content = bytes | Path | BinaryIO

# Large enough that the calls cost nothing, small enough to stay in a core's cache.
_BUFFER_BYTES = 256 * 1024


class Source:
    """One content; `size` is known after `measure`, or `gauge`."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._state: tuple[int, ...] = ()
        self.size = 0

    def measure(self) -> str:
        """Reads everything, sets `size`, and gives the lower-case hex SHA-256.

        Raises:
            OSError: the content cannot be opened, or not be read twice (a pipe).
        """
        digest = hashlib.sha256()
        with self._opened() as file:
            self._state = _state(file)
            for piece in _pieces(file):
                digest.update(piece)
                self.size += len(piece)
        return digest.hexdigest()

    def gauge(self) -> None:
        """Sets `size` and reads nothing.

        Raises:
            OSError: the content cannot be opened, or has no end to seek (a pipe).
        """
        with self._opened() as file:
            self._state = _state(file)
            self.size = file.seek(0, io.SEEK_END)

    def write_to(self, stream: SealingStream) -> None:
        """Reads everything again, into `stream`: exactly the bytes that were measured.

        Raises:
            SourceChangedError: the file is not as it was.
            OSError: from the file or the stream.
        """
        self._give(stream.write, 1)

    def write_hashed_to(self, stream: SealingStream) -> str:
        """Reads as many bytes as were gauged into `stream`; gives their lower-case hex SHA-256.

        Raises:
            SourceChangedError: the file is not as it was.
            OSError: from the file or the stream.
        """
        buffers = [1]
        with digesting(self.size, buffers.append) as digest:

            def give(piece: memoryview) -> None:
                digest.update(piece)
                stream.write(piece)

            self._give(give, buffers[-1])
        return digest.hexdigest()

    def _give(self, receive: Callable[[memoryview], object], buffers: int) -> None:
        remaining = self.size
        with self._opened() as file:
            for piece in _pieces(file, buffers):
                remaining -= len(piece)
                if remaining < 0:
                    break
                receive(piece)
            if remaining or _state(file) != self._state:
                raise SourceChangedError("a file changed while it was being enciphered")

    def _opened(self) -> AbstractContextManager[BinaryIO]:
        """The content at its beginning; a file given open stays open."""
        if isinstance(self._content, bytes):
            return io.BytesIO(self._content)
        if isinstance(self._content, Path):
            # Unbuffered, since the pieces are large; BinaryIO and FileIO share what is used here.
            return cast("BinaryIO", self._content.open("rb", buffering=0))
        return nullcontext(self._content)


def _pieces(file: BinaryIO, buffers: int = 1) -> Iterator[memoryview]:
    """The whole file in pieces of a few buffers, reused in turn."""
    file.seek(0)
    # Whatever is open for reading bytes has it; the type of files leaves it out.
    read = cast("io.BufferedReader", file).readinto
    views = cycle([memoryview(bytearray(_BUFFER_BYTES)) for _ in range(buffers)])
    while count := read(view := next(views)):
        yield view[:count]


def _state(file: BinaryIO) -> tuple[int, ...]:
    """What changes when a file is written to; nothing for bytes in memory."""
    try:
        descriptor = file.fileno()
    except io.UnsupportedOperation:
        return ()
    status = os.fstat(descriptor)
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
