"""The ceiling: a FastAPI application that says hello, served exactly as our own is.

It stands behind the same border, on the same connections, in two processes.

Run as a program: `python -m tests.bench.hello PORT` says READY, and ends with SIGTERM.
"""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from fastapi import FastAPI
from starlette.requests import Request

from cipher_service.api.border import Border
from cipher_service.api.forwarding import Forwarding
from cipher_service.app.serving import collect_seldom, serve
from cipher_service.app.turns import go_on_until_waiting

WORKERS = 2


async def _unnoted(_request: Request, _error: Exception) -> None:
    pass


def application() -> Border:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/hello")
    async def hello() -> dict[str, str]:
        return {"hello": "world"}

    return Border(app, {}, _unnoted, Forwarding(b""))


@contextmanager
def hello() -> Iterator[str]:
    """Run it; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.bench.hello", str(port)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(WORKERS)]
    try:
        for process in processes:
            _await(process)
        yield f"http://127.0.0.1:{port}/hello"
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _await(process: "subprocess.Popen[bytes]") -> None:
    if process.stdout is None:
        raise RuntimeError("started without its output")
    ready, _, _ = select.select([process.stdout], [], [], 30)
    if not ready or not os.read(process.stdout.fileno(), 10):
        raise RuntimeError("the bare endpoint does not start")


def _serve(port: int) -> None:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(512)
    listener.settimeout(0)
    collect_seldom()
    go_on_until_waiting()
    serve(application(), listener, partial(print, "READY", flush=True))


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
