"""Signals that ask a command to end: when they may, and how it unwinds."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """A signal asked the command to end; unwinding cleans up as for Ctrl-C.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def unwind_when_asked() -> None:
    """Let SIGTERM and SIGHUP unwind the command as Ctrl-C does, so that it cleans up."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup asked not to be hung up on
            signal.signal(number, _stop)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold such signals back while the block lasts.

    For the few steps between a commit and a rename: interrupted there, the command would say that
    nothing was published when something was.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ASKING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise Stopped(number)
