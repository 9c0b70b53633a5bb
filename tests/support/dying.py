"""A process that dies at the n-th step that it takes on a store's disk."""

import os
import sys
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
