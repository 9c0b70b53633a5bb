"""Where rights are given and taken (article 12): forms that lead to the page where officers sign.

The security officer proposes habilitations and functions for one person; authorities give a need
to know. Nothing here decides: the registrar tries and judges each proposal before anybody signs.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, select
from starlette.responses import Response

from cipher_service.access import mandates
from cipher_service.access.acts import Gate
from cipher_service.access.looks import RIGHTS_READ
from cipher_service.audit.inquiry import grants_on
from cipher_service.console.days import end_of
from cipher_service.console.flow import Flow, Page, Place
from cipher_service.console.language import mark
from cipher_service.console.refusals import mendable, status_of, words_of
from cipher_service.console.rights import KINDS, MANDATES
from cipher_service.console.visit import Visit, require_chosen
from cipher_service.directory import officers
from cipher_service.directory.officers import Officer
from cipher_service.directory.roles import Role, default_roles
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.directory import post

KNOWING: Final = frozenset(
    {"MINISTER", "SECRETARY-GENERAL", "DEPUTY-DIRECTOR", "CHIEF-CIPHER-POUCH", "HEAD-OF-POST"}
)
MATTERS: Final = {
    "depeche": mark("une dépêche"),
    "poste": mark("les dépêches d’un poste"),
    "dossier": mark("un dossier"),
}
_SPELT: Final = {"depeche": "dispatch", "poste": "post", "dossier": "file"}
"""How the form spells a kind of need to know."""
TAKEN: Final = {
    "function": "function_end",
    "habilitation": "habilitation_withdraw",
    "need": "need_end",
}


async def authorise(visit: Visit) -> Response:
    """One person's rights, to take away, and the two forms that propose another one."""
    return await _authorise(visit)


async def _authorise(
    visit: Visit, refusal: ServiceError | None = None, **typed: dict[str, str]
) -> Response:
    """The page, after a refusal with what was typed, by form."""
    number = str(visit.request.path_params["officer"])
    await visit.act(RIGHTS_READ, {"route": f"droits/{number}/accorder"[:200]})

    def find(connection: Connection, _gate: Gate) -> dict[str, Any]:
        known = _known(connection, number)
        mine = [each for each in grants_on(connection, visit.now) if each["officer"] == number]
        return {
            "known": known,
            "grants": [each for each in mine if each["kind"] in TAKEN],
            "roles": _roles_at(connection, known),
            "lent": mandates.lent_by(connection, visit.now, number),
            "given": [one for one in mandates.everything(connection) if one.delegator == number],
            "names": officers.all_names(connection),
        }

    found = await visit.read(find)
    return visit.page(
        "authorisations/authorise.html",
        200 if refusal is None else status_of(refusal),
        **found,
        refusal=None if refusal is None else words_of(refusal, visit.language),
        typed=typed,
        kinds=KINDS,
        states=MANDATES,
        proposes="SECURITY-OFFICER" in _held(visit),
    )


async def propose_habilitation(visit: Visit) -> Response:
    """Propose an habilitation, and go and sign it."""
    form = await visit.form("level", "caveats", "until", "trained", "act", "reason")

    def read() -> dict[str, Any]:
        require_chosen(form, "level")
        return {
            "level": form["level"],
            "caveats": [one.strip() for one in form["caveats"].split(",") if one.strip()],
            "trained_until": end_of(form["trained"]),
        }

    return await _proposed(visit, "habilitation_propose", form, read)


async def propose_function(visit: Visit) -> Response:
    """Propose a function, and go and sign it."""
    form = await visit.form("role", "until", "act", "reason")

    def read() -> dict[str, Any]:
        require_chosen(form, "role")
        return {"role": form["role"]}

    return await _proposed(visit, "function_propose", form, read)


async def _proposed(
    visit: Visit, act: str, form: dict[str, str], read: Callable[[], dict[str, Any]]
) -> Response:
    """Propose what a form asks for one person, or show the page with the form as it was."""
    try:
        asked = {
            "officer": str(visit.request.path_params["officer"]),
            "starts": "",
            "ends": end_of(form.get("until", "")),
            "act": form.get("act", ""),
            "reason": form["reason"],
            "back": "/actes",
            **read(),
        }
        told = await visit.act(act, asked)
    except ServiceError as refusal:
        return await _authorise(visit, mendable(refusal), **{act.removesuffix("_propose"): form})
    return visit.sign(told["ticket"])


