"""Serves a custodian's acts on a Unix socket: one thread a connection, one request at a time.

Callers are told from others by the kernel (SO_PEERCRED), before a byte of theirs is read. What a
caller sends can end its own connection and nothing else.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from keys.custody.acts import answer_of, perform
from keys.custody.errors import NotAdmitted, RequestMalformed
from keys.custody.frames import encode_frame, receive_frame

if TYPE_CHECKING:
    from collections.abc import Collection

    from keys.custody.core import Custody

CONNECTIONS_MAX: Final = 128

_PAUSE: Final = 0.05  # seconds

_CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid: struct ucred, unix(7)


class Server:
    """A custodian's door.

    Args:
        custody: what does the acts.
        listener: a listening Unix stream socket; closed when serving ends.
        admitted: user ids whose processes are served.
    """

    def __init__(
        self, custody: Custody, listener: socket.socket, admitted: Collection[int]
    ) -> None:
        self._custody = custody
        self._listener = listener
        self._admitted = frozenset(admitted)
        self._stopping = False
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}

    def serve(self) -> None:
        """Accepts callers until `stop`; answers what was asked by then, and returns."""
        with self._listener:
            while not self._stopping:
                try:
                    connection, _ = self._listener.accept()
                except OSError:
                    self._pause()
                else:
                    self._admit(connection)
        with self._lock:
            open_now = dict(self._connections)
        for connection in open_now:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        for thread in open_now.values():
            thread.join()

    def stop(self) -> None:
        """Ends `serve`; safe from a signal handler and from any thread."""
        self._stopping = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)

    def _pause(self) -> None:
        """After a failure to accept: `stop`, or the system is short of something for a moment."""
        if not self._stopping:
            time.sleep(_PAUSE)

    def _admit(self, connection: socket.socket) -> None:
        with self._lock:
            if len(self._connections) >= CONNECTIONS_MAX:
                connection.close()
                return
            thread = threading.Thread(target=self._attend, args=(connection,))
            self._connections[connection] = thread
        thread.start()

    def _attend(self, connection: socket.socket) -> None:
        try:
            # A caller that goes away in the middle is no event.
            with connection, suppress(OSError):
                self._talk(connection)
        finally:
            with self._lock:
                del self._connections[connection]

    def _talk(self, connection: socket.socket) -> None:
        try:
            self._require_admitted(connection)
            while (request := receive_frame(connection)) is not None:
                connection.sendall(encode_frame(perform(self._custody, request)))
        except (NotAdmitted, RequestMalformed) as error:
            connection.sendall(encode_frame(answer_of(error)))

    def _require_admitted(self, connection: socket.socket) -> None:
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, uid, _ = _CREDENTIALS.unpack(raw)
        if uid not in self._admitted:
            raise NotAdmitted(f"user {uid} is not served")
