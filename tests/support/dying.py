"""A process that dies at the n-th step that it takes on a store's disk."""

import os
import sys
from pathlib import Path
from typing import Any

STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"}


def die_at(store: Path, last: int) -> None:
    """Die with status 9 before the `last`-th step of this process on the store."""
    steps = 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps
        if event in STEPS and str(arguments[0]).startswith(str(store)):
            steps += 1
            if steps == last:
                os._exit(9)

    sys.addaudithook(count)
