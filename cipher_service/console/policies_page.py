"""The access policies (article 12): the set in force, another one proved and compared, proposed.

What another set would allow beyond the one in force is shown, each with a case, before anybody
signs: to who proposes it, and to who is asked to sign after.
"""

from typing import Any, Final

from sqlalchemy import Connection, select
from starlette.responses import Response

from cipher_service.access.acts import Gate
from cipher_service.access.comparing import Compared, compare, kept
from cipher_service.access.deployed import deployed
from cipher_service.access.looks import RIGHTS_READ
from cipher_service.access.proven import KIND
from cipher_service.console.flow import Flow, Page, Place
from cipher_service.console.language import mark
from cipher_service.console.visit import Visit
from cipher_service.errors import ServiceError
from cipher_service.identity import shared_acts
from cipher_service.storage.tables.access import policy_set

SEEN_BY: Final = frozenset({"MINISTER", "SECRETARY-GENERAL", "CHIEF-CNTC", "AUDITOR"})
_PROPOSER: Final = "CHIEF-CNTC"
_MOST: Final = 256 * 1024


async def show(visit: Visit) -> Response:
    """The set in force, since when and by whom; the form that checks another one."""
    await visit.act(RIGHTS_READ, {"route": "politiques"})

    def find(connection: Connection, _gate: Gate) -> dict[str, Any]:
        newest = select(policy_set).order_by(policy_set.c.seq.desc()).limit(1)
        return {
            "policies": deployed(connection),
            "adopted": connection.execute(newest).one_or_none(),
        }

    found = await visit.read(find)
    return visit.page("policies/policies.html", **found, proposes=_proposes(visit))


async def check(visit: Visit) -> Response:
    """Prove another set and show what it would change; nothing is kept."""
    form = await visit.form("policies")
    await visit.act(RIGHTS_READ, {"route": "politiques/comparer"})
    text = _lines(form["policies"])
    compared = await visit.read(lambda connection, _gate: _compared(connection, text))
    return visit.page(
        "policies/compared.html", compared=compared, act=None, proposes=_proposes(visit)
    )


async def propose(visit: Visit) -> Response:
    """Propose a set, and go and sign it."""
    form = await visit.form("policies", "reason")
    asked = {"policies": _lines(form["policies"]), "reason": form["reason"], "back": "/actes"}
    return visit.sign((await visit.act("policy_propose", asked))["ticket"])


async def show_act(visit: Visit) -> Response:
    """What a proposal that waits would change, for whoever is asked to sign it."""
    wanted = str(visit.request.path_params["act_id"])
    await visit.act(RIGHTS_READ, {"route": f"politiques/{wanted}"[:200]})

    def find(connection: Connection, _gate: Gate) -> Compared:
        for act in shared_acts.open_acts(connection, visit.now):
            if act.id == wanted and act.kind == KIND:
                known = kept(connection, act)
                return known or _compared(connection, act.parameters["policies"])
        raise ServiceError("NOT_FOUND")

    compared = await visit.read(find)
    return visit.page("policies/compared.html", compared=compared, act=wanted, proposes=False)


def _proposes(visit: Visit) -> bool:
    return _PROPOSER in visit.person.principal.functions


def _lines(text: str) -> str:
    """Undo what a form does to line ends."""
    return text.replace("\r\n", "\n")


def _compared(connection: Connection, text: str) -> Compared:
    return compare(deployed(connection).text, text)


FLOW: Final = Flow(
    "policies",
    (
        Page("/politiques", show),
        Page("/politiques/comparer", check, method="POST", most=_MOST),
        Page("/politiques/proposer", propose, method="POST", most=_MOST),
        Page("/politiques/{act_id}", show_act),
    ),
    (Place(mark("Politiques"), "/politiques", SEEN_BY),),
)
