"""Signing in and out (flow 10), and the links by which a demonstration is entered."""

import hmac
import secrets
from typing import Any, Final

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service.access.acts import Gate
from cipher_service.console import octets
from cipher_service.console.door import DEMONSTRATION, sign_in_form
from cipher_service.console.flow import Flow, Page
from cipher_service.console.visit import SESSION, Visit
from cipher_service.errors import ServiceError
from cipher_service.identity import challenges, passkey_book
from cipher_service.identity.demonstration import Demonstration
from cipher_service.identity.sessions import LONGEST
from cipher_service.identity.site import party_of
from keys.passkeys import creation_options

_CEREMONY_MOST: Final = 200 * 1024
_SECRET: Final = secrets.token_bytes(32)


async def sign_in_page(visit: Visit) -> Response:
    """The page where an officer signs in; whoever is signed in goes home."""
    if visit.signed_in:
        return visit.go("/")
    return sign_in_form(visit)


async def sign_in_ask(visit: Visit) -> Response:
    """Take `{"officer"}`; give what the browser asks the officer's security keys.

    An unknown number gets an answer of the same form: whoever tries numbers learns nothing.
    """
    number = _text(await visit.json(), "officer").strip().upper()
    if number.isdecimal():
        number = f"OFF-{int(number):06}"

    def mine(connection: Connection, _gate: Gate) -> list[str]:
        keys = passkey_book.keys_of(connection, number)
        return [key.credential_id for key in keys if key.revoked is None]

    found = await visit.read(mine) or _invented(number)
    nonce = await visit.office.ask("officer_ask", None)
    return visit.data(
        {
            "nonce": octets.written(nonce),
            "options": {
                "challenge": octets.written(challenges.asked("sign-in", nonce)),
                "rpId": visit.office.settings.party_id,
                "userVerification": "required",
                "timeout": 120_000,
                "allowCredentials": [
                    {"type": "public-key", "id": octets.written(bytes.fromhex(one))}
                    for one in found
                ],
            },
        }
    )


async def sign_in(visit: Visit) -> Response:
    """Take `{"nonce", "response"}`; open the session."""
    members = await visit.json()
    payload = {
        "nonce": octets.read(_text(members, "nonce")),
        "response": _text(members, "response").encode(),
    }
    entered = await visit.office.ask("officer_sign_in", payload)
    return with_session(visit.data({"to": "/"}), entered["session"])


async def enrolment_page(visit: Visit) -> Response:
    """The page to which an enrolment link leads; the secret is after the #, for the page alone."""
    return visit.page("signing_in/enrol.html")


async def enrolment_ask(visit: Visit) -> Response:
    """Take `{"link"}`; give whom it enrols, and what the browser asks two security keys."""
    link = _text(await visit.json(), "link")
    asked = await visit.office.ask("officer_ask_enrolment", {"link": link})
    party = party_of(visit.office.settings)
    keys = [
        {
            "nonce": octets.written(nonce),
            "options": creation_options(
                challenges.asked("enrol", nonce),
                party=party,
                number=asked["officer"],
                name=asked["name"],
                known=(),
            ),
        }
        for nonce in asked["nonces"]
    ]
    return visit.data({"officer": asked["officer"], "name": asked["name"], "keys": keys})


async def enrol(visit: Visit) -> Response:
    """Take `{"link", "keys": [{"nonce", "response"}, ...]}`; enrol them and use the link up."""
    members = await visit.json()
    given = members.get("keys")
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise ServiceError("FORM_REFUSED")
    keys = [[octets.read(_text(one, "nonce")), _text(one, "response").encode()] for one in given]
    await visit.office.ask("officer_enrol", {"link": _text(members, "link"), "keys": keys})
    return visit.data({"to": "/connexion"})


async def sign_out(visit: Visit) -> Response:
    """End the session everywhere, and let the browser forget its pages."""
    await visit.act("officer_sign_out")
    response = visit.go("/connexion")
    response.delete_cookie(SESSION, secure=True, httponly=True, samesite="strict")
    # Not "storage": the queue of `/scan/` lies there, and what was recorded must not be lost.
    response.headers["clear-site-data"] = '"cache"'
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


def _invented(number: str) -> list[str]:
    """Return credential ids for a number that has none, the same at each asking."""
    return [
        hmac.new(_SECRET, f"{number}\0{place}".encode(), "sha256").hexdigest() for place in (1, 2)
    ]


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise ServiceError("FORM_REFUSED")
    return value


FLOW: Final = Flow(
    "signing_in",
    (
        Page("/connexion", sign_in_page, signed_in=False),
        Page("/connexion/defi", sign_in_ask, method="POST", signed_in=False),
        Page("/connexion/cle", sign_in, method="POST", signed_in=False, most=_CEREMONY_MOST),
        Page("/inscription", enrolment_page, signed_in=False),
        Page("/inscription/defi", enrolment_ask, method="POST", signed_in=False),
        Page("/inscription/cles", enrol, method="POST", signed_in=False, most=_CEREMONY_MOST),
        Page("/deconnexion", sign_out, method="POST"),
        Page("/session/prolonger", prolong, method="POST"),
        Page("/demonstration/{secret}", enter_by_link, signed_in=False),
        Page("/demonstration", change_officer, method="POST", signed_in=False),
    ),
)
