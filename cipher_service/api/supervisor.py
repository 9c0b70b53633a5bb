"""Starts the processes of a service in order, keeps them alive, and stops them in reverse order.

- A process counts as started when it says so; the next one starts only then.
- One that dies is started again, after a pause that grows while it keeps dying.
- SIGTERM or SIGINT stops all: last started, first stopped; who does not leave in time is killed.
- Should the supervisor itself be killed, the kernel tells its children to stop (PR_SET_PDEATHSIG):
  no process is left behind.
"""

import ctypes
import logging
import multiprocessing
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from types import FrameType
from typing import Final, Protocol

log = logging.getLogger(__name__)

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
_PAUSES: Final = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
_STEADY_SECONDS: Final = 30.0
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_NAME_BYTES: Final = 15


class StartFailed(RuntimeError):
    """A process of the service did not come up; the text names it."""


class Running(Protocol):
    """A started process."""

    sentinel: int

    def stop(self) -> None:
        """Ask it to finish what it does and leave."""

    def end(self, seconds: float) -> int:
        """Wait for its end, kill it after `seconds`, and return its exit code."""


Start = Callable[[], Running]


class Forked:
    """A process forked from this one: it starts at once and shares what is already loaded.

    Args:
        name: for logs.
        work: what it does; it is given a function to call once it is ready, and returns when told
            to stop by SIGTERM.
    """

    def __init__(self, name: str, work: Callable[[Callable[[], None]], None]) -> None:
        reader, writer = os.pipe()
        context = multiprocessing.get_context("fork")
        self._process = context.Process(
            target=_forked, args=(name, work, reader, writer), name=name
        )
        self._process.start()
        os.close(writer)
        self.sentinel = self._process.sentinel
        try:
            _await_word(name, reader, self.sentinel, b"1")
        except StartFailed:
            self.end(0.0)
            raise
        finally:
            os.close(reader)

    def stop(self) -> None:
        """See `Running`."""
        self._process.terminate()

    def end(self, seconds: float) -> int:
        """See `Running`."""
        self._process.join(seconds)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        return self._process.exitcode or 0


class Commanded:
    """A process with a program of its own, which prints a line beginning with READY.

    Args:
        name: for logs.
        arguments: the command line.
        environment: its whole environment.
    """

    def __init__(self, name: str, arguments: Sequence[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            arguments,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one thread only runs here: safe
        )
        self.sentinel = os.pidfd_open(self._process.pid)
        output = self._process.stdout
        if output is None:
            raise RuntimeError("a process was started without its output")
        try:
            _await_word(name, output.fileno(), self.sentinel, b"READY")
        except StartFailed:
            self.end(0.0)
            raise

    def stop(self) -> None:
        """See `Running`."""
        self._process.terminate()

    def end(self, seconds: float) -> int:
        """See `Running`."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        os.close(self.sentinel)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code


@dataclass(slots=True)
class _Post:
    """One place in the service and who holds it now."""

    name: str
    start: Start
    running: Running
    since: float = field(default_factory=time.monotonic)
    deaths: int = 0


class Supervisor:
    """Runs a list of processes, in order."""

    def __init__(self, starts: Sequence[tuple[str, Start]]) -> None:
        self._starts = starts
        self._posts: list[_Post] = []
        self._stopping = False

    def run(self, announce: Callable[[], None]) -> None:
        """Start all, call `announce`, and keep all alive until SIGTERM or SIGINT.

        Raises:
            StartFailed: one did not come up the first time; those before it were stopped.
        """
        waker, wakened = socket.socketpair()
        waker.settimeout(0)
        wakened.settimeout(0)
        former = {number: signal.signal(number, self._told) for number in _SIGNALS}
        former_waker = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        try:
            for name, start in self._starts:
                if self._stopping:
                    return
                self._posts.append(_Post(name, start, start()))
            announce()
            while not self._stopping:
                self._watch(wakened)
        finally:
            self._stop_all()
            signal.set_wakeup_fd(former_waker)
            for number, handler in former.items():
                signal.signal(number, handler)
            waker.close()
            wakened.close()

    def _told(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._stopping = True

    def _watch(self, wakened: socket.socket) -> None:
        sentinels = {post.running.sentinel: post for post in self._posts}
        for ready in wait([wakened, *sentinels]):
            if isinstance(ready, int) and not self._stopping:
                self._replace(sentinels[ready])

    def _replace(self, post: _Post) -> None:
        code = post.running.end(0.0)
        if time.monotonic() - post.since > _STEADY_SECONDS:
            post.deaths = 0
        pause = _PAUSES[min(post.deaths, len(_PAUSES) - 1)]
        log.error("%s ended with code %d; started again in %.1f s", post.name, code, pause)
        while not self._stopping:
            self._sleep(pause)
            post.deaths += 1
            post.since = time.monotonic()
            try:
                post.running = post.start()
            except StartFailed:
                pause = _PAUSES[min(post.deaths, len(_PAUSES) - 1)]
                log.exception("%s did not come up; tried again in %.1f s", post.name, pause)
            else:
                return
        self._posts.remove(post)

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._stopping and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    def _stop_all(self) -> None:
        """Stop in groups of one name's stem: workers together, then who serves them."""
        while self._posts:
            stem = self._posts[-1].name.partition(" ")[0]
            group = [post for post in self._posts if post.name.partition(" ")[0] == stem]
            for post in group:
                post.running.stop()
            deadline = time.monotonic() + STOP_SECONDS
            for post in group:
                post.running.end(max(0.0, deadline - time.monotonic()))
                self._posts.remove(post)


_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def _forked(
    name: str, work: Callable[[Callable[[], None]], None], reader: int, writer: int
) -> None:
    os.close(reader)
    # What `ps` and `top` show, so that an operator knows which is which.
    _prctl(_PR_SET_NAME, name.encode("ascii")[:_NAME_BYTES])
    signal.set_wakeup_fd(-1)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    # A session of its own: Ctrl-C reaches the supervisor alone, which stops all in order.
    os.setsid()
    _die_with_parent()

    def ready() -> None:
        os.write(writer, b"1")
        os.close(writer)

    work(ready)


def _die_with_parent() -> None:
    _prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))


def _prctl(option: int, argument: int | bytes) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, argument, 0, 0, 0)


def _await_word(name: str, descriptor: int, sentinel: int, word: bytes) -> None:
    """Wait until a process has written `word`, or has died."""
    heard = b""
    deadline = time.monotonic() + START_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([descriptor, sentinel], [], [], left)
        if descriptor in ready:
            piece = os.read(descriptor, 4096)
            heard += piece
            if word in heard:
                return
            if not piece:
                break
        elif ready:
            break
    raise StartFailed(f"{name} did not come up")


def environment_for_child(**more: str) -> dict[str, str]:
    """Return the little that a child process with a program of its own needs to know."""
    kept = ("PATH", "LANG", "LC_ALL", "TZ", "HOME", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "PYTHONDONTWRITEBYTECODE": str(int(sys.dont_write_bytecode)),
        **more,
    }
