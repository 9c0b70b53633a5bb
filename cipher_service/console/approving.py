"""The page where officers sign, at an origin and in a process of its own.

Its pages, each in French and English, are fixed bytes: what they load is named with its hash, so
that the hash of the pages is the hash of everything that a browser runs here. It stands in the log
at each start (`bundle_digest`). What is signed is shown and hashed by the page itself, from the
very bytes that the registrar will verify; this process only passes them on. Officers' own keys are
made and used by its other pages (`console.own`).
"""

import html
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from cipher_service.access.matrix import default_matrix
from cipher_service.console import octets, reports
from cipher_service.console.approving_help import help_of
from cipher_service.console.bodies import members_of
from cipher_service.console.door import DEMONSTRATION
from cipher_service.console.guard import REPORTS, Guard
from cipher_service.console.language import LANGUAGES, Language, chosen
from cipher_service.console.own import MAKE_OWN_KEY, OWN_KEY, OwnDesk
from cipher_service.console.refusals import named_refusal, status_of, words_of
from cipher_service.console.static import Assets, mark
from cipher_service.directory.roles import default_roles
from cipher_service.errors import ServiceError
from cipher_service.identity.demonstration import Demonstration
from cipher_service.identity.site import party_of
from cipher_service.labels.scheme import default_scheme
from cipher_service.settings import Settings
from cipher_service.storage.writer_client import RegistrarClient
from cipher_service.typography import held_in
from keys.passkeys import RelyingParty

_GRANT: Final = b"depeche/v1 grant"
_SCRIPTS: Final = {"": "approve.js", OWN_KEY: "own.js", MAKE_OWN_KEY: "own-making.js"}
"""What each page runs, by the end of its address after the language."""
_TITLES: Final[dict[str, dict[Language, str]]] = {
    "": {"fr": "Signer un acte", "en": "Sign an act"},
    OWN_KEY: {"fr": "Lire avec la clé propre", "en": "Read with the own key"},
    MAKE_OWN_KEY: {"fr": "Clé propre", "en": "Own key"},
}
_CEILING: Final[dict[Language, str]] = {
    "fr": "Niveau le plus élevé de ce système :",
    "en": "Highest level of this system:",
}
_NO_SCRIPT: Final[dict[Language, str]] = {
    "fr": "Cette page signe dans votre navigateur : il faut y permettre ses scripts.",
    "en": "This page signs in your browser: its scripts must be allowed.",
}


def bundle(assets: Assets) -> dict[str, bytes]:
    """Return the pages by their address, `fr` or `en/propre`."""
    return {
        f"{language}{end}": _page(assets, language, end).encode()
        for end in _SCRIPTS
        for language in LANGUAGES
    }


def bundle_digest() -> str:
    """Return the SHA-256 of the pages and, through them, of all that they load; hexadecimal."""
    pages = bundle(Assets())
    return sha256(b"\0".join(pages.values())).hexdigest()


def create_approval(settings: Settings) -> Guard:
    """Return the ASGI application of the process where officers sign."""
    registry = RegistrarClient(settings.registrar_socket)
    desk, own = _Desk(settings, registry), OwnDesk(settings, registry)
    assets = Assets()
    pages = bundle(assets)
    counted = reports.Counted()

    async def page(request: Request) -> Response:
        path = request.scope["path"].strip("/")
        accepted = request.headers.get("accept-language", "")
        return HTMLResponse(pages[path or chosen(None, None, accepted)])

    @asynccontextmanager
    async def lifespan(_router: Router) -> AsyncIterator[None]:
        yield
        own.close()
        registry.close()

    routes = [
        Route("/static/{file:path}", assets.serve, methods=["GET"]),
        Route("/marque.svg", mark, methods=["GET"]),
        Route(REPORTS, counted.take, methods=["POST"]),
        Route("/acte", desk.show, methods=["POST"]),
        Route("/signature", desk.sign, methods=["POST"]),
        Route("/demonstration", desk.sign_as_sample, methods=["POST"]),
        Route("/", page, methods=["GET"]),
        *(Route(f"/{path}", page, methods=["GET"]) for path in pages),
        *own.routes(),
    ]
    return Guard(
        Router(routes, redirect_slashes=False, default=_nowhere, lifespan=lifespan),
        settings.approval_origin,
        _refused,
    )


