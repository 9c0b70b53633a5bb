"""What a process that holds secrets has its kernel refuse to others."""

from __future__ import annotations

import ctypes
import resource
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def forbid_dumps() -> None:
    """Keeps this process's memory out of core files and of its neighbours' reach.

    Processes that it forks inherit both, programs that it starts only the first (prctl(2)
    PR_SET_DUMPABLE, setrlimit(2) RLIMIT_CORE).
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The kernel refuses this call for other values than 0 and 1 only (prctl(2)).
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
