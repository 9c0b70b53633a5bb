"""`/scan/`: the page of a telephone that judges bags, also where there is no network (article 15).

The page is one document with files of its own, kept by a service worker whose scope is `/scan/`:
no page of the console ever gets into that store. A signed-in officer takes the telephone into
service; from then on it asks by its own signature (pouch/CUSTODY.md §1), so that a courier needs no
session on the road. What it tells was signed event by event and is recorded once, in any order.
"""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.access.subjects import Pouch
from cipher_service.console.flow import Flow, Page, Place
from cipher_service.console.guard import permissions
from cipher_service.console.language import mark
from cipher_service.console.static import built
from cipher_service.console.visit import Visit
from cipher_service.errors import ServiceError
from cipher_service.pouches import custody, devices, packs
from cipher_service.typography import held_in
from cipher_service.wire.fields import SHA256, TIMESTAMP, WireModel
from cipher_service.wire.pouches import DeviceRequest, EventsRequest
from keys import canonical
from keys.cards import read_card
from keys.endorsement import read_introduction, root_file
from keys.signing import ED25519_PUBLIC_BYTES

EVENTS_BODY: Final = 384 * 1024
"""Two hundred events, and within one frame to the registrar."""
READER: Final = "scan-reader.js"
WORKER: Final = "scan-offline.js"
HANDING: Final = "scan-handing.js"
_HERE: Final = "/scan/files/"
_FILES: Final = (
    "scan.js",
    "scan.css",
    READER,
    "zxing-reader.wasm",
    HANDING,
)
_KINDS: Final = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "wasm": "application/wasm",
}
# A dedicated worker obeys the policy of its own answer: no page ever may compile WebAssembly.
_READER_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
)
_WORKER_POLICY: Final = "default-src 'none'; script-src 'self'; connect-src 'self'"
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; worker-src 'self'; media-src 'self' blob:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types app; report-uri /csp"
)
_STATUSES: Final = {
    "DEVICE_UNKNOWN": 403,
    "SIGNATURE_INVALID": 403,
    "CLOCK_SKEWED": 401,
    "SESSION_ENDED": 401,
    "NOT_ALLOWED": 403,
    "DEVICE_OF_ANOTHER": 409,
    "INVALID_REQUEST": 422,
    "BODY_TOO_LARGE": 413,
    "PACK_TOO_LARGE": 507,
    "CUSTODY_SEALED": 503,
    "KEY_NOT_USABLE": 503,
}
_UNAVAILABLE: Final = 503

Handler = Callable[[Visit], Awaitable[Response]]
Shape = TypeVar("Shape", bound=WireModel)


async def page(visit: Visit) -> Response:
    """The document; everything else is its script's."""
    return Response(
        document(visit.language),
        headers={
            "content-type": "text/html; charset=utf-8",
            "content-security-policy": _PAGE_POLICY,
            "permissions-policy": permissions(camera=True),
        },
    )


async def file(visit: Visit) -> Response:
    """A built file. Raises ServiceError NOT_FOUND."""
    asked = str(visit.request.path_params["file"])
    name = _names().get(asked)
    if name is None:
        raise ServiceError("NOT_FOUND")
    body, travels = built(_static(), asked, visit.request)
    headers = {
        "content-type": _KINDS[asked.rpartition(".")[2]],
        "cache-control": "public, max-age=31536000, immutable",
        **travels,
    }
    if name == READER:
        headers["content-security-policy"] = _READER_POLICY
    return Response(body, headers=headers)


async def offline(_visit: Visit) -> Response:
    """The service worker, told what it keeps: another list is another worker."""
    manifest = _manifest()
    kept = ["/scan/", "/marque.svg", *(_HERE + manifest[name]["file"] for name in _FILES)]
    script = _static().joinpath(manifest[WORKER]["file"]).read_bytes()
    identity = hashlib.sha256("\n".join(kept).encode() + script).hexdigest()[:16]
    told = f"const KEPT={json.dumps(kept)},MARK={json.dumps(identity)};\n"
    return Response(
        told.encode() + script,
        headers={"content-type": _KINDS["js"], "content-security-policy": _WORKER_POLICY},
    )


async def take_in(visit: Visit) -> Response:
    """Take a telephone into service for the post of the signed-in officer."""
    asked = _read(DeviceRequest, await visit.request.body())
    key = canonical.bytes_from_text(asked.ed25519)
    if len(key) != ED25519_PUBLIC_BYTES:
        raise ServiceError("INVALID_REQUEST", fields="ed25519")
    person = visit.person
    bag = Pouch("device", 0, origin=person.post, destination=person.post, courier=person.number)

    def permitted(_connection: Connection, gate: Gate) -> None:
        visit.demand(gate, "pouch-list", bag)

    await visit.read(permitted)
    seals = await visit.office.ask("seals", {})
    if not seals["root"]:
        state = await visit.office.ask("health", {})
        sealed = state["custodian"] == "sealed"
        raise ServiceError("CUSTODY_SEALED" if sealed else "KEY_NOT_USABLE")
    root = root_file(read_introduction(seals["root"], read_card(seals["card"])))
    done = await visit.act("officer_device", {"ed25519": key})
    return JSONResponse(
        {
            "device": done["device"],
            "post": done["post"],
            "officer": person.number,
            "root": root.decode("ascii"),
        }
    )


async def pack(visit: Visit) -> Response:
    """The sync pack of the device's post, and under which name the log goes on."""
    post, device = await _recognised(visit, b"")
    await visit.office.ask("device_pack", {"post": post, "client": device, "act": None})
    body = await visit.read(lambda connection, _gate: packs.body_of(connection, post))
    log = {"valise-log": visit.office.settings.log_origin}
    return Response(body, media_type="application/json", headers=log)


