"""An officer's security keys: seen, added under the signature of a present one, taken away.

With them what there is to tell of keys and sign-ins: to each officer of their own, to the security
officer of everybody's.
"""

from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service.access.acts import Gate
from cipher_service.access.looks import RIGHTS_READ
from cipher_service.access.subjects import Principal
from cipher_service.console import octets
from cipher_service.console.flow import Awaiting, Flow, Page, Place
from cipher_service.console.journal import action_name
from cipher_service.console.language import mark
from cipher_service.console.own import MAKE_OWN_KEY
from cipher_service.console.visit import Visit
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.identity import challenges, notices, own_keys, passkey_book
from cipher_service.identity.officer_commands import statement_of_key
from cipher_service.identity.site import party_of
from keys.passkeys import creation_options

CONTROLLER: Final = "SECURITY-OFFICER"
SHOWN: Final = timedelta(days=90)
"""How far back one's own notices are shown."""
SHOWN_OF_ALL: Final = timedelta(days=14)
KINDS: Final = {
    notices.CHANGED: mark("Clés changées ou sur le point de l’être"),
    notices.TRIED: mark("Connexion refusée avec une clé de cette personne"),
    notices.AFTER_REFUSAL: mark("Connexion réussie après un refus"),
    notices.AFTER_ABSENCE: mark("Première connexion depuis plus de trente jours"),
}


async def list_keys(visit: Visit) -> Response:
    """The officer's keys, those taken away too, and what there is to tell of them."""
    number = visit.person.number

    def find(connection: Connection, _gate: Gate) -> dict[str, Any]:
        return {
            "listed": passkey_book.keys_of(connection, number),
            "own": own_keys.state_of(connection, number),
            "recovery": own_keys.recovery_of(connection, number),
            "bare": own_keys.uncopied(connection, number),
            "told": notices.notices(connection, visit.now - SHOWN, officer=number),
        }

    found = await visit.read(find)
    left = sum(key.revoked is None for key in found["listed"])
    return visit.page("keys/keys.html", **found, left=left, **_words(visit))


async def list_notices(visit: Visit) -> Response:
    """What there is to tell of everybody's keys and sign-ins, to who answers for them."""
    await visit.act(RIGHTS_READ, {"route": "cles/avis"})

    def find(connection: Connection, _gate: Gate) -> dict[str, Any]:
        names = officers.all_names(connection)
        told = notices.notices(connection, visit.now - SHOWN_OF_ALL)
        return {"told": told, "names": names}

    found = await visit.read(find)
    return visit.page("keys/notices.html", **found, **_words(visit))


def _words(visit: Visit) -> dict[str, Any]:
    return {"kinds": KINDS, "named": lambda action: action_name(action, visit.language)}


async def make_own(visit: Visit) -> Response:
    """Go to the page that makes the officer's own key for reading."""
    await visit.form()
    return visit.sign(await visit.act("own_key_begin"), MAKE_OWN_KEY)


async def recover_own(visit: Visit) -> Response:
    """Go to the page where holders give a lost key back to the officer's security keys."""
    await visit.form()
    return visit.sign(await visit.act("own_key_lost"), MAKE_OWN_KEY)


async def take_key(visit: Visit) -> Response:
    """Take one of the officer's keys away."""
    form = await visit.form("key")
    await visit.act("officer_revoke_key", {"key": form["key"]})
    return visit.go("/cles")


async def ask_key(visit: Visit) -> Response:
    """Give what the browser asks a new security key."""
    nonce = await visit.act("officer_ask_key")
    return visit.data(
        {
            "nonce": octets.written(nonce),
            "options": creation_options(
                challenges.asked("enrol", nonce),
                party=party_of(visit.office.settings),
                number=visit.person.number,
                name=visit.person.officer.identity.name,
                known=(),
            ),
        }
    )


async def add_key(visit: Visit) -> Response:
    """Take `{"nonce", "response"}` of a new key; give where a present key signs for it."""
    members = await visit.json()
    nonce, response = members.get("nonce"), members.get("response")
    if not isinstance(nonce, str) or not isinstance(response, str):
        raise ServiceError("FORM_REFUSED")
    key = [b64encode(part).decode("ascii") for part in (octets.read(nonce), response.encode())]
    ticket = await visit.act(
        "approval_ask",
        {
            "body": statement_of_key(visit.person.number, response.encode()),
            "back": "/cles",
            "command": "officer_add_key",
            "payload": {"key": key},
        },
    )
    return visit.data({"to": visit.sign(ticket).headers["location"]})


def _awaits(
    connection: Connection, _gate: Gate, principal: Principal, _now: datetime
) -> Iterable[Awaiting]:
    since = notices.since_last(connection, principal.officer_id)
    if since is None:
        return
    own = notices.notices(connection, since, officer=principal.officer_id)
    yield Awaiting(mark("Avis sur vos clés et vos connexions"), "/cles#avis", len(own), 0)
    if CONTROLLER in principal.functions:
        everybody = notices.notices(connection, since)
        others = sum(notice.officer != principal.officer_id for notice in everybody)
        label = mark("Avis sur les clés et les connexions des autres")
        yield Awaiting(label, "/cles/avis", others, 0)


FLOW: Final = Flow(
    "keys",
    (
        Page("/cles", list_keys),
        Page("/cles/avis", list_notices),
        Page("/cles/propre", make_own, method="POST"),
        Page("/cles/propre/retrouver", recover_own, method="POST"),
        Page("/cles/retirer", take_key, method="POST"),
        Page("/cles/defi", ask_key, method="POST"),
        Page("/cles/ajouter", add_key, method="POST", most=100 * 1024),
    ),
    (
        Place(mark("Mes clés de sécurité"), "/cles", shortcut="k"),
        Place(mark("Avis de sécurité"), "/cles/avis", frozenset({CONTROLLER})),
    ),
    _awaits,
    keys=(("g k", mark("Aller à mes clés de sécurité")),),
)
