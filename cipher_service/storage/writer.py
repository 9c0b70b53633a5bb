"""The registrar (le greffe): the one process that writes while the service runs.

API processes send commands over a Unix socket. The registrar takes what is waiting, runs it as one
batch (`batch.Batches`), commits once, and answers each. So a flush to disk and a post-quantum
signature are paid once per batch, and register numbers are taken in one place.

- Answers leave after the COMMIT: what was acknowledged survives a power cut.
- The queue is bounded in commands and in bytes; beyond it, the answer is BUSY at once.
- On stop, what is queued is still run and answered; later commands are told BUSY.
- Everything runs on one thread: between two batches the event loop reads what has arrived, which
  is what forms the next batch. Only what a command needs to have worked out beforehand, outside
  any transaction, is worked out on another, while others' commands go on; then it is queued.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

from cipher_service.errors import ServiceError
from cipher_service.storage.batch import Batches, Outcome, Request
from cipher_service.storage.frames import FrameRefused, Reader, encode
from cipher_service.storage.sockets import listen

log = logging.getLogger(__name__)

BATCH = 64
"""Commands in one transaction: enough to share a flush, few enough to answer soon."""
CAPACITY = 1024
CAPACITY_BYTES = 64 * 1024 * 1024

Beforehand = Callable[[Any], object]
"""Works out from a command's payload what its handler will look up; refuses nothing."""


class Registrar:
    """Serves commands until stopped.

    Args:
        batches: what runs them.
        beforehand: by command, what is done before it is queued.
        capacity: commands that may wait.
        capacity_bytes: bytes of payload that may wait; one command is always admitted.
    """

    def __init__(
        self,
        batches: Batches,
        beforehand: Mapping[str, Beforehand] | None = None,
        *,
        capacity: int = CAPACITY,
        capacity_bytes: int = CAPACITY_BYTES,
    ) -> None:
        self._batches = batches
        self._beforehand = beforehand or {}
        self._preparing: set[asyncio.Task[None]] = set()
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._waiting: deque[tuple[_Connection, Any, Request, int]] = deque()
        self._waiting_bytes = 0
        self._work = asyncio.Event()
        self._stopping = False
        self._connections: set[_Connection] = set()

    async def serve(self, path: Path, ready: asyncio.Event | None = None) -> None:
        """Listen at `path` and work until `stop` is called and the queue is empty.

        Raises:
            OSError: another process listens there, or the folder cannot be written.
        """
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: _Connection(self), sock=listen(path))
        if ready is not None:
            ready.set()
        try:
            await self._run()
        finally:
            # The name first: once the socket is closed, a successor may have put its own there.
            _remove(path)
            server.close()
            for connection in tuple(self._connections):
                connection.close()

    def stop(self) -> None:
        """Finish what is queued, answer it, and end `serve`. Safe from a signal handler."""
        self._stopping = True
        self._work.set()

    async def _run(self) -> None:
        while True:
            if not self._waiting:
                if self._stopping and not self._preparing:
                    return
                self._work.clear()
                await self._work.wait()
            # One turn of the loop lets every readable socket deliver what has arrived.
            await asyncio.sleep(0)
            taken = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            self._waiting_bytes -= sum(size for _, _, _, size in taken)
            outcomes = self._batches.run([request for _, _, request, _ in taken]) if taken else []
            for (connection, number, _, _), outcome in zip(taken, outcomes, strict=True):
                connection.answer(number, outcome)
            for connection in {connection for connection, _, _, _ in taken}:
                connection.flush()

    def join(self, connection: "_Connection") -> None:
        """Remember a connection, to close it at the end."""
        self._connections.add(connection)

    def leave(self, connection: "_Connection") -> None:
        """Forget a connection; what it queued is still run, its caller will ask again."""
        self._connections.discard(connection)

    def admit(self, connection: "_Connection", message: dict[str, Any], size: int) -> None:
        """Queue a command of `size` bytes, or answer BUSY.

        Raises:
            KeyError, TypeError, ValueError: the message is not a request.
        """
        number = message.get("id")
        claims = [(token, expires) for token, expires in message.get("claims", ())]
        request = Request(message["command"], message["payload"], claims)
        full = len(self._waiting) + len(self._preparing) >= self._capacity or (
            self._waiting and self._waiting_bytes + size > self._capacity_bytes
        )
        if full or self._stopping:
            connection.answer(number, Outcome(request, refusal=ServiceError("BUSY")))
            connection.flush()
            return
        self._waiting_bytes += size
        queue = partial(self._queue, (connection, number, request, size))
        beforehand = self._beforehand.get(request.command)
        if beforehand is None:
            queue()
            return
        task = asyncio.get_running_loop().create_task(_prepare(beforehand, request))
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)
        task.add_done_callback(lambda _task: queue())

    def _queue(self, place: "tuple[_Connection, Any, Request, int]") -> None:
        self._waiting.append(place)
        self._work.set()


async def _prepare(beforehand: Beforehand, request: Request) -> None:
    try:
        await asyncio.to_thread(beforehand, request.payload)
    except Exception:  # the command itself says by name what it lacks
        log.exception("%s was not prepared", request.command)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


class _Connection(asyncio.Protocol):
    """One API process at the counter."""

    def __init__(self, registrar: Registrar) -> None:
        self._registrar = registrar
        self._reader = Reader()
        self._transport: asyncio.Transport | None = None
        self._answers: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._registrar.join(self)

    def data_received(self, data: bytes) -> None:
        try:
            for message, size in self._reader.feed(data):
                self._registrar.admit(self, message, size)
        except (FrameRefused, KeyError, TypeError, ValueError):
            log.warning("a malformed frame: the connection is closed")
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        del error  # every cause means the same here
        self._transport = None
        self._registrar.leave(self)

    def answer(self, number: Any, outcome: Outcome) -> None:
        """Write an answer into the buffer that `flush` sends."""
        if outcome.refusal is None:
            message = {"id": number, "result": outcome.result}
        else:
            refusal = outcome.refusal
            message = {"id": number, "code": refusal.code, "facts": dict(refusal.facts)}
        try:
            self._answers.append(encode(message))
        except FrameRefused:
            log.exception("an answer is too long")
            self._answers.append(encode({"id": number, "code": "INTERNAL", "facts": {}}))

    def flush(self) -> None:
        """Send the answers of a batch in one write."""
        answers, self._answers = self._answers, []
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(answers))

    def close(self) -> None:
        """Send what is buffered and close."""
        if self._transport is not None:
            self._transport.close()
