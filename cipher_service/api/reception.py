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

BUFFER: Final = 1024 * 1024


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
    filling, writing = bytearray(), bytearray()
    busy: asyncio.Future[None] | None = None
    received = 0
    try:
        async for piece in source:
            received += len(piece)
            if received > limit:
                break
            filling += piece
            if len(filling) >= BUFFER:
                if busy is not None:
                    await busy
                writing.clear()
                filling, writing = writing, filling
                busy = loop.run_in_executor(executor, _write, write, writing)
    finally:
        if busy is not None:
            await busy
        if filling:
            await loop.run_in_executor(executor, _write, write, filling)
    return received


def _write(write: Callable[[memoryview], None], buffer: bytearray) -> None:
    with memoryview(buffer) as view:
        write(view)
