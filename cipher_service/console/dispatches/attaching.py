"""Attachments of a draft: taken in enciphered as they come, listed, taken out (flow 2); read (3).

The page's script sends each file as the body of a request, its name in a header: nothing legible
stands in an address. In this process a file is enciphered piece by piece, and never lies in clear.
"""

import asyncio
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import unquote

from starlette.responses import Response

from cipher_service.console.dispatches.composing import reviewed
from cipher_service.console.dispatches.copies import place_of, saved
from cipher_service.console.dispatches.desk import number_of, showing_of
from cipher_service.console.dispatches.granting import showing_for
from cipher_service.console.language import octets
from cipher_service.console.visit import Visit
from cipher_service.dispatches.office import compositions
from cipher_service.dispatches.office.attaching import (
    Attached,
    Enclosing,
    opened_list,
    pieces,
    sealed_list,
)
from cipher_service.dispatches.office.showing import Attachment, Showing
from cipher_service.errors import ServiceError
from cipher_service.storage.blobs import Blobs
from keys.errors import KeysError

_NAME: Final = re.compile(r"[\x21-\x7e]{1,1000}")
_EDITION: Final = re.compile(r"[1-9][0-9]{0,8}")


async def attach(visit: Visit) -> Response:
    """Take in one file; answers with the draft's edition and its list."""
    number, edition = number_of(visit), _edition(visit)
    headers = visit.request.headers
    name = headers.get("x-name", "")
    if _NAME.fullmatch(name) is None:
        raise ServiceError("FORM_REFUSED")
    before = await _list(visit, number)
    office = visit.office
    card = await office.in_thread(lambda: showing_of(office).card)
    with Blobs(office.settings.data).spool() as spool:
        enclosing = Enclosing(spool, card)
        async for piece in visit.request.stream():
            await office.in_thread(partial(enclosing.write, piece))
        kind, place = headers.get("content-type", ""), len(before) + 1
        more = await office.in_thread(lambda: enclosing.finish(unquote(name), kind, place))
    return await _keep(visit, number, edition, (*before, more))


async def detach(visit: Visit) -> Response:
    """Take one out; its file opens to nobody from then on. Answers as `attach`."""
    number, edition, place = number_of(visit), _edition(visit), place_of(visit)
    before = await _list(visit, number)
    if place > len(before):
        raise ServiceError("NOT_FOUND")
    return await _keep(visit, number, edition, (*before[: place - 1], *before[place:]))


async def save_reviewed(visit: Visit) -> Response:
    """Give whoever reviews a departure one of its attachments as a file; a numbered copy."""
    number, place = number_of(visit), place_of(visit)
    await visit.form()
    named = {"dispatch_id": number, "part": place}
    given = await visit.act("dispatch_review_take.intend", named)
    showing, blobs = showing_for(visit, number), Blobs(visit.office.settings.data)

    def found() -> Attachment:
        one = opened_list(given["attachments"], showing.unsealed_text)[place - 1]
        for _piece in pieces(blobs, one):
            pass  # verified to its end before a byte of it leaves
        return Attachment(one.name, one.type, one.size, pieces(blobs, one))

    try:
        attachment = await visit.office.in_thread(found)
    except (KeysError, ServiceError, OSError) as error:
        code = getattr(error, "code", "FAILED")
        await asyncio.shield(visit.act("dispatch_review_take.end", {**named, "refused": code}))
        raise
    await asyncio.shield(visit.act("dispatch_review_take.end", named))
    return saved(visit, attachment)


def told(visit: Visit, attached: tuple[Attached, ...]) -> list[dict[str, str]]:
    """Return a list as the page's script shows it."""
    return [{"name": one.name, "size": octets(one.size, visit.language)} for one in attached]


async def _list(visit: Visit, number: str) -> tuple[Attached, ...]:
    def read(connection: Any, _gate: Any) -> bytes:
        known = compositions.read(connection, number)
        if known.author != visit.person.number:
            raise ServiceError("NOT_FOUND")
        return known.content.attachments

    if not await visit.read(read):
        return ()

    def work(showing: Showing, given: Mapping[str, Any]) -> tuple[Attached, ...]:
        return opened_list(given["attachments"], showing.unsealed_text)

    _known, attached = await reviewed(visit, number, work)
    return attached


async def _keep(
    visit: Visit, number: str, edition: int, attached: tuple[Attached, ...]
) -> Response:
    office = visit.office
    asked = {
        "dispatch_id": number,
        "edition": edition,
        "attachments": await office.in_thread(
            lambda: sealed_list(attached, showing_of(office).card)
        ),
        "enclosed": [[one.sha256, one.stored] for one in attached],
    }
    kept = await visit.act("dispatch_attach", asked)
    return visit.data({"edition": kept["edition"], "attachments": told(visit, attached)})


def _edition(visit: Visit) -> int:
    text = visit.request.headers.get("x-edition", "")
    if _EDITION.fullmatch(text) is None:
        raise ServiceError("FORM_REFUSED")
    return int(text)