async def take(visit: Visit) -> Response:
    """Take one right away, at once; one person suffices."""
    number = str(visit.request.path_params["officer"])
    form = await visit.form("kind", "right")
    if form["kind"] not in TAKEN:
        raise ServiceError("FORM_REFUSED")
    named = {"officer": number, "role": form["right"], "matter": form["right"]}
    await visit.act(TAKEN[form["kind"]], named)
    return visit.go(f"/droits/{number}/accorder")


async def suspend(visit: Visit) -> Response:
    """Freeze a person, at once; one person suffices."""
    await visit.form()
    number = str(visit.request.path_params["officer"])
    await visit.act("officer_suspend", {"officer": number})
    return visit.go(f"/droits/{number}/accorder")


async def resume(visit: Visit) -> Response:
    """Propose that a person's freeze ends, and go and sign it; a second person signs after."""
    form = await visit.form("reason")
    return await _proposed(visit, "officer_resume_propose", form, dict)


async def let_know(visit: Visit) -> Response:
    """The form by which an authority gives a need to know."""
    return await _let_know(visit, visit.request.query_params)


async def _let_know(
    visit: Visit, typed: Mapping[str, str], refusal: ServiceError | None = None
) -> Response:
    if not _held(visit) & KNOWING:
        raise ServiceError("NOT_FOUND")

    def find(connection: Connection, _gate: Gate) -> list[Officer]:
        return [
            one
            for one in officers.everyone(connection)
            if one.state == "active" and one.officer_id != visit.person.number
        ]

    people = await visit.read(find)
    return visit.page(
        "authorisations/let_know.html",
        200 if refusal is None else status_of(refusal),
        people=people,
        matters=MATTERS,
        typed=typed,
        refusal=None if refusal is None else words_of(refusal, visit.language),
    )


async def propose_need(visit: Visit) -> Response:
    """Propose a need to know, and go and sign it."""
    form = await visit.form("officer", "kind", "matter", "until", "reason")
    try:
        require_chosen(form, "officer", "kind")
        asked = {
            "officer": form["officer"],
            "kind": _SPELT.get(form["kind"], ""),
            "matter": form["matter"],
            "starts": "",
            "ends": end_of(form["until"]),
            "reason": form["reason"],
            "back": "/actes",
        }
        told = await visit.act("need_propose", asked)
    except ServiceError as refusal:
        return await _let_know(visit, form, mendable(refusal))
    return visit.sign(told["ticket"])


def _held(visit: Visit) -> frozenset[str]:
    principal = visit.person.principal
    return principal.functions | {mandate.function for mandate in principal.mandates}


def _known(connection: Connection, number: str) -> Officer:
    try:
        return officers.read(connection, number)
    except ServiceError as error:
        raise ServiceError("NOT_FOUND") from error


def _roles_at(connection: Connection, known: Officer) -> list[Role]:
    """Return the functions that are held where a person serves."""
    kind = connection.scalar(select(post.c.kind).where(post.c.code == known.identity.post))
    here = "ministry" if kind == "headquarters" else "post"
    return [role for role in default_roles().roles.values() if role.where in ("any", here)]


FLOW: Final = Flow(
    "authorisations",
    (
        Page("/droits/{officer}/accorder", authorise),
        Page("/droits/{officer}/habilitation", propose_habilitation, method="POST"),
        Page("/droits/{officer}/fonction", propose_function, method="POST"),
        Page("/droits/{officer}/retirer", take, method="POST"),
        Page("/droits/{officer}/suspendre", suspend, method="POST"),
        Page("/droits/{officer}/retablir", resume, method="POST"),
        Page("/connaitre", let_know),
        Page("/connaitre", propose_need, method="POST"),
    ),
    (Place(mark("Donner à connaître"), "/connaitre", KNOWING),),
)
