"""Files that are written durably: new ones whole or not at all, others exchanged in one step."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_new(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Writes a file that is not there yet and flushes it; its name is for `flush_folder`.

    Raises:
        OSError: it is there, or the disk refuses; nothing of ours is left then.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def exchange(path: Path, data: bytes) -> None:
    """Puts a file, 0600, in the place of another in one step, durably.

    What an exchange that was killed left behind goes; only one at a time may be under way.

    Raises:
        OSError: the disk refuses; what was at `path` stands.
    """
    making = path.with_name(f".{path.name}-making")
    making.unlink(missing_ok=True)
    write_new(making, data)
    making.replace(path)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Makes the names in a folder durable.

    Raises:
        OSError: the folder is gone, or the disk refuses.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
