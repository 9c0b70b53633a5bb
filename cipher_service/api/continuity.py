"""What a post needs to lose nothing by a restore of the service: `/v1/continuity`."""

import json

from fastapi import APIRouter, Request, Response

from cipher_service.api.documentation import document_body, model_answer, with_token
from cipher_service.api.inbound import read_body, require_media_type
from cipher_service.api.ministry import Ministry
from cipher_service.api.strict_json import parse
from cipher_service.dispatches.continuity import Reach, cancelled, counter_of, last_backup
from cipher_service.errors import ServiceError
from cipher_service.wire.continuity import BackupReach, CancelledNumbers, Continuity, NumberProved
from keys import canonical
from keys.receipts import read_submitted_receipt

_RECEIPT_MOST = 32 * 1024


def continuity_routes(ministry: Ministry) -> APIRouter:
    """Return the addresses about backups and restores."""
    router = APIRouter(prefix="/v1/continuity", tags=["continuity"])

    @router.get("", openapi_extra=with_token())
    async def continuity(request: Request) -> Continuity:
        """Tell how far the last backup reaches, and which numbers restores have cancelled."""
        await ministry.admitted(request)
        reach = await ministry.read(last_backup)
        skipped = await ministry.read(cancelled)
        return Continuity(
            log=ministry.settings.log_origin,
            backup=None if reach is None else _told(reach),
            cancelled=[
                CancelledNumbers(year=each.year, first=each.first, last=each.last)
                for each in skipped
            ],
        )

    @router.post(
        "/receipts",
        response_class=Response,
        responses={200: model_answer("Taken note of.", NumberProved)},
        openapi_extra=with_token(document_body("a receipt of this ministry")),
    )
    async def prove(request: Request) -> Response:
        """Show a receipt given before a restore: its number will not be given again."""
        return await _prove(ministry, request)

    return router


def _told(reach: Reach) -> BackupReach:
    return BackupReach(
        record=json.loads(reach.record),
        salt=canonical.text_from_bytes(reach.salt),
        proof=reach.proof.encode().decode(),
    )


async def _prove(ministry: Ministry, request: Request) -> Response:
    require_media_type(request, "application/json")
    data = await read_body(request, _RECEIPT_MOST)
    parse(data)
    caller = await ministry.recognise(request)
    statement = read_submitted_receipt(data, (await ministry.seals()).receipt_keys())
    try:
        name, number = counter_of(statement.register)
    except ValueError as error:
        raise ServiceError("RECEIPT_MALFORMED") from error
    raised = await ministry.act(caller, "prove_number", {"counter": name, "number": number})
    return Response(NumberProved(raised=raised).model_dump_json(), media_type="application/json")
