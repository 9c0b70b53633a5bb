"""Receiving a large body in constant memory, near the disk's speed.

Two buffers: while a thread hashes and writes one (both release the GIL), the event loop fills the
other from the socket. Never more than two buffers are held for one upload, whatever its size, and
the socket is not read while both are full, so that the sender waits instead of the server's
memory.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from typing import Final

BUFFER: Final = 2 * 1024 * 1024


async def pour(
    source: AsyncIterator[bytes],
    write: Callable[[memoryview], None],
    executor: Executor,
    *,
    limit: int,
) -> int:
    """Write a stream out through a thread and return how many bytes came.

    Args:
        source: pieces of any size.
        write: takes the bytes; called in one thread at a time, in order.
        executor: where it runs.
        limit: reading stops as soon as more than this came; at most `limit` + 1 piece is read.

    Raises:
        Whatever `source` or `write` raises; what came before a broken source is written first.
    """
    loop = asyncio.get_running_loop()
    # Made once: a buffer that grows from nothing for each round costs more than all the copies.
    filling, writing = memoryview(bytearray(BUFFER)), memoryview(bytearray(BUFFER))
    busy: asyncio.Future[None] | None = None
    received = filled = 0
    try:
        async for piece in source:
            received += len(piece)
            if received > limit:
                break
            rest = memoryview(piece)
            while rest:
                taken = min(len(rest), BUFFER - filled)
                filling[filled : filled + taken] = rest[:taken]
                filled, rest = filled + taken, rest[taken:]
                if filled == BUFFER:
                    if busy is not None:
                        await busy
                    filling, writing, filled = writing, filling, 0
                    busy = loop.run_in_executor(executor, write, writing)
    finally:
        if busy is not None:
            await busy
        if filled:
            await loop.run_in_executor(executor, write, filling[:filled])
    return received
