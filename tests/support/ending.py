"""The end of a service: of its first process, and of each that this one started."""

import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path


def end_all(service: "subprocess.Popen[bytes]", number: int, seconds: float) -> None:
    """Send a signal to a service's first process; wait until it and all that it started have ended.

    Whoever is killed cannot wait for those: what they still write or remove (SQLite's journal, as
    its last connection closes) must not meet a test that goes on with the folder.
    """
    with ExitStack() as opened:
        watched = []
        for child in _started_by(service.pid):
            with suppress(ProcessLookupError):
                watched.append(os.pidfd_open(child))
                opened.callback(os.close, watched[-1])
        service.send_signal(number)
        service.wait(seconds)
        until = time.monotonic() + seconds
        for child in watched:
            ended, _, _ = select.select([child], [], [], max(until - time.monotonic(), 0))
            assert ended, "a process of the service outlived it"


def _started_by(process: int) -> Iterator[int]:
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            for child in map(int, listed.read_text().split()):
                yield child
                yield from _started_by(child)