async def events(visit: Visit) -> Response:
    """Record what a telephone tells; one answer for each event, as `POST /v1/pouches/events`."""
    body = await visit.request.body()
    asked = _read(EventsRequest, body)
    post, device = await _recognised(visit, body)
    keys = await visit.read(lambda connection, _gate: custody.keys_in_force(connection))
    judged = [custody.judge(canonical.encode(document), keys) for document in asked.events]
    act = {
        "events": [[each.body, each.refusal] for each in judged],
        "device": None if asked.clock is None else asked.clock.device,
        "clock": None if asked.clock is None else asked.clock.time,
    }
    answers = await visit.office.ask("device_events", {"post": post, "client": device, "act": act})
    return JSONResponse({"answers": [_shown(answer) for answer in answers]})


async def _recognised(visit: Visit, body: bytes) -> tuple[str, str]:
    """Return the post and the id of the device that signed the request."""
    headers, request = visit.request.headers, visit.request
    try:
        asked = devices.Asked(
            device=_spelt(SHA256, headers.get("valise-device", "")),
            method=request.method,
            path=request.scope["path"],
            time=_spelt(TIMESTAMP, headers.get("valise-time", "")),
            signature=canonical.bytes_from_text(headers.get("valise-signature", "")),
            body=body,
        )
        clock.parse(asked.time)
    except ValueError as error:
        raise ServiceError("SIGNATURE_INVALID") from error
    post = await visit.read(
        lambda connection, _gate: devices.recognise(connection, asked, visit.now)
    )
    return post, asked.device


def _answering(handler: Handler) -> Handler:
    """Let the page's script read a refusal by its name, and how late its clock is."""

    async def answered(visit: Visit) -> Response:
        try:
            return await handler(visit)
        except ServiceError as error:
            status = _STATUSES.get(error.code, _UNAVAILABLE)
            told = {"code": error.code, "time": clock.text(clock.now())}
            return JSONResponse(told, status)

    return answered


def _shown(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": answer["event_id"],
        "refusal": answer["refusal"],
        "new": answer["new"],
        "receipt": answer["receipt"],
        "expected": list(answer["expected"]),
        "differences": [list(each) for each in answer["differences"]],
        "alarms": list(answer["alarms"]),
    }


def _read(model: type[Shape], body: bytes) -> Shape:
    """Read what the page's script posted. Raises ServiceError INVALID_REQUEST."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise ServiceError("INVALID_REQUEST", fields="-") from error


def _spelt(pattern: str, text: str) -> str:
    if re.fullmatch(pattern, text) is None:
        raise ValueError("not in the one spelling")
    return text


def _static() -> Traversable:
    return files("cipher_service.console").joinpath("static")


@cache
def _manifest() -> dict[str, dict[str, Any]]:
    """Return what was built, by its name in the source."""
    named: dict[str, dict[str, Any]] = json.loads(_static().joinpath("manifest.json").read_bytes())
    return named


def reading_files() -> tuple[str, str]:
    """Return the addresses of what decodes pictures: the worker's script and its WebAssembly."""
    reader, wasm = (_HERE + _manifest()[name]["file"] for name in (READER, "zxing-reader.wasm"))
    return reader, wasm


@cache
def _names() -> dict[str, str]:
    """Return the files that the page may have, by their built names."""
    return {_manifest()[name]["file"]: name for name in _FILES}


_TITLES: Final = {"fr": "Lecture des scellés", "en": "Reading seals"}
_SCRIPTLESS: Final = {
    "fr": "Cette page vérifie les scellés sur l’appareil même et demande JavaScript. Rien n’est "
    "perdu. Sans lui : commande « valise verify » ou bureau de la valise.",
    "en": "This page checks seals on the device itself and needs JavaScript. Nothing is lost. "
    "Without it: the command “valise verify”, or the pouch bureau.",
}


@cache
def document(language: str) -> bytes:
    """Return the page in a language; it fetches nothing and knows nobody."""
    named = _manifest()
    script, style = named["scan.js"], named["scan.css"]
    reader, wasm = reading_files()
    handing = named[HANDING]
    return f"""<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_TITLES[language]}</title>
<link rel="icon" href="/marque.svg">
<link rel="stylesheet" href="{_HERE}{style["file"]}"
  integrity="{style["integrity"]}">
<script src="{_HERE}{script["file"]}" integrity="{script["integrity"]}"
  crossorigin="anonymous" defer></script>
</head>
<body data-reader="{reader}" data-wasm="{wasm}" data-handing="{_HERE}{handing["file"]}"
  data-handing-integrity="{handing["integrity"]}">
<noscript><p>{held_in(language, _SCRIPTLESS[language])}</p></noscript>
</body>
</html>
""".encode()


FLOW: Final = Flow(
    "scan",
    (
        Page("/scan/", page, signed_in=False),
        Page("/scan/files/{file}", file, signed_in=False),
        Page("/scan/offline.js", offline, signed_in=False),
        Page("/scan/pack", _answering(pack), signed_in=False),
        Page("/scan/devices", _answering(take_in), method="POST", signed_in=False),
        Page("/scan/events", _answering(events), "POST", signed_in=False, most=EVENTS_BODY),
    ),
    (Place(mark("Lecture des scellés"), "/scan/", shortcut="l"),),
    keys=(("g l", mark("Aller à la lecture des scellés")),),
)
