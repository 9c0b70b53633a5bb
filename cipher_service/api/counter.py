"""Headquarters' machines at the counter, and what posts found in the bags that they opened."""

from dataclasses import replace
from hashlib import sha256
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cipher_service.api.inbound import read_body, read_json, read_query, require_spelling
from cipher_service.api.ministry import Ministry
from cipher_service.errors import ServiceError
from cipher_service.pouches.counter import OFFICERS_ALONE, command
from cipher_service.pouches.photographs import FILE_MOST, SUBJECTS, sealed_photograph
from cipher_service.wire import counter as wire
from cipher_service.wire.pouches import Difference
from pouch.manifest import ItemKind

_SEAL: Final = "[0-9a-f]{32}"
_SECONDS: Final = 120.0
"""A photograph over a post's line."""


async def act(ministry: Ministry, request: Request, name: str) -> wire.CounterAnswer:
    """Do an act at the counter, or refuse the machine what only an officer does.

    Raises:
        ServiceError: NOT_FOUND: no such act; INVALID_REQUEST; what the act refuses.
    """
    if name in OFFICERS_ALONE:
        caller = await ministry.recognise(request)
        await ministry.act(caller, command(name), {"caller": caller.post})
    if name not in wire.COUNTER:
        raise ServiceError("NOT_FOUND")
    told = (await read_json(request, wire.COUNTER[name])).model_dump()
    caller = await ministry.recognise(request)
    officer = told.pop("officer")
    if name == "hand-in":
        told["register"] = told.pop("register_number")
        if told["kind"] not in list(ItemKind):
            raise ServiceError("INVALID_REQUEST", fields="kind")
    payload = {"caller": caller.post, "officer": officer, "told": told}
    return wire.CounterAnswer(done=await ministry.act(caller, command(name), payload))


async def differences(ministry: Ministry, request: Request, seal: str) -> Response:
    """Record what was found in a bag against its bordereau.

    Raises:
        ServiceError: INVALID_REQUEST: a line is told twice; what the registrar refuses.
    """
    seal = require_spelling(_SEAL, seal)
    asked = await read_json(request, wire.DifferencesRequest)
    if len({each.line for each in asked.found}) < len(asked.found):
        raise ServiceError("INVALID_REQUEST", fields="found")
    caller = await ministry.recognise(request)
    payload = {
        "caller": caller.post,
        "seal": seal,
        "officer": asked.officer,
        "found": [[each.line, each.found] for each in asked.found],
        "damaged": asked.damaged,
        "misdirected": asked.misdirected,
        "unlisted": asked.unlisted,
    }
    told = await ministry.act(caller, "pouch_differences", payload)
    answer = wire.DifferencesAnswer(
        differences=[Difference(kind=kind, what=what) for kind, what in told["differences"]],
        new=told["new"],
    )
    return Response(answer.model_dump_json(), media_type="application/json")


async def photograph(ministry: Ministry, request: Request, seal: str) -> Response:
    """Keep a photograph, bare and enciphered; nobody's is decoded who may not see the bag."""
    seal = require_spelling(_SEAL, seal)
    query = read_query(request, officer="[A-Z0-9][A-Z0-9._-]{1,39}", subject="|".join(SUBJECTS))
    if not {"officer", "subject"} <= query.keys():
        raise ServiceError("INVALID_REQUEST", fields="officer, subject")
    caller = await ministry.recognise(request)
    about = {**query, "caller": caller.post, "seal": seal}
    await ministry.act(caller, "pouch_photographer", about)
    caller = replace(caller, claims=())  # the proof is used up: the body may take long
    data = await read_body(request, FILE_MOST, _SECONDS)
    card = (await ministry.seals()).card
    body = await ministry.in_thread(lambda: sealed_photograph(data, card))
    payload = {**about, "sha256": sha256(data).hexdigest(), "body": body}
    done = await ministry.act(caller, "pouch_photograph", payload)
    answer = wire.PhotographRecorded(photograph=done["photograph"])
    return JSONResponse(answer.model_dump(), status_code=201 if done["new"] else 200)
