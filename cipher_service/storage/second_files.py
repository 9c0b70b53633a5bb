"""The files of a second store: records in a chain, each sealed to the key of backups.

    SECOND/NAME/00000000000000000001.records    records, the first one's position in the name
    SECOND/NAME/blobs/ab/cd/abcd...             bodies of envelopes, as in the data folder

A record is `DSR1`, its position (8 bytes), the length of its body (8), the digest of the record
before (32), its own (32), the body: an age file. A digest is HMAC-SHA256, by a secret of the
database, over the digest before, position and body: whoever can write here can cut the chain, not
forge or reorder it.

What lies beyond the place that the database remembers was written and never committed: at most one
record, or the beginning of one. More than that means that the database is older than its second
store.
"""

import errno
import hmac
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from cipher_service.errors import ServiceError
from keys.files import flush_folder

SEGMENT_BYTES: Final = 64 * 2**20
"""A file that is longer is followed by another one."""
FIRST: Final = bytes(32)
"""Digest before the first record."""
_HEAD: Final = struct.Struct(">4sQQ32s32s")
_MAGIC: Final = b"DSR1"


@dataclass(frozen=True, slots=True)
class Place:
    """How far a store has come: as in `tables.second_store`."""

    position: int
    segment: int
    length: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record as it lies there, and where it ends."""

    place: Place
    body: bytes


class SecondFiles:
    """One store's folder, which is never made anew: a disk that is not there is missed.

    Args:
        folder: of this store.
        secret: 32 bytes that chain its records.
    """

    def __init__(self, folder: Path, secret: bytes) -> None:
        self._folder = folder
        self._secret = secret

    def append(self, after: Place, body: bytes) -> Place:
        """Write the record that follows a place, durably; return its own place.

        Raises:
            ServiceError: SECOND_STORE_UNREACHABLE, SECOND_STORE_BEHIND, SECOND_STORE_AHEAD.
        """
        position = after.position + 1
        segment, length = _next(after)
        digest = self._digest(after.digest, position, body)
        record = _HEAD.pack(_MAGIC, position, len(body), after.digest, digest) + body
        try:
            self._write(segment, length, record)
        except OSError as error:
            raise self._unreachable(error) from error
        return Place(position, segment, length + len(record), digest)

    def records(self, after: Place) -> Iterator[Sealed]:
        """Give the records that follow a place, to the last one that is whole.

        Raises:
            ServiceError: SECOND_STORE_DAMAGED, SECOND_STORE_BEHIND, SECOND_STORE_UNREACHABLE.
        """
        self.require()
        place = after
        while (found := self._following(place)) is not None:
            yield found
            place = found.place

    def before_first(self) -> Place | None:
        """Return the place before the first record that is kept here; None when there is none.

        Older files may have been removed, once a backup holds what is in them.

        Raises:
            OSError: the folder cannot be read.
        """
        names = sorted(self._folder.glob("*.records"))
        if not names:
            return None
        with names[0].open("rb") as file:
            head = file.read(_HEAD.size)
        before = _HEAD.unpack(head)[3] if len(head) == _HEAD.size else FIRST
        return Place(int(names[0].stem) - 1, 0, 0, before)

    def require(self) -> None:
        """Demand that the folder is there. Raises ServiceError: SECOND_STORE_UNREACHABLE."""
        if not self._folder.is_dir():
            raise self._unreachable(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))

    def path(self, segment: int) -> Path:
        """Return the file whose first record has this position."""
        return self._folder / f"{segment:020}.records"

    def _write(self, segment: int, length: int, record: bytes) -> None:
        path = self.path(segment)
        flags = os.O_RDWR | os.O_CLOEXEC | (0 if length else os.O_CREAT)
        descriptor = os.open(path, flags, 0o600)
        try:
            self._require_end(descriptor, segment, length)
            os.ftruncate(descriptor, length)
            rest, at = memoryview(record), length
            while rest:
                taken = os.pwrite(descriptor, rest, at)
                rest, at = rest[taken:], at + taken
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if not length:
            flush_folder(self._folder)

    def _require_end(self, descriptor: int, segment: int, length: int) -> None:
        """Demand that nothing committed lies beyond the end that the database knows."""
        size = os.fstat(descriptor).st_size
        if size < length:
            raise ServiceError("SECOND_STORE_BEHIND", position=segment)
        head = os.pread(descriptor, _HEAD.size, length)
        if len(head) == _HEAD.size:
            _, position, body, _, _ = _HEAD.unpack(head)
            if size > length + _HEAD.size + body:
                raise ServiceError("SECOND_STORE_AHEAD", position=position)

    def _following(self, place: Place) -> Sealed | None:
        """Read the record after a place; None where the files end, or end within it."""
        segment, start = _next(place)
        try:
            with self.path(segment).open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < start:
                    raise ServiceError("SECOND_STORE_BEHIND", position=place.position)
                file.seek(start)
                head = file.read(_HEAD.size)
                if len(head) < _HEAD.size:
                    return None
                magic, position, length, before, digest = _HEAD.unpack(head)
                if (magic, position, before) != (_MAGIC, place.position + 1, place.digest):
                    raise ServiceError("SECOND_STORE_DAMAGED", position=place.position + 1)
                end = start + _HEAD.size + length
                if end > size:
                    return None
                body = file.read(length)
        except FileNotFoundError:
            if start:
                raise ServiceError("SECOND_STORE_BEHIND", position=place.position) from None
            return None
        except OSError as error:
            raise self._unreachable(error) from error
        if not hmac.compare_digest(digest, self._digest(before, position, body)):
            raise ServiceError("SECOND_STORE_DAMAGED", position=position)
        return Sealed(Place(position, segment, end, digest), body)

    def _digest(self, before: bytes, position: int, body: bytes) -> bytes:
        told = before + position.to_bytes(8, "big") + body
        return hmac.digest(self._secret, told, sha256)

    def _unreachable(self, error: OSError) -> ServiceError:
        reason = (error.strerror or type(error).__name__)[:80]
        return ServiceError("SECOND_STORE_UNREACHABLE", path=str(self._folder), reason=reason)


def _next(place: Place) -> tuple[int, int]:
    """Return the file that the record after a place belongs to, and where in it."""
    if place.length == 0 or place.length >= SEGMENT_BYTES:
        return place.position + 1, 0
    return place.segment, place.length
