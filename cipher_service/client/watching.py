"""Reading files while counting, and putting a stream on disk when it must be read twice."""

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from cipher_service.client.terminal import Advance

_BUFFER = 1 << 20
_READ_AHEAD = 1 << 18
_ZEROS = bytes(_BUFFER)


class Watched(io.RawIOBase):
    """A raw file that tells how far reading is.

    Args:
        file: raw, open for reading; stays its opener's to close.
        advance: called with the number of bytes of each reading.
    """

    def __init__(self, file: io.RawIOBase, advance: Advance) -> None:
        self._file = file
        self._advance = advance

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """As the file is."""
        return self._file.seekable()

    def fileno(self) -> int:
        """Return the file's descriptor."""
        return self._file.fileno()

    def readinto(self, buffer: "bytearray | memoryview", /) -> int | None:  # type: ignore[override] # narrower than Buffer: all callers here pass one of these
        """Read into `buffer` and count."""
        count = self._file.readinto(buffer)
        if count:
            self._advance(count)
        return count

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move as the file does."""
        return self._file.seek(offset, whence)


@contextmanager
def watched_buffered(path: Path, advance: Advance) -> Iterator[BinaryIO]:
    """Open a file for one buffered reading that is counted. Raises OSError."""
    with path.open("rb", buffering=0) as raw:
        yield cast("BinaryIO", io.BufferedReader(Watched(raw, advance), _READ_AHEAD))


def require_file(path: Path) -> None:
    """Raise the system's own error unless `path` can be opened and is not a folder."""
    path.open("rb", buffering=0).close()


@contextmanager
def spooled(source: IO[bytes], folder: Path) -> Iterator[io.RawIOBase]:
    """Put a stream that can be read only once into a nameless file on disk.

    Nobody else can open it, a killed command leaves none of it behind, and on leaving it is
    overwritten before the system takes it back.

    Args:
        source: read to its end.
        folder: on whose disk; an identity folder, where secrets live anyway.
    """
    with tempfile.TemporaryFile(dir=folder, buffering=0) as spool:
        try:
            while piece := source.read(_BUFFER):
                _write_all(spool.fileno(), piece)
            yield cast("io.RawIOBase", spool)
        finally:
            _overwrite(spool.fileno())


def _write_all(descriptor: int, data: bytes) -> None:
    """Write everything: a disk that fills up takes a part first, without an error."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _overwrite(descriptor: int) -> None:
    size, place = os.fstat(descriptor).st_size, 0
    while place < size:
        place += os.pwrite(descriptor, _ZEROS[: size - place], place)
    os.fsync(descriptor)
