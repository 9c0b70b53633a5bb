"""Acts of several persons as their signers meet them: what waits, for whom, sign or refuse.

Also the recovery of an officer who has lost both security keys, which is such an act.
"""

import itertools
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service.access.acts import Gate
from cipher_service.access.subjects import Principal
from cipher_service.console.coded import reason, thing
from cipher_service.console.flow import Awaiting, Flow, Page, Place
from cipher_service.console.language import mark
from cipher_service.console.visit import Visit, require_chosen
from cipher_service.directory import officers
from cipher_service.directory.officers import Officer
from cipher_service.errors import ServiceError
from cipher_service.identity.awaiting import Waiting, waiting

KINDS: Final = {
    "dispatch.release": mark("Faire partir une dépêche"),
    "label.lower": mark("Abaisser un marquage"),
    "habilitation.grant": mark("Accorder une habilitation"),
    "function.assign": mark("Confier une fonction"),
    "need.grant": mark("Donner à connaître"),
    "officer.resume": mark("Lever la suspension d’un officier"),
    "officer.relink": mark("Donner à un officier un nouveau lien d’inscription"),
    "officer.own-key": mark("Mettre en service la clé propre d’un officier"),
    "policy.change": mark("Changer les politiques d’accès"),
    "pouch.seal": mark("Sceller une valise"),
    "pouch.open": mark("Ouvrir une valise"),
    "pouch.discharge": mark("Décharger une valise"),
    "pouch.find": mark("Constater qu’une valise est retrouvée"),
    "pouch.stock": mark("Déplacer des scellés"),
    "key.destroy": mark("Détruire une clé"),
}


async def list_acts(visit: Visit) -> Response:
    """What the officer could sign, and what they wait for others to sign."""

    def find(connection: Connection, _gate: Gate) -> tuple[list[Waiting], dict[str, str]]:
        found = _lines(connection, visit)
        return found, _names(connection, found)

    lines, names = await visit.read(find)
    things = {line.act.id: thing(line.act, visit.say) for line in lines}
    return visit.page("acts/acts.html", lines=lines, names=names, kinds=KINDS, things=things)


async def show_act(visit: Visit) -> Response:
    """One act that waits, to sign or to refuse."""
    wanted = visit.request.path_params["act_id"]

    def find(connection: Connection, _gate: Gate) -> tuple[Waiting, dict[str, str]]:
        for line in _lines(connection, visit):
            if line.act.id == wanted:
                return line, _names(connection, [line])
        raise ServiceError("NOT_FOUND")

    line, names = await visit.read(find)
    return visit.page(
        "acts/act.html",
        line=line,
        names=names,
        kinds=KINDS,
        reason=reason(line.act, visit.say),
        thing=thing(line.act, visit.say),
    )


async def sign_act(visit: Visit) -> Response:
    """Go to the page where the officer signs."""
    form = await visit.form("act")
    asked = {"act": form["act"], "back": "/actes"}
    return visit.sign(await visit.act("act_ask", asked))


async def refuse_act(visit: Visit) -> Response:
    """End an act that waits, with a reason."""
    form = await visit.form("act", "reason")
    await visit.act("act_refuse", {"act": form["act"], "reason": form["reason"]})
    return visit.go("/actes")


async def recovery(visit: Visit) -> Response:
    """The form by which the security officer begins a recovery."""
    people = await visit.read(lambda connection, gate: _people(connection, gate, visit))
    return visit.page("acts/recovery.html", people=people, made=None)


async def begin_recovery(visit: Visit) -> Response:
    """Make the link, show it once, and lead to where it is signed."""
    form = await visit.form("officer", "reason")
    require_chosen(form, "officer")
    people = await visit.read(lambda connection, gate: _people(connection, gate, visit))
    made = await visit.act(
        "officer_relink",
        {"officer": form["officer"], "reason": form["reason"], "back": "/actes"},
    )
    settings = visit.office.settings
    return visit.page(
        "acts/recovery.html",
        people=people,
        made={
            "link": f"{settings.console_origin}/inscription#{made['link']}",
            "sign": f"{settings.approval_origin}/{visit.language}#{made['ticket']}",
        },
    )


def _people(connection: Connection, gate: Gate, visit: Visit) -> list[Officer]:
    if (
        "SECURITY-OFFICER"
        not in gate.principals.of(connection, visit.person.number, visit.now).functions
    ):
        raise ServiceError("NOT_FOUND")
    return [
        one
        for one in officers.everyone(connection)
        if one.state == "active" and one.officer_id != visit.person.number
    ]


def _lines(connection: Connection, visit: Visit) -> list[Waiting]:
    principal = visit.person.principal
    return waiting(connection, principal.officer_id, _held(principal), visit.now)


def _names(connection: Connection, lines: list[Waiting]) -> dict[str, str]:
    """Return the names of those whom acts name, by number."""
    named = ((*line.signers, line.act.proposer, line.act.resource) for line in lines)
    return officers.names_in(connection, " ".join(itertools.chain.from_iterable(named)))


def _held(principal: Principal) -> frozenset[str]:
    return principal.functions | {mandate.function for mandate in principal.mandates}


def _awaits(
    connection: Connection, _gate: Gate, principal: Principal, now: datetime
) -> Iterable[Awaiting]:
    lines = waiting(connection, principal.officer_id, _held(principal), now)
    yield Awaiting(mark("Actes à signer"), "/actes", sum(line.mine for line in lines))


FLOW: Final = Flow(
    "acts",
    (
        Page("/actes", list_acts),
        Page("/actes/signer", sign_act, method="POST"),
        Page("/actes/refuser", refuse_act, method="POST"),
        Page("/actes/{act_id}", show_act),
        Page("/recuperation", recovery),
        Page("/recuperation", begin_recovery, method="POST"),
    ),
    (
        Place(mark("Actes à signer"), "/actes", shortcut="s"),
        Place(mark("Clés perdues"), "/recuperation", frozenset({"SECURITY-OFFICER"})),
    ),
    _awaits,
    keys=(("g s", mark("Aller aux actes à signer")),),
)
