"""The address that doors and applications ask."""

from fastapi import APIRouter, Request, Response

from cipher_service.api.documentation import json_body, model_answer, with_token
from cipher_service.api.inbound import read_json
from cipher_service.api.ministry import Ministry
from cipher_service.wire.doors import EntryAnswer, EntryRequest


def door_routes(ministry: Ministry) -> APIRouter:
    """Return the address."""
    router = APIRouter(prefix="/v1/entries", tags=["doors"])

    @router.post(
        "",
        response_class=Response,
        responses={200: model_answer("Yes, or no and why.", EntryAnswer)},
        openapi_extra=with_token(json_body(EntryRequest)),
    )
    async def ask(request: Request) -> Response:
        """Tell a door whether an officer may enter now, at the one place that it is bound to.

        For machines that `cipher-service door add` recorded; nothing else answers them. Reasons:
        `GRANTED`; `NO_ACCESS`, none in force to that place, or no such officer;
        `OFFICER_NOT_IN_SERVICE`; `HABILITATION_SHORT`, not in force, its training lapsed, or below
        what the place holds. Each answer is in the log, under the door's number.
        """
        return await _ask(ministry, request)

    return router


async def _ask(ministry: Ministry, request: Request) -> Response:
    asked = await read_json(request, EntryRequest)
    caller = await ministry.recognise(request)
    told = await ministry.act(caller, "door_ask", asked.model_dump())
    reason = told.get("refused")
    answer = EntryAnswer(may_enter=reason is None, reason=reason or "GRANTED")
    return Response(answer.model_dump_json(), media_type="application/json")
