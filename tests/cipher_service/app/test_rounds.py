"""What the bureau does by itself goes on, whatever one of its rounds meets."""

import asyncio

from cipher_service.app.registrar import go_round
from cipher_service.errors import ServiceError


def test_a_round_that_is_refused_stops_neither_the_others_nor_the_next() -> None:
    def refused() -> None:
        raise ServiceError("INTENT_NOT_OPEN")

    async def going() -> bool:
        loop, reached = asyncio.get_running_loop(), asyncio.Event()
        others = [refused, lambda: loop.call_soon_threadsafe(reached.set)]
        rounds = asyncio.create_task(go_round(others))
        waiting = asyncio.create_task(reached.wait())
        await asyncio.wait({rounds, waiting}, return_when=asyncio.FIRST_COMPLETED)
        alive = not rounds.done()
        rounds.cancel()
        waiting.cancel()
        return alive

    assert asyncio.run(going())