class _Desk:
    """Passes statements and answers between the page and the registrar."""

    def __init__(self, settings: Settings, registry: RegistrarClient) -> None:
        self._settings = settings
        self._registry = registry

    async def show(self, request: Request) -> Response:
        """Take `{"ticket"}`; give what the registrar gives, bytes as base64url."""
        asked = await members_of(request, "ticket")
        shown = await self._registry.call("approval_show", asked)
        return JSONResponse(
            {
                **shown,
                "body": octets.written(shown["body"]),
                "beside": shown["beside"] and octets.written(shown["beside"]),
                "nonce": octets.written(shown["nonce"]),
                "credentials": [
                    octets.written(bytes.fromhex(one)) for one in json.loads(shown["credentials"])
                ],
                "levels": [[level.fr, level.en] for level in default_scheme().levels],
                "demonstration": self._carried(request),
            }
        )

    async def sign(self, request: Request) -> Response:
        """Take `{"ticket", "nonce", "response"}`; give the outcome."""
        members = await members_of(request, "ticket", "nonce", "response")
        return await self._answer(members["ticket"], members["nonce"], members["response"].encode())

    async def sign_as_sample(self, request: Request) -> Response:
        """Take `{"ticket"}`: a demonstration's officer signs with the key in software."""
        members = await members_of(request, "ticket")
        if not self._carried(request):
            raise ServiceError("NOT_FOUND")
        settings = self._settings
        shown = await self._registry.call("approval_show", {"ticket": members["ticket"]})
        body = bytes(shown["body"])
        kind = json.loads(body)["type"].encode()
        there, origin = Demonstration.of(settings), settings.approval_origin
        officer, nonce = shown["officer"], shown["nonce"]
        digest = sha256(kind + b"\0" + body).digest()
        if kind != _GRANT:
            answer = there.approve(officer, nonce, digest, party_of(settings), origin)
        else:
            party = RelyingParty(shown["party"], (origin,))
            answer = there.grant(officer, nonce, digest, party, origin)
        return await self._answer(members["ticket"], octets.written(shown["nonce"]), answer)

    async def _answer(self, ticket: str, nonce: str, response: bytes) -> Response:
        payload = {"ticket": ticket, "nonce": octets.read(nonce), "response": response}
        return JSONResponse(await self._registry.call("approval_sign", payload))

    def _carried(self, request: Request) -> bool:
        """Say whether a browser came by a link of this demonstration."""
        if not self._settings.demo:
            return False
        there = Demonstration.of(self._settings)
        return request.cookies.get(DEMONSTRATION) == there.carried


async def _nowhere(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ServiceError("NOT_FOUND")


async def _refused(scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
    request = Request(scope, receive)
    refusal, reference = named_refusal(error)
    language = chosen(
        request.query_params.get("lang"), None, request.headers.get("accept-language", "")
    )
    words = words_of(refusal, language)
    told = {
        "code": refusal.code,
        "cause": words.cause,
        "effect": words.effect,
        "remedy": words.remedy,
        "reference": reference,
    }
    await JSONResponse(told, status_of(refusal))(scope, receive, send)


def _terms(language: Language) -> str:
    """Return what the codes of functions, actions and levels say, as fixed a part as the script."""
    roles, rows = default_roles().roles.values(), default_matrix().rows.values()
    told = {
        **{row.action: row.fr if language == "fr" else row.en for row in rows},
        **{role.code: role.fr if language == "fr" else role.en for role in roles},
        **{level.code: level.name(language) for level in default_scheme().levels},
    }
    lines = (f'<data value="{code}">{html.escape(words)}</data>\n' for code, words in told.items())
    return f'<template id="termes">\n{"".join(lines)}</template>\n'


def _page(assets: Assets, language: Language, end: str) -> str:
    script, title = assets.named(_SCRIPTS[end]), _TITLES[end][language]
    links = ""
    for style in filter(None, map(assets.named, ("console.css", "markings.css"))):
        links += f'<link rel="stylesheet" href="{style.url}" integrity="{style.integrity}">\n'
    if script is not None:
        links += f'<script src="{script.url}" integrity="{script.integrity}"'
        # Integrity-Policy lets only requests in CORS mode through.
        links += ' crossorigin="anonymous" defer></script>\n'
    ceiling = default_scheme().levels[-1]
    level = ceiling.name(language)
    band = f'<div class="app-band app-rank-{ceiling.rank}"'
    terms = "" if end else _terms(language)
    return (
        f'<!DOCTYPE html>\n<html lang="{language}" class="govuk-template">\n<head>\n'
        f'<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="/marque.svg" type="image/svg+xml">\n{links}</head>\n'
        '<body class="govuk-template__body app-page">\n'
        f'<header>{band}><span class="govuk-visually-hidden">'
        f"{held_in(language, _CEILING[language])} </span>{level}</div></header>\n"
        '<div class="app-frame app-frame--alone"><main class="app-work" id="travail">\n'
        f"<h1>{title}</h1>\n<noscript><p>{held_in(language, _NO_SCRIPT[language])}</p></noscript>\n"
        f'<div id="acte" aria-live="polite"></div>\n{terms}'
        f"{help_of(end, language)}</main></div>\n"
        f'<footer>{band} aria-hidden="true">{level}</div></footer>\n</body>\n</html>\n'
    )
