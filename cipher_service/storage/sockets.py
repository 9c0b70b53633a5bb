"""Unix sockets in folders of any depth: the kernel takes 107 bytes of path, data folders longer."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def short_name(path: Path) -> Iterator[str]:
    """Give a short name for a socket path, good while the block lasts.

    Raises:
        FileNotFoundError: its folder does not exist.
    """
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)


def listen(path: Path, backlog: int = 64) -> socket.socket:
    """Return a listening socket at `path`, mode 0600; a dead process's socket is replaced.

    The name appears only once the socket listens, so whoever sees it can connect.

    Raises:
        OSError: another process listens there, or the folder cannot be written.
    """
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _refuse_second(path)
        hidden.unlink(missing_ok=True)
        with short_name(hidden) as name:
            server.bind(name)
        hidden.chmod(0o600)
        server.listen(backlog)
        server.settimeout(0)  # asyncio wants it so
        hidden.rename(path)
    except OSError:
        server.close()
        raise
    return server


def connect(path: Path) -> socket.socket:
    """Return a socket connected to `path`.

    Raises:
        OSError: nobody listens there.
    """
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short_name(path) as name:
            client.connect(name)
        client.settimeout(0)  # asyncio wants it so
    except OSError:
        client.close()
        raise
    return client


def _refuse_second(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, short_name(path) as name:
        try:
            probe.connect(name)
        except OSError:
            return  # nobody there, or a dead process's name
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), str(path))
