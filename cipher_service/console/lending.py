"""Mandates (article 8): delegation of signature and interim, proposed, signed, ended.

The page computes who stands in by the decree's order and shows what it rests on; the Head of the
Cell writes the draft, and the Minister's security key alone makes it a mandate.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service import clock
from cipher_service.access import mandates
from cipher_service.access.acts import Gate
from cipher_service.access.looks import RIGHTS_READ
from cipher_service.access.matrix import Row, default_matrix
from cipher_service.access.subjects import Principal
from cipher_service.console.days import end_of, start_of
from cipher_service.console.flow import Awaiting, Flow, Page, Place
from cipher_service.console.language import mark
from cipher_service.console.refusals import mendable, status_of, words_of
from cipher_service.console.rights import MANDATES, REVOKE, SEEN_BY
from cipher_service.console.visit import Visit, require_chosen
from cipher_service.directory import officers
from cipher_service.directory.roles import default_roles
from cipher_service.errors import ServiceError
from keys.canonical import decode

KINDS: Final = {"interim": mark("intérim"), "signature": mark("délégation de signature")}
_REGISTERS: Final = "CHIEF-CNTC"
_SIGNS: Final = "MINISTER"
_FIELDS: Final = ("kind", "holder", "delegator", "role", "level", "since", "until", "act", "reason")
_CHOSEN: Final = ("kind", "holder", "delegator", "role", "level")
_ACTION: Final = "action"
_SHOW: Final = "acts"
"""The button that shows the acts of the chosen function, and writes nothing down."""


async def listed(visit: Visit) -> Response:
    """The register, who would stand in now and why, and the form of a draft."""
    return await _listed(visit, None, {}, [])


async def propose(visit: Visit) -> Response:
    """Write a draft down; it gives nothing before the Minister's signature.

    Or show the form again with the acts of the chosen function, to choose among them.
    """
    fields = await visit.fields()
    chosen = [value for name, value in fields if name == _ACTION]
    form = {name: value for name, value in fields if name != _ACTION}
    if len(form) + len(chosen) != len(fields) or set(form) - {_SHOW} != set(_FIELDS):
        raise ServiceError("FORM_REFUSED")
    if _SHOW in form:
        return await _listed(visit, None, form, chosen)
    asked = {name: form[name] for name in _FIELDS if name not in ("since", "until")}
    try:
        require_chosen(form, *_CHOSEN)
        window = {"starts": start_of(form["since"]), "ends": end_of(form["until"])}
        made = await visit.act("mandate_propose", {**asked, **window, "actions": chosen})
    except ServiceError as refusal:
        return await _listed(visit, mendable(refusal), form, chosen)
    return visit.go(f"/mandats/{made['act']}")


async def show(visit: Visit) -> Response:
    """One mandate, with what it rests on, to sign or to end."""
    number = _number(visit)
    await visit.act(RIGHTS_READ, {"route": f"mandats/{number}"[:200]})

    def find(connection: Connection, _gate: Gate) -> dict[str, Any]:
        known = mandates.find(connection, number)
        return {
            "mandate": known,
            "acts": _rows(decode(known.actions.encode())),
            "evidence": decode(known.evidence.encode()),
            "names": officers.all_names(connection),
        }

    found = await visit.read(find)
    held = visit.person.principal.functions
    return visit.page(
        "mandates/mandate.html",
        **found,
        kinds=KINDS,
        states=MANDATES,
        grades=default_roles().grades,
        signs=_SIGNS in held,
        over=clock.parse(found["mandate"].ends) <= visit.now,
        ends=bool(held & REVOKE) or visit.person.number in _parties(found["mandate"]),
    )


async def sign(visit: Visit) -> Response:
    """Go to the page where the Minister reads the very bytes and signs them."""
    await visit.form()
    number = _number(visit)
    asked = {"mandate": number, "back": f"/mandats/{number}"}
    return visit.sign((await visit.act("mandate_ask", asked))["ticket"])


async def end(visit: Visit) -> Response:
    """End it at once; one person suffices."""
    await visit.form()
    number = _number(visit)
    await visit.act("mandate_end", {"mandate": number})
    return visit.go(f"/mandats/{number}")


async def _listed(
    visit: Visit, refusal: ServiceError | None, given: dict[str, str], chosen: list[str]
) -> Response:
    await visit.act(RIGHTS_READ, {"route": "mandats"})

    def find(connection: Connection, gate: Gate) -> dict[str, Any]:
        people = officers.everyone(connection)
        return {
            "lines": list(reversed(mandates.everything(connection))),
            "names": {one.officer_id: one.identity.name for one in people},
            "people": [one for one in people if one.state == "active"],
            "candidates": [
                each.evidence() for each in mandates.candidates(connection, gate, visit.now)
            ],
        }

    found = await visit.read(find)
    return visit.page(
        "mandates/mandates.html",
        200 if refusal is None else status_of(refusal),
        **found,
        refusal=None if refusal is None else words_of(refusal, visit.language),
        given=given,
        acts=_rows(mandates.acts_of(given.get("role", ""))),
        chosen=chosen,
        kinds=KINDS,
        states=MANDATES,
        grades=default_roles().grades,
        roles=list(default_roles().roles.values()),
        registers=_REGISTERS in visit.person.principal.functions,
    )


def _rows(actions: Iterable[str]) -> list[Row]:
    """Return rows of the matrix, in its order."""
    named = frozenset(actions)
    return [row for action, row in default_matrix().rows.items() if action in named]


def _number(visit: Visit) -> str:
    return str(visit.request.path_params["mandate"])


def _parties(mandate: Any) -> tuple[str, str]:
    return mandate.holder, mandate.delegator


def _awaits(
    connection: Connection, _gate: Gate, principal: Principal, now: datetime
) -> Iterable[Awaiting]:
    if _SIGNS in principal.functions:
        drafts = mandates.awaiting(connection, now)
        yield Awaiting(mark("Mandats à signer"), "/mandats", drafts)


FLOW: Final = Flow(
    "mandates",
    (
        Page("/mandats", listed),
        Page("/mandats", propose, method="POST"),
        Page("/mandats/{mandate}", show),
        Page("/mandats/{mandate}/signer", sign, method="POST"),
        Page("/mandats/{mandate}/terminer", end, method="POST"),
    ),
    (Place(mark("Mandats et intérims"), "/mandats", SEEN_BY),),
    _awaits,
)
