"""A registrar in a process of its own, so that a test can kill it without mercy."""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from cipher_service.storage.batch import Batches
from cipher_service.storage.writer import Registrar

Make = Callable[[], Batches]
"""Builds the batches inside the process: connections do not survive a fork."""


class RegistrarProcess:
    """Start with `with`; `kill` is SIGKILL, `stop` is the orderly end."""

    def __init__(self, socket: Path, make: Make, *, capacity: int = 1024) -> None:
        self.socket = socket
        self._make = make
        self._capacity = capacity
        self._process = multiprocessing.get_context("fork").Process(target=self._serve)

    def __enter__(self) -> Self:
        self._process.start()
        deadline = time.monotonic() + 60
        while not self.socket.is_socket() and time.monotonic() < deadline:
            time.sleep(0.005)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.is_alive():
            self._process.kill()
        self._process.join()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self.socket.unlink(missing_ok=True)  # so that `with` of the next one waits for its own

    def stop(self) -> int | None:
        self._process.terminate()
        self._process.join(60)
        return self._process.exitcode

    def freeze(self) -> None:
        os.kill(self._process.pid or 0, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._process.pid or 0, signal.SIGCONT)

    def _serve(self) -> None:
        async def serve() -> None:
            registrar = Registrar(self._make(), capacity=self._capacity)
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, registrar.stop)
            await registrar.serve(self.socket)

        asyncio.run(serve())
        os._exit(0)  # pytest's own exit handlers belong to the parent
