"""Folders for plaintext that is not judged yet, and their removal after a kill.

Such a folder lies beside the final place, which may be anywhere. Each is therefore noted in the
identity folder, under `quarantine/`, before anything is in it: one small file that holds its path
and is locked for as long as its command lives. The next command of this identity removes the
folders whose notes nobody holds.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NOTES = "quarantine"


@contextmanager
def quarantine(identity: Path, place: Path) -> Iterator[Path]:
    """Make a folder for the time of a block, mode 0700, after removing abandoned ones.

    Args:
        identity: the identity folder.
        place: existing folder in which the quarantine is made.

    Raises:
        OSError: it cannot be made.
    """
    notes = identity / _NOTES
    notes.mkdir(mode=0o700, exist_ok=True)
    _remove_abandoned(notes)
    name = secrets.token_hex(8)
    folder, note = place.absolute() / _folder_name(name), notes / name
    with _noted(note, folder):
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _noted(note: Path, folder: Path) -> Iterator[None]:
    """Keep a locked note for the time of the block, and longer while the folder is there."""
    descriptor = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, os.fsencode(folder))
        yield
    finally:
        if not folder.exists():
            note.unlink(missing_ok=True)
        os.close(descriptor)


def _remove_abandoned(notes: Path) -> None:
    for note in notes.iterdir():
        # Held by a living command, gone meanwhile, or on a disk that is not there.
        with suppress(OSError), note.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            folder = Path(os.fsdecode(file.read()))
            # An empty note is not locked yet; one cut short by a power loss names another folder.
            if folder.name == _folder_name(note.name):
                shutil.rmtree(folder, ignore_errors=True)
                if not folder.exists():
                    note.unlink()


def _folder_name(note: str) -> str:
    return f".chiffre-{note}"
