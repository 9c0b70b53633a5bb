"""What passes between a custodian's process and its callers: frames on a Unix stream socket.

    frame   = 4-byte big-endian length (at most 4 MiB) || canonical CBOR (RFC 8949 §4.2)
    request = {"act": text, "arguments": {text: bytes, ...}}
    answer  = {"result": ...}  or  {"error": code, "detail": text}

Arguments go by name, so that an act can later demand more evidence without a new protocol.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any, Final

import cbor2

from keys.custody.errors import RequestMalformed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FRAME_BYTES_MAX: Final = 4 * 1024 * 1024

_LENGTH_BYTES: Final = 4
# sun_path has 108 bytes; folders of tests and of state directories can be longer.
_PATH_BYTES_MAX: Final = 100


def encode_frame(value: object) -> bytes:
    """Gives the frame of a value, length included.

    Raises:
        RequestMalformed: longer than 4 MiB.
    """
    body = cbor2.dumps(value, canonical=True)
    if len(body) > FRAME_BYTES_MAX:
        raise RequestMalformed(f"a frame has at most {FRAME_BYTES_MAX} bytes, not {len(body)}")
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


def receive_frame(connection: socket.socket) -> Any:
    """Reads the next frame; None when the other end closed between frames.

    Raises:
        RequestMalformed: too long, cut short, or not canonical CBOR.
        OSError: from the socket.
    """
    head = _receive(connection, _LENGTH_BYTES)
    if not head:
        return None
    length = int.from_bytes(head, "big")
    if len(head) < _LENGTH_BYTES or not 0 < length <= FRAME_BYTES_MAX:
        raise RequestMalformed(f"a frame has between 1 and {FRAME_BYTES_MAX} bytes")
    body = _receive(connection, length)
    if len(body) < length:
        raise RequestMalformed("a frame ends early")
    return _decode(body)


def listen(path: Path, *, mode: int) -> socket.socket:
    """Opens a listening socket at `path`, which must be free.

    Args:
        path: of any length whose last part fits a socket's name.
        mode: permission bits of the socket.

    Raises:
        OSError: the place is taken or the folder is missing.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        _at(path, listener.bind)
        path.chmod(mode)
        listener.listen(socket.SOMAXCONN)
    except OSError:
        listener.close()
        raise
    return listener


def connect(path: Path, seconds: float) -> socket.socket:
    """Connects to the socket at `path`; each later send and receive waits `seconds` at most.

    Raises:
        OSError: nobody listens there.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    connection.settimeout(seconds)
    try:
        _at(path, connection.connect)
    except OSError:
        connection.close()
        raise
    return connection


def _at(path: Path, act: Callable[[str], None]) -> None:
    """Calls `act` with an address of `path` that is short enough for the kernel."""
    if len(os.fsencode(path)) <= _PATH_BYTES_MAX:
        act(str(path))
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        act(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


def _receive(connection: socket.socket, count: int) -> bytes:
    """Reads `count` bytes, fewer only when the other end closed."""
    data = bytearray(count)
    view, filled = memoryview(data), 0
    while filled < count and (received := connection.recv_into(view[filled:])):
        filled += received
    return bytes(view[:filled])


def _decode(body: bytes) -> Any:
    try:
        value = cbor2.loads(body)
        canonical = cbor2.dumps(value, canonical=True) == body
    # A decoder of a rich format fails in many ways; each of them is a malformed frame.
    except (cbor2.CBORError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise RequestMalformed("a frame is not CBOR") from error
    if not canonical:
        raise RequestMalformed("a frame is not canonical CBOR")
    return value
