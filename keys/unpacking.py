"""The payload of a dispatch on its way in: looked at ahead, then read as one strict archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from keys.errors import PackageMalformed
from keys.ustar import BLOCK_BYTES, END, padding_after, read_entry_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keys.age.stream import OpeningStream


class Payload:
    """What follows the header in a file: can be looked at before it is read."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._ahead = bytearray()

    def peek(self, count: int) -> bytes:
        """Gives up to `count` bytes from here without consuming them; fewer at the file's end."""
        missing = count - len(self._ahead)
        if missing > 0:
            self._ahead += self._source.read(missing)
        return bytes(self._ahead[:count])

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Reads as `io.RawIOBase.readinto` does, what was looked at first."""
        if self._ahead:
            count = min(len(buffer), len(self._ahead))
            buffer[:count] = self._ahead[:count]
            del self._ahead[:count]
            return count
        return self._source.readinto(buffer)  # type: ignore[attr-defined, no-any-return]  # BinaryIO


class Package:
    """The archive, read in order from authentic chunks."""

    def __init__(self, stream: OpeningStream) -> None:
        self._stream = stream
        self._view = memoryview(b"")

    def next_entry(self) -> tuple[str, int]:
        """Gives the name and the size of the next entry. Raises PackageMalformed."""
        return read_entry_header(self._take(BLOCK_BYTES))

    def body(self, size: int) -> bytes:
        """Gives a small body, whole. Raises PackageMalformed."""
        data = self._take(size)
        self._skip_padding(size)
        return data

    def keep_chunks(self, count: int) -> None:
        """From here on, a piece stays as it is while up to `count` - 1 more are taken."""
        self._stream.keep_chunks(count)

    def pass_body(self, size: int, receive: Callable[[memoryview], object]) -> None:
        """Gives a body of any size, piece by piece. Raises PackageMalformed."""
        for piece in self.pieces(size):
            receive(piece)

    def pieces(self, size: int) -> Iterator[memoryview]:
        """Gives a body of any size; each piece holds until the next, or as `keep_chunks` says.

        Raises PackageMalformed.
        """
        remaining = size
        while remaining:
            piece = self._piece(remaining)
            remaining -= len(piece)
            yield piece
        self._skip_padding(size)

    def end(self) -> None:
        """Demands the end of the archive and of the payload. Raises PackageMalformed."""
        if self._take(len(END)) != END:
            raise PackageMalformed("the archive goes on where the manifest ends")
        if self._view or self._stream.next_chunk():
            raise PackageMalformed("something follows the end of the archive")

    def _skip_padding(self, size: int) -> None:
        if any(self._take(padding_after(size))):
            raise PackageMalformed("the padding of an entry is not zero")

    def _take(self, count: int) -> bytes:
        pieces = []
        while count:
            pieces.append(bytes(self._piece(count)))
            count -= len(pieces[-1])
        return b"".join(pieces)

    def _piece(self, most: int) -> memoryview:
        if not self._view:
            self._view = self._stream.next_chunk()
            if not self._view:
                raise PackageMalformed("the archive ends too early")
        piece, self._view = self._view[:most], self._view[most:]
        return piece
