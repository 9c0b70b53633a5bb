"""Files and folders of the custodian that nobody else may read or exchange."""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from keys.custody.errors import StoreUnsafe
from keys.files import flush_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FILE_BYTES_MAX: Final = 64 * 1024

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def make_folders(folder: Path) -> None:
    """Makes a folder and those above it, each durable before what it is to hold."""
    if not folder.is_dir():
        make_folders(folder.parent)
        folder.mkdir(mode=0o700)
        flush_folder(folder.parent)


@contextmanager
def alone(lock: Path, *, wait: bool = True) -> Iterator[None]:
    """Keeps every other thread and process out; the kernel lets go however the process ends.

    Args:
        lock: a file of the custodian's store, made when it is missing.
        wait: for whoever is in; otherwise it is refused.

    Raises:
        BlockingIOError: somebody is in, and nobody waits.
        OSError: the disk refuses, or a symbolic link stands there.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def read_private(
    path: Path, owners: set[int] | None = None, *, most: int = FILE_BYTES_MAX
) -> bytes:
    """Reads a regular file of at most `most` bytes of one of `owners` (by default: ours).

    Raises:
        StoreUnsafe: another kind of file, another owner, open to others, or longer.
        OSError: it cannot be read, or is a symbolic link.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        require_private(os.fstat(descriptor), path, stat.S_ISREG, owners or {os.geteuid()})
        data = file.read(most + 1)
    if len(data) > most:
        raise StoreUnsafe(f"{path} has more than {most} bytes")
    return data


def require_private(
    status: os.stat_result, path: Path, is_kind: Callable[[int], bool], owners: set[int]
) -> None:
    """Demands a file or folder of its kind, owned by one of `owners`, closed to all others.

    Raises:
        StoreUnsafe: it is not.
    """
    if not is_kind(status.st_mode):
        raise StoreUnsafe(f"{path} is not of the kind that it must be")
    if status.st_uid not in owners:
        raise StoreUnsafe(f"{path} belongs to another user")
    if status.st_mode & _OTHERS:
        raise StoreUnsafe(f"{path} is open to others; its mode must be 0600, a folder's 0700")
