"""The line to the registrar: what leaves together, and what never left."""

import asyncio

import pytest

from cipher_service.errors import ServiceError
from cipher_service.storage import writer_client


class Wire(asyncio.Transport):
    """A socket to the registrar that keeps each write apart."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        return False


def test_the_commands_of_one_turn_leave_in_one_write() -> None:
    async def call() -> list[bytes]:
        wire, line = Wire(), writer_client._Line(30.0)
        line.connection_made(wire)
        line.send(1, b"first")
        line.send(2, b"second")
        await asyncio.sleep(0)
        line.send(3, b"third")
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # nothing is left to leave
        line.connection_lost(None)
        return wire.writes

    assert asyncio.run(call()) == [b"firstsecond", b"third"]


def test_a_command_whose_line_breaks_before_it_leaves_fails_at_once() -> None:
    async def call() -> list[bytes]:
        wire, line = Wire(), writer_client._Line(30.0)
        line.connection_made(wire)
        answer = line.send(1, b"never sent")
        line.connection_lost(ConnectionResetError())
        with pytest.raises(ServiceError, match="UNAVAILABLE"):
            await answer
        await asyncio.sleep(0)
        with pytest.raises(ServiceError, match="UNAVAILABLE"):
            line.send(2, b"too late")
        return wire.writes

    assert asyncio.run(call()) == []
