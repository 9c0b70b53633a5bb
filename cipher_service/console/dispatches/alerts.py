"""What is most urgent is told at once, on every page, until its reader acknowledges it (flow 1).

The stream says only that there is something: how many, and the ids. The bar is asked for then.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response, StreamingResponse

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.console.language import group
from cipher_service.console.people import person_of
from cipher_service.console.visit import Visit
from cipher_service.dispatches.office import trays

SECONDS: Final = 1.0
"""How long an arrival may wait before its alert."""
_LONGEST: Final = 900


async def bar(visit: Visit) -> Response:
    """What the alert bar says, for the page's script; no line when there is nothing."""

    def read(connection: Connection, gate: Gate) -> list[trays.ArrivalLine]:
        return trays.alerts(
            connection, gate, visit.person.number, visit.office.headquarters, visit.now
        )

    lines = [
        {
            "page": f"/depeches/{line.dispatch_id}",
            "heard": f"/depeches/{line.dispatch_id}/entendu",
            "said": f"Z FLASH · {line.origin} · {group(line.received_at)}",
        }
        for line in await visit.read(read)
    ]
    words = {"see": visit.say("Voir la dépêche"), "hear": visit.say("J’ai entendu l’alerte")}
    return visit.data({"lines": lines, **words})


async def stream(visit: Visit) -> Response:
    """Server-sent events; ends with the session, and the browser asks again."""
    response = StreamingResponse(_events(visit), media_type="text/event-stream")
    response.headers["x-accel-buffering"] = "no"
    return response


async def _events(visit: Visit) -> AsyncIterator[bytes]:
    token, headquarters = visit.person.token, visit.office.headquarters

    def read(connection: Connection, gate: Gate) -> list[str] | None:
        now = clock.now()
        person = person_of(connection, gate, token, now)
        if person is None:
            return None
        lines = trays.alerts(connection, gate, person.number, headquarters, now)
        return [line.dispatch_id for line in lines]

    told: list[str] | None = []
    for _ in range(_LONGEST):
        waiting = await visit.office.read(read)
        if waiting is None:
            yield b"event: closed\ndata: {}\n\n"
            return
        if waiting != told:
            told = waiting
            yield f"event: alerts\ndata: {json.dumps(waiting)}\n\n".encode()
        else:
            yield b": \n\n"
        await asyncio.sleep(SECONDS)
