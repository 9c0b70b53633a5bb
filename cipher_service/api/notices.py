"""The small signed acts of posts: receipts for dispatches, service messages between bureaux.

Both are filed as they were signed; what is filed proves itself to its addressee.
"""

import json
from contextlib import suppress
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cipher_service.api.inbound import read_body, read_query, require_media_type
from cipher_service.api.inbox import CURSOR, LIMIT, PAGE
from cipher_service.api.ministry import Ministry
from cipher_service.api.strict_json import parse
from cipher_service.audit.hearing import HEARD, require_ours
from cipher_service.dispatches import acknowledgements, lists, shown, signals
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import default_scheme
from cipher_service.wire import dispatches as wire
from cipher_service.wire.fields import WireModel
from keys.errors import Refusal


async def file_receipt(ministry: Ministry, request: Request) -> Response:
    """File a receipt (delivered, deciphered or refused), signed by the caller's card."""
    data = await _document(request)
    caller = await ministry.recognise(request)
    judged = acknowledgements.judge(data, await ministry.directory(), caller=caller.post)
    created = await ministry.act(caller, "record_receipt", judged.to_payload())
    if judged.checkpoint is not None:
        await _hear(ministry, judged.post, judged.dispatch_id, judged.checkpoint)
    answer = wire.ReceiptRecorded.model_validate(
        {"dispatch_id": judged.dispatch_id, "post": judged.post, "kind": judged.kind}
    )
    return _recorded(answer, created=created)


async def file_service_message(ministry: Ministry, request: Request) -> Response:
    """File a service message for the post that it speaks to, signed by the caller's card."""
    data = await _document(request)
    caller = await ministry.recognise(request)
    directory = await ministry.directory()
    judged = signals.judge(data, directory, default_scheme(), caller=caller.post)
    created = await ministry.act(caller, "post_service_message", judged.to_payload())
    return _recorded(wire.ServiceMessageRecorded(id=judged.message_id), created=created)


async def list_service_messages(ministry: Ministry, request: Request) -> Response:
    """Give a page of the service messages spoken to the caller, in order of arrival."""
    query = read_query(request, after=CURSOR, limit=LIMIT)
    caller = await ministry.admitted(request)
    limit = min(int(query.get("limit", PAGE)), lists.PAGE_MAX)
    after = int(query.get("after", 0))
    found = await ministry.shown(
        caller, partial(shown.service_messages, after=after, limit=limit + 1)
    )
    page = wire.ServiceMessagePage(
        items=[
            wire.ServiceMessageItem(
                cursor=str(message.seq),
                received_at=message.recorded_at,
                message=json.loads(message.body),
            )
            for message in found[:limit]
        ],
        next=str(found[limit - 1].seq) if len(found) > limit else None,
    )
    return Response(page.model_dump_json(), media_type="application/json")


async def _hear(ministry: Ministry, post: str, dispatch_id: str, checkpoint: str) -> None:
    """Record it when a post has seen another log than this one; its receipt is still good."""
    line = (await ministry.seals()).log.line
    try:
        await ministry.read(lambda connection: require_ours(connection, checkpoint, line))
    except Refusal as refusal:
        told = {"post": post, "dispatch_id": dispatch_id, "code": refusal.code}
        with suppress(ServiceError):  # it refuses by that name, so that its entry says it
            await ministry.ask(HEARD, told)


async def _document(request: Request) -> bytes:
    """Read a signed document: its bytes are what counts; they must be strict JSON all the same."""
    require_media_type(request, "application/json")
    data = await read_body(request)
    parse(data)
    return data


def _recorded(answer: WireModel, *, created: bool) -> Response:
    return JSONResponse(answer.model_dump(), status_code=201 if created else 200)
