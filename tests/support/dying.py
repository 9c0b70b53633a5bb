"""A process that dies at the n-th step that it takes on a store's disk."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"}


def die_at(store: Path, last: int, *, prepared: bool = True) -> None:
    """Die with status 9 before the `last`-th step of this process on the store.

    Without `prepared` only what counts is a step: names that change, folders that are flushed.
    """
    steps = 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps
        if event not in STEPS or not str(arguments[0]).startswith(str(store)):
            return
        if not prepared and event == "open" and not arguments[2] & os.O_DIRECTORY:
            return
        steps += 1
        if steps == last:
            os._exit(9)

    sys.addaudithook(count)


def killed_at(store: Path, step: int, act: Callable[[], object], *, prepared: bool = True) -> int:
    """Act in a process of its own that dies as `die_at`; returns its status, 0 once it was done."""
    child = os.fork()
    if child == 0:
        try:
            die_at(store, step, prepared=prepared)
            act()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
