"""What an officer takes away of a dispatch that they have read: paper, attachments as files.

Either is a numbered copy, recorded before it exists. Nothing is kept between two requests: an
attachment is deciphered anew, with all of its dispatch, and given as a file that no browser shows.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Final
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from cipher_service.console.dispatches.desk import number_of
from cipher_service.console.dispatches.granting import showing_for
from cipher_service.console.dispatches.reading import intended, reader
from cipher_service.console.visit import Visit
from cipher_service.dispatches.office.showing import Attachment
from cipher_service.errors import ServiceError

_PLACE: Final = re.compile(r"[1-9][0-9]{0,2}")
_HARMLESS: Final = frozenset({"application/pdf", "image/jpeg", "image/png", "text/plain"})
"""Types that a browser may be told; whatever else the sender says is just octets."""
_POLICY: Final = "default-src 'none'; sandbox"


async def printed(visit: Visit) -> Response:
    """Give the number of one more printed copy; the page prints once it has it."""
    number = number_of(visit)
    await visit.form()
    entered = await visit.act("dispatch_print", {"dispatch_id": number})
    copy = visit.say("Exemplaire n° %(copy)s", copy=entered["copy"])
    return visit.data({"copy": f"{copy} · {reader(visit)} · {number}"})


async def attachment(visit: Visit) -> Response:
    """Give an attachment: the intent is in the log first, the outcome before the first byte."""
    number, place = number_of(visit), place_of(visit)
    await visit.form()
    showing, named = showing_for(visit, number), {"dispatch_id": number, "part": place}
    found = await intended(visit, "dispatch_take", named, lambda: showing.attachment(number, place))
    await asyncio.shield(visit.act("dispatch_take.end", named))
    return saved(visit, found)


def place_of(visit: Visit) -> int:
    """Return the attachment that the address names, from 1. Raises ServiceError NOT_FOUND."""
    place = str(visit.request.path_params["place"])
    if _PLACE.fullmatch(place) is None:
        raise ServiceError("NOT_FOUND")
    return int(place)


def saved(visit: Visit, found: Attachment) -> Response:
    """Answer with a file that the browser saves and never shows."""
    return StreamingResponse(
        _pieces(visit, found),
        headers={
            "content-type": found.type if found.type in _HARMLESS else "application/octet-stream",
            "content-length": str(found.size),
            "content-disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
            "content-security-policy": _POLICY,
        },
    )


async def _pieces(visit: Visit, found: Attachment) -> AsyncIterator[bytes]:
    with closing(found.pieces) as pieces:
        while piece := await visit.office.in_thread(lambda: next(pieces, b"")):
            yield piece
