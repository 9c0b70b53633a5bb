"""The live stream of arrivals (server-sent events, WHATWG HTML §9.2).

    id: 184
    event: arrival
    data: {"dispatch_id": ..., "origin": ..., "precedence": ..., "received_at": ...}

The id is the order of arrival; `Last-Event-ID` resumes after it. Without it the stream begins with
what arrives from now on; an id alone comes first, so that even a stream on which nothing arrived
can be resumed. A comment every few seconds shows that the line is alive. A stream ends with the
caller's token, at most five minutes later: the post connects again and misses nothing, and a
suspended post does not listen on.

One look at the database serves all listeners of a process, however many they are.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Final, Self

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from cipher_service import clock
from cipher_service.api.inbound import decimal
from cipher_service.api.ministry import Ministry
from cipher_service.dispatches import lists, shown
from cipher_service.identity.gatekeeper import Caller
from cipher_service.storage import counters
from cipher_service.wire.dispatches import Arrival

HEARTBEAT: Final = 10.0
BETWEEN_LOOKS: Final = 0.25
MEDIA_TYPE: Final = "text/event-stream"


class Pulse:
    """Tells all listeners of one process that something was recorded.

    Args:
        ministry: whose register is looked at, while somebody listens.
    """

    def __init__(self, ministry: Ministry) -> None:
        self.beats = 0
        """How often something new was seen."""
        self._ministry = ministry
        self._listeners = 0
        self._looking: asyncio.Task[None] | None = None
        self._beat = asyncio.Condition()

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        self._listeners += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening; the last one out stops the looking."""
        self._listeners -= 1
        if self._listeners == 0 and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def after(self, seen: int, seconds: float) -> bool:
        """Wait for a beat beyond `seen`; False when none came in time."""
        try:
            async with asyncio.timeout(seconds), self._beat:
                await self._beat.wait_for(lambda: self.beats > seen)
        except TimeoutError:
            return False
        return True

    async def _look(self) -> None:
        known = -1
        while True:
            year = clock.now().year
            # The register's counter moves with every dispatch that is recorded.
            number = await self._ministry.read(partial(counters.read, name=f"register/{year}"))
            if number != known:
                known = number
                async with self._beat:
                    self.beats += 1
                    self._beat.notify_all()
            await asyncio.sleep(BETWEEN_LOOKS)


async def arrivals(ministry: Ministry, pulse: Pulse, request: Request) -> Response:
    """Open the stream."""
    last = request.headers.get("last-event-id")
    after = None if last is None else decimal(last)
    caller = await ministry.admitted(request)
    if after is None:
        after = await ministry.read(
            lambda connection: lists.latest_arrival(connection, caller.post)
        )
    return StreamingResponse(_stream(ministry, pulse, caller, after), media_type=MEDIA_TYPE)


async def _stream(
    ministry: Ministry, pulse: Pulse, caller: Caller, after: int
) -> AsyncIterator[str]:
    yield f"id: {after}\n\n"
    async with pulse:
        while (left := caller.until - clock.now().timestamp()) > 0:
            seen = pulse.beats
            found = await ministry.shown(caller, partial(shown.arrivals, after=after))
            for arrival in found:
                after = arrival.seq
                yield _event(arrival)
            if not found and not await pulse.after(seen, min(HEARTBEAT, left)):
                yield ":\n\n"


def _event(arrival: lists.Arrival) -> str:
    told = Arrival(
        dispatch_id=arrival.dispatch_id,
        origin=arrival.origin,
        precedence=arrival.precedence,
        received_at=arrival.received_at,
    )
    return f"id: {arrival.seq}\nevent: arrival\ndata: {told.model_dump_json()}\n\n"
