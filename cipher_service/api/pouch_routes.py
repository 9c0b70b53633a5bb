"""The addresses about pouches. What each does is in `api.pouches`."""

from typing import Any

from fastapi import APIRouter, Request, Response

from cipher_service.api import pouches, verdicts
from cipher_service.api.documentation import (
    document_answer,
    document_body,
    json_body,
    model_answer,
    with_token,
)
from cipher_service.api.ministry import Ministry
from cipher_service.wire import pouches as wire
from cipher_service.wire.verdicts import VerdictAnswer, VerdictRequest


def makeup_routes(ministry: Ministry) -> APIRouter:
    """Return the addresses by which a post makes bags up and closes them."""
    router = APIRouter(prefix="/v1/pouches", tags=["pouches"])
    done: dict[int | str, dict[str, Any]] = {
        201: model_answer("Done.", wire.MakeUpState),
        200: model_answer("The very same was done before.", wire.MakeUpState),
    }

    @router.post(
        "",
        status_code=201,
        response_class=Response,
        responses=done,
        openapi_extra=with_token(json_body(wire.MakeUpRequest)),
    )
    async def begin(request: Request) -> Response:
        """Begin the make-up of a bag at the caller's post."""
        return await pouches.begin(ministry, request)

    @router.post(
        "/{seal}/lines",
        status_code=201,
        response_class=Response,
        responses=done,
        openapi_extra=with_token(json_body(wire.LineRequest)),
    )
    async def add_line(request: Request, seal: str) -> Response:
        """Add a scanned item: its salted commitment, and its line as ciphertext."""
        return await pouches.add_line(ministry, request, seal)

    @router.post(
        "/sealings",
        status_code=201,
        response_class=Response,
        responses=done,
        openapi_extra=with_token(json_body(wire.SealingRequest)),
    )
    async def seal_bag(request: Request) -> Response:
        """Close a bag: two persons signed, and the digest covers exactly the lines on record."""
        return await pouches.seal_bag(ministry, request)

    return router


def pouch_routes(ministry: Ministry) -> APIRouter:
    """Return the addresses that a post's devices are kept and emptied by."""
    router = APIRouter(prefix="/v1/pouches", tags=["pouches"])
    _add_devices(router, ministry)
    _add_empties(router, ministry)

    @router.post(
        "/events",
        response_class=Response,
        responses={200: model_answer("One answer for each event.", wire.EventsAnswer)},
        openapi_extra=with_token(json_body(wire.EventsRequest)),
    )
    async def file_events(request: Request) -> Response:
        """Record custody events, up to 200, signed by their devices; idempotent, in any order.

        An event whose signatures hold is recorded even when it contradicts another: both stay, and
        the answer names the alarm. Repeating the identical request gives the same answers, with
        `new` false.
        """
        return await pouches.file_events(ministry, request)

    @router.get(
        "/pack",
        response_class=Response,
        responses={200: document_answer("The pack, `application/json` as pouch/SPEC.md §8 says.")},
        openapi_extra=with_token(),
    )
    async def sync_pack(request: Request) -> Response:
        """Give the caller's sync pack: what its devices judge bags by without network.

        Signed, numbered and ending in a week; `ETag` is its version.
        """
        return await pouches.sync_pack(ministry, request)

    @router.post("/verdicts", openapi_extra=with_token(json_body(VerdictRequest)))
    async def judge_seal(request: Request) -> VerdictAnswer:
        """Judge a seal by the caller's sync pack, made anew if things changed; records nothing.

        Whatever is found, the answer is 200 with a verdict by name: a refusal is of the request
        alone.
        """
        return await verdicts.judge_seal(ministry, request)

    @router.get("/{seal}", openapi_extra=with_token())
    async def pouch(request: Request, seal: str) -> wire.PouchRecord:
        """Tell where a closing stands, to the posts on its way."""
        return await pouches.pouch_record(ministry, request, seal)

    return router


def _add_empties(router: APIRouter, ministry: Ministry) -> None:
    @router.post(
        "/empties",
        status_code=201,
        response_class=Response,
        responses={
            201: model_answer("On record.", wire.EmptiesRecorded),
            200: model_answer("The very bags were announced before.", wire.EmptiesRecorded),
        },
        openapi_extra=with_token(document_body("a notice of `pouch/CUSTODY.md` §3")),
    )
    async def announce_empties(request: Request) -> Response:
        """Announce empty bags that leave for headquarters, signed by the caller's card.

        All bags or none. The same bags under the same number change nothing.
        """
        return await pouches.announce_empties(ministry, request)


def _add_devices(router: APIRouter, ministry: Ministry) -> None:
    @router.post(
        "/devices",
        status_code=201,
        response_class=Response,
        responses={
            201: model_answer("In service.", wire.DeviceRecorded),
            200: model_answer("It was in service before.", wire.DeviceRecorded),
        },
        openapi_extra=with_token(json_body(wire.DeviceRequest)),
    )
    async def enrol_device(request: Request) -> Response:
        """Take a device of the caller's into service by its public key."""
        return await pouches.enrol_device(ministry, request)

    @router.delete(
        "/devices/{device}", status_code=204, response_class=Response, openapi_extra=with_token()
    )
    async def revoke_device(request: Request, device: str) -> Response:
        """End a device of the caller's: nothing that it signed is taken any more."""
        return await pouches.revoke_device(ministry, request, device)
