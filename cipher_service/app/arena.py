"""Where the C library takes memory from, in a process of several threads, and gives it back to."""

import ctypes
from typing import Final

_M_ARENA_MAX: Final = -8  # glibc's malloc.h
_C: Final = ctypes.CDLL(None)


def allocate_from_one_arena() -> None:
    """Have glibc take the memory of all threads from one arena; forked processes inherit it.

    Each thread has an arena of its own otherwise, which keeps what was freed in it. The pieces of
    a download are read in eight threads by turns and freed by a ninth, so each of eight arenas kept
    two of them: 17 MiB for one download at a time, and more for several. Threads of Python hold its
    lock while they allocate; they gain nothing by arenas (mallopt(3)).

    Another C library than glibc has no arenas to bound.
    """
    mallopt = getattr(_C, "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def give_back_free_memory() -> None:
    """Have glibc return to the kernel each page of the arena in which nothing is kept.

    By itself it returns only what lies at the arena's end: between what is kept for long, the
    pages of what was freed stay, 5 to 15 MiB in a process of the API (malloc_trim(3)).

    Another C library than glibc sees to that itself.
    """
    malloc_trim = getattr(_C, "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
