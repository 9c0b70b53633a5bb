"""An officer's security keys: seen, added under the signature of a present one, taken away."""

from base64 import b64encode
from typing import Final

from starlette.responses import Response

from cipher_service.console import octets
from cipher_service.console.flow import Flow, Page, Place
from cipher_service.console.language import mark
from cipher_service.console.own import MAKE_OWN_KEY
from cipher_service.console.visit import Visit
from cipher_service.errors import ServiceError
from cipher_service.identity import challenges, own_keys, passkey_book
from cipher_service.identity.officer_commands import statement_of_key
from cipher_service.identity.site import party_of
from keys.passkeys import creation_options


async def list_keys(visit: Visit) -> Response:
    """The officer's keys, those taken away too."""
    number = visit.person.number
    keys, own, recovery, bare = await visit.read(
        lambda connection, _gate: (
            passkey_book.keys_of(connection, number),
            own_keys.state_of(connection, number),
            own_keys.recovery_of(connection, number),
            own_keys.uncopied(connection, number),
        )
    )
    left = sum(key.revoked is None for key in keys)
    return visit.page(
        "keys/keys.html", listed=keys, left=left, own=own, recovery=recovery, bare=bare
    )


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


FLOW: Final = Flow(
    "keys",
    (
        Page("/cles", list_keys),
        Page("/cles/propre", make_own, method="POST"),
        Page("/cles/propre/retrouver", recover_own, method="POST"),
        Page("/cles/retirer", take_key, method="POST"),
        Page("/cles/defi", ask_key, method="POST"),
        Page("/cles/ajouter", add_key, method="POST", most=100 * 1024),
    ),
    (Place(mark("Mes clés de sécurité"), "/cles", shortcut="k"),),
    keys=(("g k", mark("Aller à mes clés de sécurité")),),
)
