"""Pouches for posts: their devices, the events these tell, what is known of a closing.

An event is judged in this process and recorded by the registrar; one that cannot be believed is
refused alone, so that it never holds up the queue behind it.
"""

from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cipher_service.api.inbound import (
    read_body,
    read_json,
    require_media_type,
    require_spelling,
)
from cipher_service.api.ministry import Ministry
from cipher_service.api.strict_json import parse
from cipher_service.errors import ServiceError
from cipher_service.pouches import lookup, packs
from cipher_service.pouches.custody import judge, keys_in_force
from cipher_service.pouches.empties_book import COMMAND
from cipher_service.wire import pouches as wire
from keys import canonical
from keys.signing import ED25519_PUBLIC_BYTES
from pouch.empties_notice import read_notice

# Two hundred events, and within one frame to the registrar.
EVENTS_BODY: Final = 384 * 1024


async def enrol_device(ministry: Ministry, request: Request) -> Response:
    """Take a device of the caller's into service."""
    asked = await read_json(request, wire.DeviceRequest)
    caller = await ministry.recognise(request)
    key = canonical.bytes_from_text(asked.ed25519)
    if len(key) != ED25519_PUBLIC_BYTES:
        raise ServiceError("INVALID_REQUEST", fields="ed25519")
    done = await ministry.act(caller, "pouch_device", {"post": caller.post, "ed25519": key})
    answer = wire.DeviceRecorded(device=done["device"])
    return JSONResponse(answer.model_dump(), status_code=201 if done["new"] else 200)


async def revoke_device(ministry: Ministry, request: Request, device: str) -> Response:
    """End a device of the caller's."""
    device = require_spelling("[0-9a-f]{64}", device)
    caller = await ministry.recognise(request)
    await ministry.act(caller, "pouch_device_revoked", {"post": caller.post, "device": device})
    return Response(status_code=204)


async def file_events(ministry: Ministry, request: Request) -> Response:
    """Record custody events and answer for each."""
    require_media_type(request, "application/json")
    body = await read_body(request, EVENTS_BODY)
    asked = wire.EventsRequest.model_validate(parse(body))
    caller = await ministry.recognise(request)
    keys = await ministry.read(keys_in_force)
    judged = [judge(_file_of(document), keys) for document in asked.events]
    payload = {
        "caller": caller.post,
        "events": [[each.body, each.refusal] for each in judged],
        "device": None if asked.clock is None else asked.clock.device,
        "clock": None if asked.clock is None else asked.clock.time,
    }
    answers = await ministry.act(caller, "pouch_events", payload)
    answer = wire.EventsAnswer(answers=[_answer(told) for told in answers])
    return Response(answer.model_dump_json(), media_type="application/json")


async def begin(ministry: Ministry, request: Request) -> Response:
    """Begin the make-up of a bag."""
    asked = await read_json(request, wire.MakeUpRequest)
    caller = await ministry.recognise(request)
    payload = {
        "caller": caller.post,
        "event": _file_of(asked.event),
        "departure": asked.departure,
        "bag_class": asked.bag_class,
    }
    return _state(new=await ministry.act(caller, "pouch_begin", payload))


async def add_line(ministry: Ministry, request: Request, seal: str) -> Response:
    """Add an item to a bag that is being made up."""
    seal = require_spelling("[0-9a-f]{32}", seal)
    asked = await read_json(request, wire.LineRequest)
    caller = await ministry.recognise(request)
    line = {
        "line": asked.line,
        "commitment": bytes.fromhex(asked.commitment),
        "level": asked.level,
        "quantity": asked.quantity,
        "weight_g": asked.weight_g,
        "body": canonical.bytes_from_text(asked.body),
    }
    payload = {"caller": caller.post, "seal": seal, "officer": asked.officer, "line": line}
    return _state(new=await ministry.act(caller, "pouch_line", payload))


async def seal_bag(ministry: Ministry, request: Request) -> Response:
    """Close a bag."""
    asked = await read_json(request, wire.SealingRequest)
    caller = await ministry.recognise(request)
    payload = {
        "caller": caller.post,
        "event": _file_of(asked.event),
        "head": bytes.fromhex(asked.head),
        "nonce_sha256": asked.nonce_sha256,
        "certifier": asked.certifier,
        "absent": asked.absent,
    }
    return _state(new=await ministry.act(caller, "pouch_seal", payload))


async def announce_empties(ministry: Ministry, request: Request) -> Response:
    """Record a notice of empty bags."""
    require_media_type(request, "application/json")
    data = await read_body(request)
    parse(data)
    caller = await ministry.recognise(request)
    card = (await ministry.directory()).card_in_force(caller.post)
    notice = read_notice(data, card.card)
    new = await ministry.act(caller, COMMAND, {"caller": caller.post, "body": data})
    answer = wire.EmptiesRecorded(number=notice.number, bags=len(notice.bags), new=new)
    return JSONResponse(answer.model_dump(), status_code=201 if new else 200)


async def sync_pack(ministry: Ministry, request: Request) -> Response:
    """Give the caller's sync pack, made anew if things changed."""
    caller = await ministry.recognise(request)
    done = await ministry.act(caller, "pouch_pack", {"post": caller.post})
    etag = f'"{done["version"]}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"etag": etag})
    body = await ministry.read(partial(packs.body_of, post=caller.post))
    return Response(body, media_type="application/json", headers={"etag": etag})


async def pouch_record(ministry: Ministry, request: Request, seal: str) -> wire.PouchRecord:
    """Give what is known of a closing to a post that has to do with it."""
    seal = require_spelling("[0-9a-f]{32}", seal)
    caller = await ministry.admitted(request)
    return wire.PouchRecord.model_validate(
        await ministry.shown(caller, partial(lookup.closing_for, seal=seal))
    )


def _state(*, new: bool) -> Response:
    return JSONResponse(wire.MakeUpState(new=new).model_dump(), status_code=201 if new else 200)


def _file_of(document: dict[str, Any]) -> bytes:
    try:
        return canonical.encode(document)
    except ValueError:
        return b""  # no event is: refused as malformed, with the others' answers


def _answer(told: dict[str, Any]) -> wire.EventAnswer:
    return wire.EventAnswer(
        id=told["event_id"],
        refusal=told["refusal"],
        new=told["new"],
        receipt=told["receipt"],
        expected=list(told["expected"]),
        differences=[wire.Difference(kind=kind, what=what) for kind, what in told["differences"]],
        alarms=list(told["alarms"]),
    )
