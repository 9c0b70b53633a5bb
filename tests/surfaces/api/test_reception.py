"""A large body is written in order, in two buffers, and what came before a break is kept."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cipher_service.api.reception import BUFFER, pour


async def pieces(total: int, size: int, broken_at: int | None = None) -> AsyncIterator[bytes]:
    sent = 0
    while sent < total:
        if broken_at is not None and sent >= broken_at:
            raise ConnectionError("the line broke")
        piece = bytes((sent + index) % 251 for index in range(min(size, total - sent)))
        sent += len(piece)
        yield piece


def poured(source: AsyncIterator[bytes], limit: int, written: bytearray) -> int:
    def write(view: memoryview) -> None:
        assert len(view) <= BUFFER + 100_000
        written.extend(view)

    with ThreadPoolExecutor(1) as executor:
        return asyncio.run(pour(source, write, executor, limit=limit))


@pytest.mark.parametrize("total", [0, 1, 100_000, BUFFER, 2 * BUFFER + 17])
def test_everything_is_written_in_order(total: int) -> None:
    written = bytearray()
    assert poured(pieces(total, 65_536), total, written) == total
    assert written == bytes(index % 251 for index in range(total))


def test_what_came_before_the_line_broke_is_written() -> None:
    written = bytearray()
    with pytest.raises(ConnectionError):
        poured(pieces(3 * BUFFER, 65_536, broken_at=BUFFER + 70_000), 3 * BUFFER, written)
    assert len(written) >= BUFFER + 70_000


def test_reading_stops_soon_after_the_limit() -> None:
    written = bytearray()
    assert poured(pieces(5 * BUFFER, 65_536), BUFFER, written) <= BUFFER + 65_536
    assert len(written) <= BUFFER


def test_a_disk_that_refuses_is_told() -> None:
    def write(_view: memoryview) -> None:
        raise OSError(28, "No space left on device")

    with ThreadPoolExecutor(1) as executor, pytest.raises(OSError, match="No space"):
        asyncio.run(pour(pieces(3 * BUFFER, 65_536), write, executor, limit=3 * BUFFER))
