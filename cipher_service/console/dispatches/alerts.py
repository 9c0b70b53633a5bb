"""What is most urgent is told at once, on every page, until its reader acknowledges it (flow 1).

The stream says only that there is something: how many, and the ids. The bar is asked for then. To a
page with a list it also says that the list has changed (`live`).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response, StreamingResponse

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.console.dispatches import inbox, live, visas
from cipher_service.console.language import group
from cipher_service.console.people import person_of
from cipher_service.console.visit import Visit
from cipher_service.dispatches.office import trays
from cipher_service.errors import ServiceError

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
    events = _events(visit, watched(visit))
    response = StreamingResponse(events, media_type="text/event-stream")
    response.headers["x-accel-buffering"] = "no"
    return response


async def renewed(visit: Visit) -> Response:
    """The page of a list once more, for its script: no sign of the officer's presence."""
    pages = {
        inbox.ARRIVALS: inbox.inbox,
        inbox.DEPARTURES: inbox.departed,
        visas.AWAITED: visas.waiting,
    }
    page = pages.get(visit.request.query_params.get("liste", ""))
    if page is None:
        raise ServiceError("NOT_FOUND")
    return await page(visit)


def watched(visit: Visit) -> live.Watched | None:
    """Return the list that a page shows, if it says one. Raises ServiceError NOT_FOUND."""
    query = visit.request.query_params
    lists: dict[str, Callable[[Visit], live.Shown]] = {
        inbox.ARRIVALS: inbox.arrivals_of,
        inbox.DEPARTURES: inbox.departures_of,
        visas.AWAITED: visas.awaited_of,
    }
    named = query.get("liste")
    if named is None:
        return None
    if named not in lists:
        raise ServiceError("NOT_FOUND")
    return live.Watched(lists[named](visit), query.get("vu", ""))


async def _events(visit: Visit, listed: live.Watched | None) -> AsyncIterator[bytes]:
    token, alerts = visit.person.token, live.Alerts(visit.office.headquarters)

    def read(connection: Connection, gate: Gate) -> tuple[list[str], bool] | None:
        now = clock.now()
        person = person_of(connection, gate, token, now)
        if person is None:
            return None
        waiting = alerts.waiting(connection, gate, person.principal, now)
        changed = listed is not None and listed.changed(connection, gate, now)
        return waiting, changed

    told: list[str] | None = []
    for _ in range(_LONGEST):
        found = await visit.office.read(read)
        if found is None:
            yield b"event: closed\ndata: {}\n\n"
            return
        waiting, changed = found
        if changed:
            yield b"event: list\ndata: {}\n\n"
        if waiting != told:
            told = waiting
            yield f"event: alerts\ndata: {json.dumps(waiting)}\n\n".encode()
        else:
            yield b": \n\n"
        await asyncio.sleep(SECONDS)
