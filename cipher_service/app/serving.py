"""Sockets to listen at, and one ASGI application served at one of them until SIGTERM."""

import gc
import socket
from collections.abc import Callable
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from cipher_service.api.connections import Connection
from cipher_service.app.arena import give_back_free_memory
from cipher_service.settings import Settings

GRACE_SECONDS: Final = 3
BACKLOG: Final = 512
TIDY_SECONDS: Final = 10
"""From one return of free memory to the next; 5 MiB are free again two seconds after one."""


def listening_sockets(settings: Settings) -> list[socket.socket]:
    """Return one listening socket for each API process, all at the same address.

    One socket each (SO_REUSEPORT), because the kernel then shares connections out evenly; with a
    single socket the process that wakes first takes them all.

    Raises:
        OSError: somebody else listens there.
    """
    return sockets_at(settings.host, settings.port, settings.workers)


def sockets_at(host: str, port: int, count: int) -> list[socket.socket]:
    """Return listening sockets of one address that nobody else has. Raises OSError."""
    address = (host, port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # SO_REUSEPORT alone would quietly share the address with another service of this user.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
    return [_listen(family, address) for _ in range(count)]


def serve(application: ASGIApp, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve an application at a socket until SIGTERM; tell once it is ready."""
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_SECONDS,
        callback_notify=_tidy,
        timeout_notify=TIDY_SECONDS,
    )
    _Server(config, ready).run(sockets=[listener])


def collect_seldom() -> None:
    """Have Python look for unreachable cycles after ten thousand new objects instead of 700.

    A request makes hundreds of objects and leaves no cycle behind; what is loaded now stays.
    Processes that are forked from here on share it: the collector writes into each object that it
    walks through, and a process then gets a copy of the page, 40 MiB in each of the API's.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


class _Server(uvicorn.Server):
    """uvicorn, telling when it accepts connections."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


async def _tidy() -> None:
    give_back_free_memory()


def _listen(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(address)
    listener.listen(BACKLOG)
    listener.settimeout(0)
    return listener
