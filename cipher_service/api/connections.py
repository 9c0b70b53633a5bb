"""One connection to the API: how much may come before a request is known, and how slowly.

The server underneath keeps a request's header until it is complete, however long that is and
however much it becomes: one caller without a token could take all memory, or all connections.
"""

import asyncio
from typing import Final, cast

from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_BYTES: Final = 64 * 1024
"""What may arrive without completing a header or a piece of a body; one read may exceed it."""
HEADER_SECONDS: Final = 10.0

_SPOKEN: Final = frozenset({"1.0", "1.1"})
_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"connection: close\r\ncontent-length: 0\r\n\r\n"
)


class Connection(HttpToolsProtocol):
    """uvicorn's connection with an end to its patience.

    Attributes:
        patience: seconds for a header, from the opening of the connection or its first byte.
    """

    patience = HEADER_SECONDS
    _deadline: asyncio.TimerHandle | None = None
    _between = True
    _advanced = False
    _held = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        """Begin to wait for the first header."""
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and close a connection that only fills memory."""
        self._advanced = False
        super().data_received(data)
        # A header that came whole needs no clock: the timer costs more than looking at it.
        if self._between and not self._advanced and self._deadline is None:
            self._arm()
        self._held = 0 if self._advanced else self._held + len(data)
        if self._held > HEADER_BYTES and not self.transport.is_closing():
            if self._between:
                self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """A request is known: from here on its endpoint decides how much it takes.

        Raises:
            HttpParserError: it has no version, or another than this server speaks; answered by 400.
        """
        if self.parser.get_http_version() not in _SPOKEN:
            raise HttpParserError("another version of HTTP")
        self._disarm()
        self._between, self._advanced = False, True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body is handed on, or dropped: nothing is held."""
        self._advanced = True
        held = cast("bytes | bytearray", self.cycle.body)
        if not held:
            # Added to empty bytes, a piece that is taken before the next is never copied.
            self.cycle.body = b""  # type: ignore[assignment]  # declared an array; bytes do too
        elif not isinstance(held, bytearray):
            self.cycle.body = bytearray(held)  # else each of many small pieces copies all before
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The next thing to come is a header."""
        self._between, self._advanced = True, True
        super().on_message_complete()

    def _arm(self) -> None:
        self._deadline = self.loop.call_later(self.patience, self._expire)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        self.transport.close()
