"""All processes of the service: started in order, stopped in reverse."""

import socket
import sys
from collections.abc import Callable
from functools import partial

from cipher_service.api.application import create_application
from cipher_service.api.border import Border
from cipher_service.api.supervisor import (
    Commanded,
    Forked,
    Start,
    Supervisor,
    environment_for_child,
)
from cipher_service.app.arena import allocate_from_one_arena
from cipher_service.app.registrar import serve_registrar
from cipher_service.app.serving import (
    collect_seldom,
    listening_sockets,
    serve,
    sockets_at,
)
from cipher_service.app.turns import go_on_until_waiting
from cipher_service.console.application import create_console
from cipher_service.console.approving import create_approval
from cipher_service.settings import Settings
from keys.confinement import forbid_dumps

Served = Callable[[Settings, socket.socket, Callable[[], None]], None]
"""Serves at a socket until SIGTERM, and tells once it is ready."""


def run(settings: Settings, announce: Callable[[str], None] = print) -> None:
    """Run all processes until SIGTERM or SIGINT; leave none behind.

    Args:
        settings: the installation; its database has the present shape.
        announce: told one line, `READY` and the address, once all are up.

    Raises:
        StartFailed: a process did not come up.
        OSError: the address is taken.
    """
    forbid_dumps()
    allocate_from_one_arena()
    go_on_until_waiting()
    (settings.data / "run").mkdir(mode=0o700, exist_ok=True)
    sockets = listening_sockets(settings)
    consoles = console_places(settings)
    starts: list[tuple[str, Start]] = []
    # A store may lie here beside a custodian apart, as a restore leaves it: nobody serves from it.
    if not settings.custodian_apart and settings.custodian_store.exists():
        starts.append(("custodian", partial(_start_custodian, settings)))
    starts.append(("registrar", partial(Forked, "registrar", partial(serve_registrar, settings))))
    for number, listener in enumerate(sockets, start=1):
        name = f"api {number}"
        starts.append((name, partial(Forked, name, partial(serve_api, settings, listener))))
    for name, served, listener in consoles:
        starts.append((name, partial(Forked, name, partial(served, settings, listener))))
    # Before they are forked: a collection in a child would write to every page that it shares.
    collect_seldom()
    try:
        Supervisor(starts).run(lambda: announce(f"READY {settings.issuer}"))
    finally:
        for listener in (*sockets, *(place[2] for place in consoles)):
            listener.close()


def console_places(settings: Settings) -> list[tuple[str, Served, socket.socket]]:
    """Return the console and the page where officers sign: name, what serves, listening socket.

    Nothing for an installation without a console.

    Raises:
        OSError: somebody else listens there.
    """
    if not settings.console_port:
        return []
    [pages] = sockets_at(settings.host, settings.console_port, 1)
    [signing] = sockets_at(settings.host, settings.approval_port, 1)
    return [("console", serve_console, pages), ("approval", serve_approval, signing)]


def create_api(settings: Settings) -> Border:
    """Return the ASGI application of one API process."""
    return create_application(settings)


def serve_api(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Be one API process until SIGTERM."""
    serve(create_api(settings), listener, ready)


def serve_console(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Be a console process until SIGTERM."""
    serve(create_console(settings), listener, ready)


def serve_approval(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Be the process where officers sign, until SIGTERM."""
    serve(create_approval(settings), listener, ready)


def _start_custodian(settings: Settings) -> Commanded:
    return Commanded(
        "custodian",
        [
            sys.executable,
            "-m",
            "keys.custody.worker",
            "--store",
            str(settings.custodian_store),
            "--credential",
            str(settings.custodian_credential),
            "--socket",
            settings.custodian.removeprefix("worker:"),
            *(["--production"] if settings.production else []),
        ],
        environment_for_child(MALLOC_ARENA_MAX="1"),  # as `arena`, which it cannot inherit
    )
