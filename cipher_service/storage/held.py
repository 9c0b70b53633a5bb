"""Where an envelope's bytes are: in a row, in a file, or in both, header and payload apart.

    held = Held(header, sha256_of_the_file, starts)
    with opened(blobs, held) as source: ...           # the whole envelope, seekable
    digest(blobs, held) == Body(sha256, size)          # what it really is

A rerouted envelope has another header over the payload of the one it was made of. That payload
stays where it lies, in the file of the envelope that came first, from its own header's end on; the
new header is a row, which rides on the commit that records the dispatch. So a rerouting writes one
header whatever the payload's size, and there is no moment at which one of two parts is there alone.
"""

import hashlib
import io
from dataclasses import dataclass

from cipher_service.storage.blobs import Blobs, Body

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Held:
    """The bytes `head`, then those of a stored file from `starts` on.

    Attributes:
        head: of a small envelope all of it, of one that is a file nothing.
        file: hex SHA-256 that the file of the blob store is named by; None where there is none.
        starts: how many bytes of that file are left out.
    """

    head: bytes
    file: str | None = None
    starts: int = 0

    def size(self, blobs: Blobs) -> int | None:
        """Return the envelope's size in bytes; None when its file is not here."""
        if self.file is None:
            return len(self.head)
        stored = blobs.size(self.file)
        return None if stored is None else len(self.head) + max(stored - self.starts, 0)

    def beyond(self, place: int) -> "Held":
        """Return what is held from a place on that `head` does not reach beyond, without a head.

        Raises:
            ValueError: there is no file, or `head` goes on after that place.
        """
        if self.file is None or place < len(self.head):
            raise ValueError("what follows is not in a file alone")
        return Held(b"", self.file, self.starts + place - len(self.head))


def opened(blobs: Blobs, held: Held) -> io.BytesIO | io.BufferedReader:
    """Open an envelope at its first byte, whatever it is put together of.

    Raises:
        OSError: its file is gone, or cannot be read.
    """
    if held.file is None:
        return io.BytesIO(held.head)
    file = blobs.path(held.file).open("rb", buffering=0)
    if not held.head and not held.starts:
        return io.BufferedReader(file)
    return io.BufferedReader(_Joined(held, file), _PIECE)


def digest(blobs: Blobs, held: Held) -> Body:
    """Read an envelope to its end and return what it really is.

    Raises:
        OSError: its file is gone, or cannot be read.
    """
    found, size, buffer = hashlib.sha256(), 0, bytearray(_PIECE)
    with opened(blobs, held) as source:
        while count := source.readinto(buffer):
            found.update(memoryview(buffer)[:count])
            size += count
    return Body(found.hexdigest(), size)


class _Joined(io.RawIOBase):
    """A head and what a file holds from a place on, as one file; seekable."""

    def __init__(self, held: Held, file: io.FileIO) -> None:
        super().__init__()
        self._head = held.head
        self._starts = held.starts
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader gives
        if self._at < len(self._head):
            piece = self._head[self._at : self._at + len(buffer)]
            buffer[: len(piece)] = piece
            taken = len(piece)
        else:
            self._file.seek(self._starts + self._at - len(self._head))
            taken = self._file.readinto(buffer) or 0
        self._at += taken
        return taken

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_CUR:
            offset += self._at
        elif whence == io.SEEK_END:
            end = self._file.seek(0, io.SEEK_END)
            offset += len(self._head) + max(end - self._starts, 0)
        if offset < 0:
            raise ValueError("before the first byte")
        self._at = offset
        return offset

    def close(self) -> None:
        self._file.close()
        super().close()
