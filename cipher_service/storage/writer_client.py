"""The registrar's counter, seen from an API process: `await registrar.call("submit", payload)`.

One connection per process carries many commands at once. A connection that breaks fails the
commands under way with `UNAVAILABLE`: they may or may not have been done, and repeating an
idempotent one (every command of a post is) tells which. The next call connects again.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from cipher_service.errors import ServiceError
from cipher_service.storage.frames import MAX_FRAME, FrameRefused, Reader, encode
from cipher_service.storage.sockets import connect

PATIENCE = 30.0
"""Seconds to wait for an answer before the outcome is called unknown."""


class RegistrarClient:
    """Sends commands to the registrar; belongs to one event loop.

    Args:
        path: the registrar's socket.
        patience: seconds to wait for one answer.
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        self._path = path
        self._patience = patience
        self._line: _Line | None = None
        self._connecting = asyncio.Lock()
        self._next = 0

    async def call(
        self, command: str, payload: Any, *, claims: Sequence[tuple[bytes, int]] = ()
    ) -> Any:
        """Run one command; returns its result once it is durable.

        Args:
            command: name of a handler.
            payload: what it takes: maps, lists, text, bytes, integers, null; under 512 KiB.
            claims: tokens to use up with it, (`replay.claim_of`, expiry in seconds since 1970).

        Raises:
            ServiceError: the handler's own refusal, or

                - PROOF_REPLAYED: a claim was used before; nothing was done.
                - BUSY: the queue is full or the registrar is stopping; nothing was done.
                - UNAVAILABLE: nobody listens, or the line broke; the outcome is unknown.
                - STORAGE_FULL: nothing was done.
                - INTERNAL: it failed; the registrar's log has the reason.
                - BODY_TOO_LARGE: the frame would pass its bound; nothing was sent.
        """
        line = await self._connected()
        self._next += 1
        message = {"id": self._next, "command": command, "payload": payload}
        if claims:
            message["claims"] = [list(claim) for claim in claims]
        try:
            frame = encode(message)
        except FrameRefused as error:
            raise ServiceError("BODY_TOO_LARGE", limit=MAX_FRAME) from error
        return await line.send(self._next, frame)

    def close(self) -> None:
        """Hang up; commands under way fail with UNAVAILABLE."""
        if self._line is not None:
            self._line.hang_up()
            self._line = None

    async def _connected(self) -> "_Line":
        if self._line is not None and self._line.alive:
            return self._line
        async with self._connecting:
            if self._line is None or not self._line.alive:
                loop = asyncio.get_running_loop()
                try:
                    socket = connect(self._path)
                except OSError as error:
                    raise ServiceError("UNAVAILABLE") from error
                _, self._line = await loop.create_unix_connection(
                    lambda: _Line(self._patience), sock=socket
                )
            return self._line


class _Line(asyncio.Protocol):
    """One connection, its reader, and who waits for which answer.

    One timer serves all who wait: each waits equally long, so the one that was sent first gives up
    first. Commands given in one turn of the event loop leave in one write: the registrar wakes once
    for them, and has them all in one batch.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._reader = Reader()
        self._transport: asyncio.Transport | None = None
        self._leaving: list[bytes] = []
        self._waiting: dict[int, tuple[asyncio.Future[Any], float]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def alive(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def send(self, number: int, frame: bytes) -> asyncio.Future[Any]:
        if self._transport is None:
            raise ServiceError("UNAVAILABLE")
        answer = self._loop.create_future()
        until = self._loop.time() + self._patience
        self._waiting[number] = answer, until
        if self._timer is None:
            self._timer = self._loop.call_at(until, self._give_up)
        if not self._leaving:
            self._loop.call_soon(self._leave)
        self._leaving.append(frame)
        return answer

    def _leave(self) -> None:
        leaving, self._leaving = self._leaving, []
        if self._transport is not None:
            self._transport.write(b"".join(leaving))

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            for message, _ in self._reader.feed(data):
                self._deliver(message)
        except (FrameRefused, KeyError):
            self.hang_up()

    def connection_lost(self, error: Exception | None) -> None:
        del error  # for the callers every cause means the same
        self._transport = None
        waiting, self._waiting = self._waiting, {}
        for answer, _ in waiting.values():
            _fail(answer)
        if self._timer is not None:
            self._timer.cancel()

    def _give_up(self) -> None:
        """Fail the commands that waited too long, and come back for the next one."""
        self._timer = None
        now = self._loop.time()
        while self._waiting:
            number, (answer, until) = next(iter(self._waiting.items()))
            if until > now:
                self._timer = self._loop.call_at(until, self._give_up)
                return
            del self._waiting[number]
            _fail(answer)

    def _deliver(self, message: dict[str, Any]) -> None:
        answer, _ = self._waiting.pop(message["id"], (None, 0.0))
        if answer is None or answer.done():
            return  # its caller gave up waiting
        if "code" in message:
            refusal = ServiceError(message["code"], **message["facts"])
            refusal.recorded = True
            answer.set_exception(refusal)
        else:
            answer.set_result(message["result"])


def _fail(answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_exception(ServiceError("UNAVAILABLE"))
