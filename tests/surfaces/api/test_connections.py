"""Callers who never finish what they began: they get neither memory nor a place for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send
from uvicorn.server import ServerState

from cipher_service.api.connections import HEADER_BYTES, Connection
from cipher_service.api.inbound import read_body
from cipher_service.errors import ServiceError

REQUEST = b"POST /v1/token HTTP/1.1\r\nHost: ministry\r\n"


class Impatient(Connection):
    patience = 0.3


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the whole body, wait longer than any header may take, and say how much it was."""
    assert scope["type"] == "http"
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await asyncio.sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d bytes" % size})


@asynccontextmanager
async def caller(
    protocol: type[Connection] = Impatient,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config = uvicorn.Config(answer, log_config=None)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config, state, {}), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()


def test_an_endless_header_is_refused_before_it_fills_the_memory() -> None:
    async def story() -> None:
        async with caller() as (reader, writer):
            # Not a byte more: what a closed connection leaves unread would reset it.
            writer.write(REQUEST + b"X: " + b"a" * (HEADER_BYTES - len(REQUEST) - 2))
            assert (await reader.read()).startswith(b"HTTP/1.1 431 ")

    asyncio.run(asyncio.wait_for(story(), 60))


def test_an_endless_trailer_ends_the_connection() -> None:
    async def story() -> None:
        async with caller() as (reader, writer):
            writer.write(REQUEST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n")
            await asyncio.sleep(0.1)
            writer.write(b"X: " + b"a" * (HEADER_BYTES - 2))
            assert await reader.read() == b""

    asyncio.run(asyncio.wait_for(story(), 60))


def test_who_says_nothing_or_half_a_header_is_not_waited_for() -> None:
    async def story(said: bytes) -> None:
        async with caller() as (reader, writer):
            writer.write(said)
            assert await reader.read() == b""

    for said in (b"", b"\r\n", b"POST /v1/tok", REQUEST):
        asyncio.run(asyncio.wait_for(story(said), 60))


def test_a_piece_of_a_body_is_not_copied_nor_are_many_small_ones_for_each_other() -> None:
    pieces: list[bytes] = []
    held: list[bytes | bytearray] = []

    class Watched(Connection):
        def on_body(self, body: bytes) -> None:
            super().on_body(body)
            pieces.append(body)
            held.append(self.cycle.body)

    async def story() -> None:
        async with caller(Watched) as (reader, writer):
            writer.write(REQUEST + b"Transfer-Encoding: chunked\r\n\r\n")
            writer.write(b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n")
            assert b"3 bytes" in await reader.readuntil(b"bytes\r\n0\r\n\r\n")

    asyncio.run(asyncio.wait_for(story(), 60))
    first, second, third = held
    assert first is pieces[0]
    assert second is third
    assert third == b"abc"


def test_a_body_may_be_slow_and_large_and_the_next_request_follows() -> None:
    async def story() -> None:
        async with caller() as (reader, writer):
            for _ in range(2):
                writer.write(REQUEST + b"Content-Length: %d\r\n\r\n" % (4 * HEADER_BYTES))
                for _ in range(4):
                    writer.write(b"b" * HEADER_BYTES)
                    await asyncio.sleep(0.15)
                assert b"262144 bytes" in await reader.readuntil(b"bytes\r\n0\r\n\r\n")

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_small_body_that_stops_half_way_is_not_waited_for() -> None:
    pieces: list[Message] = [{"type": "http.request", "body": b"grant_", "more_body": True}]

    async def receive() -> Message:
        if not pieces:
            await asyncio.Event().wait()
        return pieces.pop()

    async def story() -> None:
        request = Request({"type": "http", "method": "POST", "headers": []}, receive)
        with pytest.raises(ServiceError, match="BODY_INCOMPLETE"):
            await read_body(request, seconds=0.1)

    asyncio.run(asyncio.wait_for(story(), 60))
