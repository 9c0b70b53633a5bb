"""The addresses of headquarters' counter, and of what posts found. See `api.counter`."""

from fastapi import APIRouter, Request, Response

from cipher_service.api import counter
from cipher_service.api.documentation import (
    bytes_body,
    json_body,
    model_answer,
    parameter,
    with_token,
)
from cipher_service.api.ministry import Ministry
from cipher_service.pouches.photographs import SUBJECTS
from cipher_service.wire import counter as wire


def counter_routes(ministry: Ministry) -> APIRouter:
    """Return the addresses."""
    router = APIRouter(prefix="/v1/pouches", tags=["pouches"])

    @router.post(
        "/counter/{act}",
        responses={200: model_answer("Done.", wire.CounterAnswer)},
        openapi_extra=with_token(json_body(*wire.COUNTER.values())),
    )
    async def counter_act(request: Request, act: str) -> wire.CounterAnswer:
        """Do an act of headquarters' counter: for a machine of headquarters alone.

        `hand-in` (shown here), `hand-in-dispatch`, `scan`, `take-out`, `count` or `report`, in the
        name of an officer. Before a custodian with officers `scan` is refused as
        `LAYING_NEEDS_OFFICER`: the piece opens on an officer's grant alone. What binds the ministry
        (`seal`, `open`, `discharge`, `hand-over`, `receive`, `destroy`, `lose`, `find`, `recall`,
        `case`, `seals`, `waybill`, `route`) is an officer's and refused as `OFFICER_NEEDED`.
        """
        return await counter.act(ministry, request, act)

    @router.post(
        "/{seal}/differences",
        response_class=Response,
        responses={200: model_answer("Recorded.", wire.DifferencesAnswer)},
        openapi_extra=with_token(json_body(wire.DifferencesRequest)),
    )
    async def differences(request: Request, seal: str) -> Response:
        """Tell line by line what was not as announced in a bag that the caller opened.

        Each difference opens a case; the same again opens none.
        """
        return await counter.differences(ministry, request, seal)

    _add_photographs(router, ministry)
    return router


def _add_photographs(router: APIRouter, ministry: Ministry) -> None:
    @router.post(
        "/{seal}/photographs",
        status_code=201,
        response_class=Response,
        responses={
            201: model_answer("Kept.", wire.PhotographRecorded),
            200: model_answer("The same file was kept before.", wire.PhotographRecorded),
        },
        openapi_extra=with_token(
            bytes_body("image/*", "JPEG, PNG or WebP, by what stands in it; at most 12 MiB."),
            parameter("officer", "query", r"^[A-Z0-9][A-Z0-9._-]{1,39}$", "Who.", required=True),
            parameter("subject", "query", f"^({'|'.join(SUBJECTS)})$", "Of what.", required=True),
        ),
    )
    async def photograph(request: Request, seal: str) -> Response:
        """Keep a photograph of a bag on the caller's way: its points alone, enciphered."""
        return await counter.photograph(ministry, request, seal)
