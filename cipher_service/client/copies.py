"""Writing an envelope out for a bag: the very bytes that are registered, or nothing."""

import errno
import os
import secrets
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from cipher_service.client.durable import sync_folder
from cipher_service.client.failures import Refused

_PIECE = 1 << 20


def copy_exactly(source: BinaryIO, digest: str, out: Path) -> bool:
    """Copy all of `source` to a new file, whole and durable, if it has that SHA-256.

    Args:
        source: at its first byte.
        digest: hex SHA-256 of what is expected.
        out: absent; a stick will do, so nothing but a rename is asked of its file system.

    Returns:
        False when the bytes are others; then nothing is there.

    Raises:
        Refused: FILE_EXISTS.
        OSError: the disk refuses; then nothing is there either.
    """
    require_new(out)
    partial = out.with_name(f".{out.name}.{secrets.token_hex(4)}.partial")
    found = sha256()
    try:
        with partial.open("xb") as sink:
            partial.chmod(0o600)
            while piece := source.read(_PIECE):
                found.update(piece)
                sink.write(piece)
            sink.flush()
            os.fsync(sink.fileno())
        if found.hexdigest() != digest:
            return False
        partial.rename(out)
        sync_folder(out.parent)
    except FileNotFoundError as error:
        # Of the folder that was typed, not of the name that it was to have for a moment.
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(out)) from error
    finally:
        partial.unlink(missing_ok=True)
    return True


def require_new(out: Path) -> None:
    """Refuse a name that is taken. Raises Refused FILE_EXISTS."""
    if os.path.lexists(out):
        raise Refused("FILE_EXISTS", path=str(out))
