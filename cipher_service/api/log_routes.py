"""The log as outsiders read it (C2SP tlog-tiles below `/v1/audit`), and as posts witness it.

Posts and auditors' machines read it with their token; anyone may where the ministry set
`log_public`. Records are never given here: a tile tells nothing of what it commits to.
"""

from fastapi import APIRouter, Request, Response

from cipher_service.api.auditing import admit_reader
from cipher_service.api.documentation import bytes_answer, json_body, with_token
from cipher_service.api.inbound import read_json
from cipher_service.api.ministry import Ministry
from cipher_service.audit import publishing, witnesses
from cipher_service.wire.audit import CosignatureRecorded, CosignatureRequest
from keys import canonical

TILE_MEDIA_TYPE = "application/octet-stream"
NOTE_MEDIA_TYPE = "text/plain; charset=utf-8"


def log_routes(ministry: Ministry) -> APIRouter:
    """Return the log's addresses."""
    router = APIRouter(prefix="/v1/audit", tags=["log"])
    asked = {} if ministry.settings.log_public else with_token()

    @router.get(
        "/checkpoint",
        response_class=Response,
        responses={200: bytes_answer("The signed note.", "text/plain")},
        openapi_extra=asked,
    )
    async def checkpoint(request: Request) -> Response:
        """Give the last signed head of the log, with its cosignatures (C2SP tlog-checkpoint)."""
        await _admit(ministry, request, "log/checkpoint")
        note = await ministry.read(publishing.head)
        return Response(note, media_type=NOTE_MEDIA_TYPE)

    @router.get(
        "/tile/{name:path}",
        response_class=Response,
        responses={200: bytes_answer("The tile, or the entries beside it.", TILE_MEDIA_TYPE)},
        openapi_extra=asked,
    )
    async def tile(request: Request, name: str) -> Response:
        """Give a tile `<L>/<N>[.p/<W>]` or a bundle `entries/<N>[.p/<W>]`, up to the head.

        An entry is a salted commitment: records are not given.
        """
        await _admit(ministry, request, "log/tile")
        data = await ministry.read(lambda connection: publishing.tile(connection, name))
        return Response(data, media_type=TILE_MEDIA_TYPE)

    @router.post(
        "/cosignatures",
        status_code=201,
        openapi_extra=with_token(json_body(CosignatureRequest)),
    )
    async def cosign(request: Request) -> CosignatureRecorded:
        """File the caller's cosignature of a head (C2SP tlog-cosignature, Ed25519)."""
        return await _cosign(ministry, request)

    return router


async def _admit(ministry: Ministry, request: Request, route: str) -> None:
    if not ministry.settings.log_public:
        await admit_reader(ministry, request, route)


async def _cosign(ministry: Ministry, request: Request) -> CosignatureRecorded:
    caller = await ministry.recognise(request)
    asked = await read_json(request, CosignatureRequest)
    directory = await ministry.directory()
    card = directory.card_in_force(caller.post).card
    judged = await ministry.read(
        lambda connection: witnesses.judge(
            connection,
            card,
            ministry.settings.log_origin,
            witness=canonical.encode(asked.witness),
            size=asked.size,
            line=asked.cosignature,
        )
    )
    return CosignatureRecorded(created=await ministry.act(caller, "cosign", judged))
