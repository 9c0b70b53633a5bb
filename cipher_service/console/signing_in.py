"""Signing in and out (flow 10), and the links by which a demonstration is entered."""

from typing import Final

from starlette.responses import Response

from cipher_service.console.door import DEMONSTRATION, sign_in_form
from cipher_service.console.flow import Flow, Page
from cipher_service.console.visit import SESSION, Visit
from cipher_service.errors import ServiceError
from cipher_service.identity.demonstration import Demonstration
from cipher_service.identity.sessions import LONGEST
from cipher_service.identity.site import party_of


async def sign_in_page(visit: Visit) -> Response:
    """The page where an officer signs in; whoever is signed in goes home."""
    if visit.signed_in:
        return visit.go("/")
    return sign_in_form(visit)


async def sign_out(visit: Visit) -> Response:
    """End the session everywhere, and let the browser forget all."""
    await visit.act("officer_sign_out")
    response = visit.go("/connexion")
    response.delete_cookie(SESSION, secure=True, httponly=True, samesite="strict")
    response.headers["clear-site-data"] = '"cache", "storage"'
    return response


async def prolong(visit: Visit) -> Response:
    """Note that the officer is there; give when the session ends now."""
    ends = await visit.act("officer_seen", {"session": visit.person.token})
    return visit.data({"ends": ends})


async def enter_by_link(visit: Visit) -> Response:
    """A demonstration's link: lands signed in, once."""
    there = Demonstration.of(visit.office.settings)
    secret = str(visit.request.path_params["secret"])
    officer = await visit.office.in_thread(lambda: there.use_link(secret))
    response = await _enter(visit, there, officer)
    response.set_cookie(DEMONSTRATION, there.carried, secure=True, httponly=True, samesite="strict")
    return response


async def change_officer(visit: Visit) -> Response:
    """Sign in as another of a demonstration's officers, for a browser that came by a link."""
    form = await visit.form("officer")
    there = Demonstration.of(visit.office.settings)
    if visit.request.cookies.get(DEMONSTRATION) != there.carried:
        raise ServiceError("NOT_FOUND")
    return await _enter(visit, there, form["officer"])


async def _enter(visit: Visit, there: Demonstration, officer: str) -> Response:
    nonce = await visit.office.ask("officer_ask", None)
    response = there.sign_in(officer, nonce, party_of(visit.office.settings))
    entered = await visit.office.ask("officer_sign_in", {"nonce": nonce, "response": response})
    return with_session(visit.go("/"), entered["session"])


def with_session(response: Response, token: str) -> Response:
    """Let the browser carry a session."""
    response.set_cookie(
        SESSION,
        token,
        max_age=int(LONGEST.total_seconds()),
        secure=True,
        httponly=True,
        samesite="strict",
    )
    return response


FLOW: Final = Flow(
    "signing_in",
    (
        Page("/connexion", sign_in_page, signed_in=False),
        Page("/deconnexion", sign_out, method="POST"),
        Page("/session/prolonger", prolong, method="POST"),
        Page("/demonstration/{secret}", enter_by_link, signed_in=False),
        Page("/demonstration", change_officer, method="POST", signed_in=False),
    ),
)
