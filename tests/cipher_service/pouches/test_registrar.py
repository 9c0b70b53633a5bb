"""Many devices at once, and a registrar that dies: nothing lost, nothing double, one winner."""

import asyncio
import itertools
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from cipher_service.errors import ServiceError
from cipher_service.pouches import outcomes
from cipher_service.storage.engine import open_engine
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import reading
from cipher_service.storage.writer_client import RegistrarClient
from pouch.alarms import RECEIVED_TWICE
from pouch.custody import device_chains
from pouch.events import parse_event
from pouch.facts import Seen
from tests.support.bags import NOON, SEAL, Device
from tests.support.pouches import Pouches, make_batches
from tests.support.registrar import RegistrarProcess

SCANS = 1_000
DEVICES = 10


def _registrar(database_url: str, folder: Path) -> RegistrarProcess:
    return RegistrarProcess(
        folder / "registrar.sock", lambda: make_batches(open_engine(database_url), lambda: NOON)
    )


def test_fifty_concurrent_receipts_of_one_bag_have_one_winner(
    pouches: Pouches, database_url: str, tmp_path: Path
) -> None:
    pouches.closed()
    devices = [Device(f"phone {number}") for number in range(50)]
    for number, device in enumerate(devices):
        setattr(pouches, f"phone_{number}", device)
        pouches.enrol(device, "PARIS")
    payloads = [
        pouches.payload("PARIS", pouches.signed(pouches.arrival(device))) for device in devices
    ]
    pouches.engine.dispose()

    async def race() -> list[Any]:
        clients = [RegistrarClient(tmp_path / "registrar.sock") for _ in range(5)]
        calls = (
            client.call("pouch_events", payload)
            for client, payload in zip(itertools.cycle(clients), payloads, strict=False)
        )
        answers = list(await asyncio.gather(*calls))
        for client in clients:
            client.close()
        return answers

    with _registrar(database_url, tmp_path) as process:
        answers = [answer for (answer,) in asyncio.run(race())]
        process.stop()
    assert sorted(answer["receipt"] for answer in answers) == ["granted", *["second"] * 49]
    assert all(answer["new"] for answer in answers)
    with reading(pouches.engine) as connection:
        granted = connection.execute(select(tables.receipt)).all()
        alarms = outcomes.alarms_about(connection, SEAL)
    assert len(granted) == 1
    (twice,) = [alarm for alarm in alarms if alarm.kind == RECEIVED_TWICE]
    assert len(twice.events) == 50


@pytest.mark.slow
def test_a_thousand_queued_scans_survive_kills_doubles_and_disorder(
    pouches: Pouches, database_url: str, tmp_path: Path
) -> None:
    """P7: whatever a device repeats until it is acknowledged is on record once."""
    pouches.closed()
    files = []
    for number in range(DEVICES):
        device = Device(f"phone {number}")
        setattr(pouches, f"phone_{number}", device)
        pouches.enrol(device, "PARIS")
        for minute in range(SCANS // DEVICES):
            event = device.tell(Seen(seals=()), officer="PAUL", place="CDG", minutes=500 + minute)
            files.append(pouches.signed(event))
    queue = sorted([*files, *files[:: SCANS // 250]], key=lambda data: sha256(data).digest())
    chunks = [pouches.payload("PARIS", *queue[n::50]) for n in range(50)]
    pouches.engine.dispose()

    async def send(remaining: list[dict[str, Any]], until: int) -> None:
        """Send until so many chunks were acknowledged; what was not is sent again later."""
        client = RegistrarClient(tmp_path / "registrar.sock", patience=30)
        for _ in range(min(until, len(remaining))):
            answers = await client.call("pouch_events", remaining[-1])
            assert all(answer["refusal"] is None for answer in answers)
            remaining.pop()
        client.close()

    remaining = list(chunks)
    while remaining:
        with _registrar(database_url, tmp_path) as process:
            asyncio.run(send(remaining, 15))
            if remaining:
                asyncio.run(_send_and_kill(tmp_path, remaining[-1], process))
            else:
                process.stop()
    with reading(pouches.engine) as connection:
        told = connection.execute(select(func.count()).select_from(tables.event)).scalar_one()
        events = [
            parse_event(row.body)[0]
            for row in connection.execute(
                select(tables.event.c.body).where(tables.event.c.kind == "seen")
            )
        ]
    assert len({event.id for event in events}) == len(events) == SCANS
    assert told == SCANS + 2
    chains = device_chains(events).values()
    assert [(chain.highest, chain.missing, chain.forks) for chain in chains] == [
        (SCANS // DEVICES, (), ())
    ] * DEVICES


async def _send_and_kill(folder: Path, payload: dict[str, Any], process: RegistrarProcess) -> None:
    """Kill the registrar while it works on a chunk, which may or may not be done."""
    client = RegistrarClient(folder / "registrar.sock", patience=5)
    call = asyncio.ensure_future(client.call("pouch_events", payload))
    await asyncio.sleep(0.02)
    process.kill()
    try:
        await call
    except ServiceError as refusal:
        assert refusal.code == "UNAVAILABLE"  # noqa: PT017 - either end is right
    finally:
        client.close()
