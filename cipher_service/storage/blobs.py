"""Envelope bodies on disk: files named by their SHA-256, durable before anyone is told.

A file appears under its name only whole: written in the spool, flushed, renamed, and the folder
that holds the name flushed too. A power cut leaves at worst a spool file that nobody names.
What is written goes on to the disk while more arrives, and its memory is let go: one gigabyte then
passes through the same few megabytes, instead of taking fresh memory from everybody else, which
on a virtual machine costs more than all the rest, and leaves little for the last flush to do.
Bodies up to `SMALL` bytes are rows of the table `envelope` instead: they ride on the commit that
records their dispatch, which spares a submission three flushes of its own. A rerouted body is a row
too, for its header, and the file of the one it was made of (`storage.held`).
"""

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

SMALL = 64 * 1024
READ_BYTES = 1024 * 1024
WINDOW = 8 * 1024 * 1024
"""Bytes written before the disk is told to begin with them; a little more of it is in memory."""
_NAME = re.compile(r"[0-9a-f]{64}")
_UPLOAD = re.compile(r"[0-9a-f]{32}")
_REMEMBERED = 256
"""Uploads whose running hash is kept in memory; the others are read again at their end."""


class UploadOffsetWrong(ValueError):
    """A piece does not start where the bytes held so far end; `held` says where that is."""

    def __init__(self, held: int) -> None:
        super().__init__(f"{held} bytes are held")
        self.held = held


class Disk(Protocol):
    """The calls that can fail when a disk is full or dies; gates pass one that does."""

    def write(self, descriptor: int, data: memoryview) -> int:
        """As os.write."""

    def flush(self, descriptor: int) -> None:
        """As os.fsync."""

    def begin(self, descriptor: int) -> None:
        """Begin to flush a file, and let go of the memory of what is flushed; never waits."""

    def rename(self, source: Path, target: Path) -> None:
        """As os.rename."""


class RealDisk:
    """The operating system's own calls."""

    def write(self, descriptor: int, data: memoryview) -> int:
        """Write what fits; returns the number of bytes taken."""
        return os.write(descriptor, data)

    def flush(self, descriptor: int) -> None:
        """Return when the bytes are on disk."""
        os.fsync(descriptor)

    def begin(self, descriptor: int) -> None:
        """Have the kernel write out what it holds of a file, and drop what is written."""
        # Linux begins to write what is dirty in the range and drops what is clean: so each call
        # starts one window and lets go of those before.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file its final name, atomically."""
        source.rename(target)


@dataclass(frozen=True, slots=True)
class Body:
    """What a stored body is known by: hex SHA-256 and size in bytes."""

    sha256: str
    size: int


