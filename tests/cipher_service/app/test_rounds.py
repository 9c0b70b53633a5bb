"""What the registrar does by itself goes on, whatever one of its rounds meets."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cipher_service.app.registrar import go_round, housekeep
from cipher_service.errors import ServiceError
from cipher_service.storage.batch import Batches
from cipher_service.storage.blobs import Blobs


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


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_upload_that_cannot_be_dropped_keeps_no_other_from_it(
    engine: Engine, tmp_path: Path
) -> None:
    blobs = Blobs(tmp_path)
    stuck, other = blobs.upload_path("0" * 32), blobs.upload_path("1" * 32)
    stuck.mkdir(parents=True)
    other.write_bytes(b"half")
    handlers = {"housekeep": lambda *_: ["0" * 32, "1" * 32], "lapse": lambda *_: None}
    batches = Batches(engine, handlers, lambda *_: None)

    async def once() -> bool:
        keeping = asyncio.create_task(housekeep(batches, blobs))
        await asyncio.sleep(0)
        alive = not keeping.done()
        keeping.cancel()
        return alive

    assert asyncio.run(once())
    assert not other.exists()
