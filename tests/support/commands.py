"""A command of ours run in this process: the same `main` and streams, without a second of imports.

What a process alone shows (signals, a kill, no terminal, the first import) has tests of its own.
"""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

Main = Callable[[Sequence[str]], int]


class Captured(io.TextIOWrapper):
    """A standard stream that keeps what is written."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    @property
    def octets(self) -> bytes:
        kept: io.BytesIO = self.buffer  # type: ignore[assignment]  # given above
        return kept.getvalue()


def run_here(
    main: Main,
    typed: Sequence[str],
    *,
    stdin: bytes = b"",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[bytes]":
    """Run one command to its end and leave this process as it was."""
    out, err = Captured(), Captured()
    with _restored(env), chdir(cwd or Path.cwd()), redirect_stdout(out), redirect_stderr(err):
        sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
        status = main(typed)
    return subprocess.CompletedProcess(list(typed), status, out.octets, err.octets)


@contextmanager
def _restored(env: Mapping[str, str] | None) -> Iterator[None]:
    """Undo what a command changes for its whole process."""
    stdin, environment = sys.stdin, dict(os.environ)
    handlers = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    umask = os.umask(0o077)
    os.umask(umask)
    if env is not None:
        os.environ.clear()
        os.environ.update(env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        os.umask(umask)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        sys.stdin = stdin
