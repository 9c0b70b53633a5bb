"""What one console process holds: ways to the books and to the registrar, and what decides.

Reads go to the database in a thread; every write goes to the registrar, with the officer's cookie,
so that this process can write nothing in the name of an officer who is not signed in.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from cipher_service.access.acts import Gate
from cipher_service.errors import ServiceError
from cipher_service.settings import Settings
from cipher_service.storage.unit_of_work import reading

THREADS: Final = 8
CUSTODY_SECONDS: Final = 3.0
"""Between two looks at the custodian, whose state every page shows."""

Result = TypeVar("Result")


class Registry(Protocol):
    """The registrar, over its socket or in this process."""

    async def call(self, command: str, payload: Any) -> Any:
        """Run one command; see `RegistrarClient.call`."""

    def close(self) -> None:
        """Let go of it."""


class Office:
    """One process's ways to the ministry; belongs to one event loop.

    Args:
        settings: the installation.
        engine: its database.
        registry: its registrar.

    Attributes:
        sealed: whether the bureau's keys were sealed a few seconds ago.
    """

    def __init__(self, settings: Settings, engine: Engine, registry: Registry) -> None:
        self.settings = settings
        self.engine = engine
        self._registry = registry
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="console")
        self._gates: list[Gate] = []
        self.headquarters = settings.headquarters
        self.sealed = False

    def close(self) -> None:
        """Let go of the registrar, the threads and the database."""
        self._registry.close()
        self._threads.shutdown()
        self.engine.dispose()

    async def ask(self, command: str, payload: Any) -> Any:
        """Ask the registrar for something that needs no signed-in officer.

        Raises:
            ServiceError: the command's refusal, BUSY, UNAVAILABLE.
        """
        return await self._registry.call(command, payload)

    async def watch_custody(self) -> None:
        """Keep `sealed` true to the custodian, so that no page waits for it; until cancelled."""
        while True:
            # Pages say themselves that the registrar is away.
            with suppress(ServiceError):
                told = await self.ask("health", {})
                self.sealed = told["custodian"] == "sealed"
            await asyncio.sleep(CUSTODY_SECONDS)

    async def read(self, question: Callable[[Connection, Gate], Result]) -> Result:
        """Ask the books something in a thread, at one moment; `Gate` is what decides."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, question)

    async def in_thread(self, work: Callable[[], Result]) -> Result:
        """Do something that blocks in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _read(self, question: Callable[[Connection, Gate], Result]) -> Result:
        # A gate remembers persons and is not for two threads at once: it is taken and given back.
        gate = self._gates.pop() if self._gates else Gate()
        try:
            with reading(self.engine) as connection:
                gate.principals.look(connection)
                return question(connection, gate)
        finally:
            self._gates.append(gate)
