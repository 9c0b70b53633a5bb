"""The console's ASGI application: the flows' pages behind the guard, each given a visit."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from cipher_service import clock
from cipher_service.console import reports
from cipher_service.console.flow import Page
from cipher_service.console.flows import FLOWS
from cipher_service.console.guard import REPORTS, Guard, bounded
from cipher_service.console.language import chosen
from cipher_service.console.office import Office
from cipher_service.console.people import person_of
from cipher_service.console.refusals import explained
from cipher_service.console.refused_visits import RefusedVisits
from cipher_service.console.rendering import Renderer
from cipher_service.console.static import Assets, mark
from cipher_service.console.visit import LANGUAGE, SESSION, Person, Visit
from cipher_service.errors import ServiceError
from cipher_service.identity.sessions import IDLE, MARK
from cipher_service.settings import Settings
from cipher_service.storage.engine import open_existing
from cipher_service.storage.writer_client import RegistrarClient

_YEAR: Final = 365 * 24 * 3600


def create_console(settings: Settings) -> Guard:
    """Return the ASGI application of one console process of an installation."""
    registry = RegistrarClient(settings.registrar_socket)
    return console_on(Office(settings, open_existing(settings.database), registry))


def console_on(office: Office) -> Guard:
    """Return the console over an office."""
    assets = Assets()
    renderer = Renderer(FLOWS, assets)
    counted = reports.Counted()
    entering = RefusedVisits(office.ask)

    @asynccontextmanager
    async def lifespan(_application: Router) -> AsyncIterator[None]:
        watching = asyncio.create_task(office.watch_custody())
        yield
        watching.cancel()
        await entering.finish()
        office.close()

    routes = [
        Route("/static/{file:path}", assets.serve, methods=["GET"]),
        Route("/marque.svg", mark, methods=["GET"]),
        Route(REPORTS, counted.take, methods=["POST"]),
        *(
            Route(page.path, _served(office, renderer, page), methods=[page.method])
            for flow in FLOWS
            for page in flow.pages
        ),
    ]

    # A bare router: what is raised reaches the guard, where one place answers it.
    inner = Router(routes, redirect_slashes=False, default=_nowhere, lifespan=lifespan)

    async def refused(scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
        request = Request(scope, receive)
        visit = await _visit(office, renderer, request, lenient=True)
        await entering.told(visit, error)
        response = explained(visit, error)
        await response(scope, receive, send)

    settings = office.settings
    most = max(page.most for flow in FLOWS for page in flow.pages)
    return Guard(inner, settings.console_origin, refused, (settings.approval_origin,), most)


async def _nowhere(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ServiceError("NOT_FOUND")


def _served(
    office: Office, renderer: Renderer, page: Page
) -> Callable[[Request], Awaitable[Response]]:
    async def served(request: Request) -> Response:
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > page.most:
            raise ServiceError("BODY_TOO_LARGE", limit=page.most)
        # What comes without its length is counted as it comes.
        counted = Request(request.scope, bounded(request.receive, page.most))
        visit = await _visit(office, renderer, counted)
        if page.signed_in:
            await _note(visit, page)
        await _prefer(visit)
        response = await page.handler(visit)
        _keep_language(visit, response)
        return response

    return served


async def _visit(
    office: Office, renderer: Renderer, request: Request, *, lenient: bool = False
) -> Visit:
    """Recognise who asks; `lenient` answers a refusal, which no other refusal may follow."""
    now = clock.now()
    person: Person | None = None
    token = request.cookies.get(SESSION)
    if token:
        try:
            person = await office.read(
                lambda connection, gate: person_of(connection, gate, token, now)
            )
        except Exception:  # a page about a failure must show even when nobody can be looked up
            if not lenient:
                raise
    language = chosen(
        request.query_params.get("lang"),
        (person.language if person else None) or request.cookies.get(LANGUAGE),
        request.headers.get("accept-language", ""),
    )
    return Visit(office, renderer, request, language, now, person)


async def _note(visit: Visit, page: Page) -> None:
    """Demand a session, and note that its officer is there."""
    person = visit.person
    if page.watched and person.ends - visit.now <= IDLE - MARK:
        await visit.act("officer_seen", {"session": person.token})


async def _prefer(visit: Visit) -> None:
    """Keep a language that was asked for, for the officer, before the page: it may be refused."""
    asked = visit.request.query_params.get("lang") == visit.language
    if asked and visit.known is not None and visit.known.language != visit.language:
        await visit.act("officer_prefer", {"language": visit.language})


def _keep_language(visit: Visit, response: Response) -> None:
    """Keep a language that was asked for, for this browser's sign-in page."""
    if visit.request.query_params.get("lang") == visit.language:
        response.set_cookie(
            LANGUAGE,
            visit.language,
            max_age=_YEAR,
            secure=True,
            httponly=True,
            samesite="strict",
        )
