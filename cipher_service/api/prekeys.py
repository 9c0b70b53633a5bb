"""Prekeys: a post hands its bundles in, senders take one of each addressee for a dispatch."""

import json
from functools import partial

from fastapi import APIRouter, Request, Response

from cipher_service import clock
from cipher_service.api.documentation import (
    document_body,
    json_body,
    model_answer,
    with_token,
)
from cipher_service.api.inbound import read_body, read_json, require_media_type
from cipher_service.api.ministry import Ministry
from cipher_service.api.strict_json import parse
from cipher_service.directory import prekeys
from cipher_service.wire.prekeys import BurntPrekeys, PrekeyOffers, PrekeyRequest, PrekeyStock
from keys.prekeys import BUNDLE_BYTES_MAX, read_bundle


def prekey_routes(ministry: Ministry) -> APIRouter:
    """Return the addresses for prekeys."""
    router = APIRouter(prefix="/v1/prekeys", tags=["prekeys"])

    @router.post(
        "",
        status_code=201,
        response_class=Response,
        responses={201: model_answer("Taken in.", PrekeyStock)},
        openapi_extra=with_token(document_body("a bundle of `keys/prekeys`")),
    )
    async def hand_in(request: Request) -> Response:
        """Hand in a bundle signed by the caller's card; again changes nothing."""
        return await _hand_in(ministry, request)

    @router.get("", openapi_extra=with_token())
    async def stock(request: Request) -> PrekeyStock:
        """Tell how many of the caller's prekeys can still be given out."""
        caller = await ministry.admitted(request)
        card = (await ministry.directory()).card_in_force(caller.post)
        count = partial(prekeys.free, card=card.fingerprint, now=clock.now())
        return PrekeyStock(free=await ministry.read(count))

    @router.get("/burnt", openapi_extra=with_token())
    async def burnt(request: Request) -> BurntPrekeys:
        """Tell which of the caller's prekeys were given out and compromised on their way."""
        caller = await ministry.admitted(request)
        return BurntPrekeys(burnt=await ministry.read(partial(prekeys.burnt, post=caller.post)))

    @router.post(
        "/taken",
        response_class=Response,
        responses={200: model_answer("Those who have one.", PrekeyOffers)},
        openapi_extra=with_token(json_body(PrekeyRequest)),
    )
    async def take(request: Request) -> Response:
        """Take one prekey of each addressee for a dispatch; the same dispatch gives the same."""
        return await _take(ministry, request)

    return router


async def _hand_in(ministry: Ministry, request: Request) -> Response:
    require_media_type(request, "application/json")
    data = await read_body(request, BUNDLE_BYTES_MAX)
    parse(data)
    caller = await ministry.recognise(request)
    card = (await ministry.directory()).card_in_force(caller.post)
    read_bundle(data, card.card, clock.now())
    free = await ministry.act(caller, "take_in_prekeys", {"post": caller.post, "bundle": data})
    return Response(
        PrekeyStock(free=free).model_dump_json(), status_code=201, media_type="application/json"
    )


async def _take(ministry: Ministry, request: Request) -> Response:
    wanted = await read_json(request, PrekeyRequest)
    caller = await ministry.recognise(request)
    offers = await ministry.act(
        caller, "give_prekeys", {"post": caller.post, **wanted.model_dump()}
    )
    answer = PrekeyOffers(offers=[json.loads(offer) for offer in offers])
    return Response(answer.model_dump_json(), media_type="application/json")
