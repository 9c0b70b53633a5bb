"""Where an enciphered file takes its place: proved free first, taken by one rename at the end."""

import errno
import os
import secrets
import sqlite3
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from cipher_service.client.durable import sync_folder
from cipher_service.client.failures import Refused
from cipher_service.client.interruptions import undisturbed
from cipher_service.client.state import PostState

# open(2): what file systems and kernels without O_TMPFILE answer.
_NO_NAMELESS_FILES = frozenset({errno.EOPNOTSUPP, errno.EISDIR})


def require_free(out: Path, inputs: Sequence[str], *, force: bool) -> None:
    """Refuse an output that is there, a device whatever is asked, and an input in any case.

    Raises:
        Refused: it is there.
        OSError: it can never be a file.
    """
    # Says now, before a passphrase and a number, that the folder is not there.
    if not stat.S_ISDIR(out.parent.stat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(out.parent))
    try:
        out.lstat()  # a name that no file can have is refused here too
    except FileNotFoundError:
        return
    if out.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(out))
    replaceable = stat.S_ISREG(out.lstat().st_mode)
    if not (force and replaceable) or any(_same(out, Path(each)) for each in inputs):
        raise Refused("OUTPUT_EXISTS", path=str(out))


def require_room(out: Path) -> None:
    """Make a file beside the output: permissions alone do not say that one can be.

    Raises:
        OSError: none can be; it names the output as it was typed.
    """
    try:
        _try_a_file(out.parent)
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno or 0), str(out)) from error


def _try_a_file(folder: Path) -> None:
    """Make a file without a name, of which a kill leaves nothing; with one where none can be."""
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        if error.errno not in _NO_NAMELESS_FILES:
            raise
        probe = folder / f".chiffre-{secrets.token_hex(8)}.probe"
        with undisturbed():
            probe.touch(0o600, exist_ok=False)
            probe.unlink()


def _same(out: Path, other: Path) -> bool:
    return other.exists() and out.samefile(other)


def place(partial: Path, out: Path, state: PostState, *, numbered: str, manifest_hash: str) -> None:
    """Give the finished file its name, then issue its numbers.

    Args:
        partial: complete, flushed, and recorded as finished.
        out: its final name.
        state: of the identity's folder.
        numbered: under which its numbers were allocated.
        manifest_hash: of the dispatch.

    Raises:
        OSError: it could not be renamed; it is gone and its numbers are cancelled.
    """
    with undisturbed():
        try:
            partial.rename(out)
        except OSError:
            partial.unlink(missing_ok=True)
            state.numbers.cancel(numbered, "unpublished")
            raise
        # The file is out. Whatever fails now, the next command reads that from the rename.
        with suppress(OSError, sqlite3.Error):
            sync_folder(out.parent)
            state.numbers.issue(numbered, manifest_hash)
