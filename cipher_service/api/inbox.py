"""What a post may read of dispatches: its list, one record, the envelope, the receipts.

What the policies do not show to the caller does not exist for it (`dispatches.shown`).
"""

import json
import logging
from functools import partial
from typing import Final

from sqlalchemy import Connection
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from cipher_service.access.machines import Viewer
from cipher_service.api.downloads import Given, give_file, give_small, span_of
from cipher_service.api.inbound import read_query, require_spelling
from cipher_service.api.ministry import Ministry
from cipher_service.dispatches import lists, rules, shown
from cipher_service.errors import ServiceError
from cipher_service.identity.gatekeeper import Caller
from cipher_service.storage.held import Held
from cipher_service.wire import dispatches as wire
from cipher_service.wire.fields import ULID
from keys import canonical
from keys.manifest import CIPHER, POUCH

log = logging.getLogger(__name__)

PAGE: Final = 50
CURSOR: Final = r"[1-9][0-9]{0,17}"
LIMIT: Final = r"[1-9][0-9]{0,2}"
_STATES: Final = {
    "open": rules.OPEN_STATES,
    "all": rules.STATES,
    **{state: (state,) for state in rules.STATES},
}
STATE: Final = "|".join(_STATES)
DELIVERY: Final = f"{CIPHER}|{POUCH}"


async def list_dispatches(ministry: Ministry, request: Request) -> Response:
    """Give a page of what is addressed to the caller, highest precedence first, then by arrival.

    `state` is `all` (the default), `open` (what remains to be opened), or one state. `delivery` is
    `cipher` (the default) or `pouch`: what was announced and is under way in a bag, so that its
    number does not look missing; its envelope is not given.
    """
    query = read_query(request, after=CURSOR, limit=LIMIT, state=STATE, delivery=DELIVERY)
    caller = await ministry.admitted(request)
    limit = min(int(query.get("limit", PAGE)), lists.PAGE_MAX)
    states = _STATES[query.get("state", "all")]
    after = int(query.get("after", 0))
    delivery = query.get("delivery", CIPHER)
    lines = await ministry.shown(
        caller,
        partial(shown.inbox, states=states, after=after, limit=limit + 1, delivery=delivery),
    )
    page = wire.DispatchPage(
        items=[_item(line) for line in lines[:limit]],
        next=str(lines[limit - 1].place) if len(lines) > limit else None,
    )
    return Response(page.model_dump_json(), media_type="application/json")


async def dispatch_record(ministry: Ministry, request: Request, name: str) -> wire.DispatchRecord:
    """Give a dispatch's slip as its origin signed it, and its place in the register."""
    caller = await ministry.admitted(request)
    dispatch_id = require_spelling(ULID, name)
    found = await ministry.shown(caller, partial(shown.dispatch_of, dispatch_id=dispatch_id))
    return wire.DispatchRecord(
        dispatch_id=found.dispatch_id,
        register_number=found.register,
        received_at=found.received_at,
        slip=json.loads(found.slip),
        signature=canonical.text_from_bytes(found.signature),
    )


async def envelope(ministry: Ministry, request: Request, name: str) -> Response:
    """Give an envelope, whole or a range; whoever is addressed and got its end has fetched it."""
    caller = await ministry.admitted(request)
    dispatch_id = require_spelling(ULID, name)

    def find(connection: Connection, viewer: Viewer) -> tuple[lists.DispatchRecord, Held]:
        found = shown.dispatch_of(connection, viewer, dispatch_id)
        return found, lists.held_of(connection, found)

    found, held = await ministry.shown(caller, find)
    if held.file is None:
        response = give_small(request, held.head, found.sha256)
    else:
        given = Given(ministry.blobs.path(held.file), found.sha256, found.size, held)
        response = give_file(request, given, ministry.threads)
    span = span_of(request, found.sha256, found.size)
    if span is None or span.stop == found.size:
        response.background = BackgroundTask(_note_fetched, ministry, caller, dispatch_id)
    return response


async def _note_fetched(ministry: Ministry, caller: Caller, dispatch_id: str) -> None:
    """Move the addressee's line; the origin, which may fetch its own dispatch, has none."""
    try:
        await ministry.act(
            caller, "mark_fetched", {"post": caller.post, "dispatch_id": dispatch_id}
        )
    except ServiceError as error:
        log.info("a fetched dispatch stays pending: %s", error.code)


async def receipts(ministry: Ministry, request: Request, name: str) -> wire.ReceiptList:
    """Give the receipts of a dispatch: all to its origin, to an addressee its own."""
    caller = await ministry.admitted(request)
    dispatch_id = require_spelling(ULID, name)
    found = await ministry.shown(caller, partial(shown.receipts_of, dispatch_id=dispatch_id))
    return wire.ReceiptList.model_validate(
        {
            "items": [
                {
                    "kind": receipt.kind,
                    "post": receipt.post,
                    "recorded_at": receipt.recorded_at,
                    "receipt": json.loads(receipt.body),
                }
                for receipt in found
            ]
        }
    )


def _item(line: lists.InboxLine) -> wire.DispatchItem:
    series = None
    if line.epoch is not None and line.number is not None:
        series = wire.SeriesNumber(epoch=line.epoch, number=line.number)
    return wire.DispatchItem.model_validate(
        {
            "cursor": str(line.place),
            "dispatch_id": line.dispatch_id,
            "register_number": line.register,
            "origin": line.origin,
            "kind": line.kind,
            "level": line.level,
            "caveats": json.loads(line.caveats),
            "dtg": line.dtg,
            "role": line.role,
            "precedence": line.precedence,
            "delivery": line.delivery,
            "series": series,
            "envelope": {"sha256": line.sha256, "size": line.size},
            "received_at": line.received_at,
            "state": line.state,
        }
    )
