"""Frames between the API processes and the registrar: 4-byte big-endian length, then CBOR.

A request is `{"id", "command", "payload", "claims"}`; an answer is `{"id", "result"}` or
`{"id", "code", "facts"}`. Both ends are ours, on a socket that only our user may open; bounds are
kept all the same, so that a bug cannot fill the memory.
"""

import struct
from typing import Any

import cbor2

MAX_FRAME = 512 * 1024
_LENGTH = struct.Struct(">I")


class FrameRefused(ValueError):
    """A frame is too long or is not the CBOR of a map; the connection is of no more use."""


def encode(message: dict[str, Any]) -> bytes:
    """Return a message as one frame.

    Raises:
        FrameRefused: it is over `MAX_FRAME` bytes.
    """
    body = cbor2.dumps(message)
    if len(body) > MAX_FRAME:
        raise FrameRefused(f"a frame of {len(body)} bytes")
    return _LENGTH.pack(len(body)) + body


class Reader:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[dict[str, Any], int]]:
        """Take the bytes that arrived; returns the messages they complete, each with its length.

        Raises:
            FrameRefused: see there.
        """
        buffer = self._buffer
        buffer += data
        messages: list[tuple[dict[str, Any], int]] = []
        start = 0
        while len(buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer, start)
            if length > MAX_FRAME:
                raise FrameRefused(f"a frame of {length} bytes")
            end = start + _LENGTH.size + length
            if len(buffer) < end:
                break
            body = bytes(memoryview(buffer)[start + _LENGTH.size : end])
            messages.append((_decode(body), length))
            start = end
        if start:
            del buffer[:start]
        return messages


def _decode(body: bytes) -> dict[str, Any]:
    try:
        message = cbor2.loads(body)
    # Each tag's own reader fails in its own way.
    except (cbor2.CBORError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise FrameRefused("not CBOR") from error
    if not isinstance(message, dict):
        raise FrameRefused("not a map")
    return message