class Blobs:
    """The folder of envelope bodies of one installation.

    Args:
        folder: holds `blobs/` and `spool/`; both are made when needed, mode 0700.
    """

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._blobs = folder / "blobs"
        self._spool = folder / "spool"
        self._disk = disk or RealDisk()
        self._digests: dict[str, _Digest] = {}

    def spool(self) -> "Spool":
        """Return a place to write one body of unknown hash; use it in a `with`."""
        self._make(self._spool)
        return Spool(self, self._spool / f"{secrets.token_hex(16)}.part", self._disk)

    def path(self, sha256: str) -> Path:
        """Return where the body of that hash is, or would be.

        Raises:
            ValueError: not a hex SHA-256, so that no request can name another file.
        """
        if _NAME.fullmatch(sha256) is None:
            raise ValueError("a body is named by 64 lower-case hex digits")
        return self._blobs / sha256[:2] / sha256[2:4] / sha256

    def size(self, sha256: str) -> int | None:
        """Return the size in bytes of a stored body, None when it is not here."""
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def remove(self, sha256: str) -> None:
        """Drop a body that no dispatch names. Only the registrar may know that for sure."""
        self.path(sha256).unlink(missing_ok=True)

    def abandoned(self, before: datetime) -> list[Path]:
        """Return what killed processes left in the spool, last written before an instant.

        Uploads are not among it: they are resumed, and the registrar drops those that are stale.
        """
        return [path for path in self._spool.glob("*.part") if _older(path, before)]

    def is_older(self, sha256: str, before: datetime) -> bool:
        """Tell whether a body was last written before an instant; False when it is not here."""
        return _older(self.path(sha256), before)

    def stored(self) -> Iterator[str]:
        """Give the hash of every stored body."""
        for path in sorted(self._blobs.glob("??/??/*")):
            yield path.name

    def digest(self, sha256: str) -> Body:
        """Read a stored body to its end and return what it really is.

        Raises:
            OSError: it is not here or cannot be read.
        """
        return _digest(self.path(sha256))

    # --- resumable uploads ------------------------------------------------------------------

    def held(self, upload: str) -> int:
        """Return how many bytes of an upload are here."""
        try:
            return self.upload_path(upload).stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, upload: str, offset: int) -> "Piece":
        """Return a writer for the next piece of an upload; use it in a `with`.

        Raises:
            UploadOffsetWrong: the piece does not start where the held bytes end.
        """
        held = self.held(upload)
        if held != offset:
            raise UploadOffsetWrong(held)
        self._make(self._spool)
        digest = _Digest() if offset == 0 else self._digests.pop(upload, None)
        return Piece(self, upload, self._disk, digest)

    def complete(self, upload: str) -> Body:
        """Hash a whole upload and give it its final name.

        It is read again only when its pieces did not all come through this object.

        Raises:
            FileNotFoundError: nothing of it is here.
        """
        path = self.upload_path(upload)
        digest = self._digests.pop(upload, None)
        # It falls behind for good when another process, or a disk that then failed, wrote bytes.
        if digest is not None and digest.size == path.stat().st_size:
            body = digest.body
        else:
            body = _digest(path)
        # A killed worker leaves bytes that no piece flushed.
        with path.open("rb") as file:
            self._disk.flush(file.fileno())
        self.keep(path, body)
        return body

    def abandon(self, upload: str) -> None:
        """Drop what is here of an upload."""
        self.upload_path(upload).unlink(missing_ok=True)

    # --- durable naming ---------------------------------------------------------------------

    def keep(self, path: Path, body: Body) -> None:
        """Move a flushed spool file to its name and make the name durable."""
        target = self.path(body.sha256)
        self._make(target.parent)
        self._disk.rename(path, target)  # an identical body may be there already: same bytes
        self._flush_folder(target.parent)

    def remember(self, upload: str, digest: "_Digest") -> None:
        """Keep the hash of what an upload holds so far for its next piece."""
        while len(self._digests) >= _REMEMBERED:
            del self._digests[next(iter(self._digests))]
        self._digests[upload] = digest

    def upload_path(self, upload: str) -> Path:
        """Return where the bytes of an upload are.

        Raises:
            ValueError: not an upload's name, so that no request can name another file.
        """
        if _UPLOAD.fullmatch(upload) is None:
            raise ValueError("an upload is named by 32 lower-case hex digits")
        return self._spool / f"{upload}.upload"

    def _make(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        self._flush_folder(folder.parent)

    def _flush_folder(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._disk.flush(descriptor)
        finally:
            os.close(descriptor)


class Piece:
    """The next bytes of an upload. What was written stays when the connection breaks.

    Args:
        blobs: whose upload it is.
        upload: its name.
        digest: of the bytes before; None when this process does not know it.
    """

    def __init__(self, blobs: Blobs, upload: str, disk: Disk, digest: "_Digest | None") -> None:
        self._blobs = blobs
        self._name = upload
        self._disk = disk
        self._digest = digest
        path = blobs.upload_path(upload)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._pen = _Pen(disk, self._descriptor)

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes. Releases the GIL for large pieces, so that a thread can do it."""
        self._pen.write(data)
        if self._digest is not None:
            self._digest.add(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            # Also after a broken connection: HEAD then offers only bytes that are on disk.
            self._disk.flush(self._descriptor)
            if self._digest is not None:
                self._blobs.remember(self._name, self._digest)
        finally:
            os.close(self._descriptor)


class Spool:
    """A body being received: hashed while it is written, dropped unless kept."""

    def __init__(self, blobs: Blobs, path: Path, disk: Disk) -> None:
        self._blobs = blobs
        self._path = path
        self._disk = disk
        self._hash = hashlib.sha256()
        self._size = 0
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._pen = _Pen(disk, self._descriptor)

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes. Releases the GIL for large pieces, so that a thread can do it."""
        self._hash.update(data)
        self._pen.write(data)
        self._size += len(data)

    @property
    def body(self) -> Body:
        """What was written so far."""
        return Body(self._hash.hexdigest(), self._size)

    def written(self) -> bytes:
        """Return what was written, which is small; call it inside the `with`."""
        return self._path.read_bytes()

    def keep(self) -> Body:
        """Make the body durable under its hash; call it inside the `with`."""
        self._disk.flush(self._descriptor)
        body = self.body
        self._blobs.keep(self._path, body)
        return body

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)
        self._path.unlink(missing_ok=True)


class _Digest:
    """The running SHA-256 of an upload and how many bytes it covers."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    def add(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        self.size += len(data)

    @property
    def body(self) -> Body:
        return Body(self._hash.hexdigest(), self.size)


class _Pen:
    """Writes to an open file and sees that the disk keeps up."""

    def __init__(self, disk: Disk, descriptor: int) -> None:
        self._disk = disk
        self._descriptor = descriptor
        self._since = 0

    def write(self, data: bytes | memoryview) -> None:
        """Append all of it.

        Raises:
            OSError: the disk is full or dead.
        """
        rest = memoryview(data)
        while rest:
            taken = self._disk.write(self._descriptor, rest)
            if taken <= 0:
                raise OSError(errno.EIO, "the disk took nothing")
            rest = rest[taken:]
        self._since += len(data)
        if self._since >= WINDOW:
            self._disk.begin(self._descriptor)
            self._since = 0


def _older(path: Path, before: datetime) -> bool:
    try:
        return path.stat().st_mtime < before.timestamp()
    except FileNotFoundError:
        return False


def _digest(path: Path) -> Body:
    digest, size = hashlib.sha256(), 0
    buffer = bytearray(READ_BYTES)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(memoryview(buffer)[:count])
            size += count
    return Body(digest.hexdigest(), size)
