"""Receipt of a bag (flow 6): blind entry, then the truth, opening by two, item check, discharge."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row
from starlette.responses import Response

from cipher_service.console.pouches.reading import ask, named, page, whole
from cipher_service.console.pouches.words import CONDITIONS
from cipher_service.console.visit import Visit
from cipher_service.errors import ServiceError
from cipher_service.pouches import repository, views
from cipher_service.pouches.office import Office
from cipher_service.pouches.views import Journey
from pouch.facts import NONCE
from pouch.manifest import BagClass


async def find_form(visit: Visit, refusal: ServiceError | None = None) -> Response:
    """Which bag: its locator, scanned or typed."""
    return page(visit, "find", refusal)


async def find(visit: Visit) -> Response:
    """Go to the bag that a locator names."""
    form = await visit.form("locator")
    number = visit.person.number
    try:
        found = await ask(visit, lambda office: views.journey(office, form["locator"], by=number))
    except ServiceError as error:
        return await find_form(visit, error)
    return visit.go(f"/valises/{found.closing.seal}/reception")


async def receive_form(
    visit: Visit,
    refusal: ServiceError | None = None,
    typed: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """What is read from the seals; nothing of what is expected is on this page."""
    seal = named(visit)
    found = await ask(visit, lambda office: views.journey(office, seal, by=visit.person.number))
    return page(visit, "receive", refusal, line=found.line, typed=typed)


async def receive(visit: Visit) -> Response:
    """Record what was read, then show what was sealed."""
    form = await visit.form("seals", "condition", "weight")
    if form["condition"] not in CONDITIONS:
        raise ServiceError("FORM_REFUSED")
    seal, seals = named(visit), form["seals"].split()
    found = await ask(visit, lambda office: views.journey(office, seal, by=visit.person.number))
    try:
        weight = whole(form["weight"]) if form["weight"].strip() else None
        told = {"seal": seal, "seals": seals, "condition": form["condition"], "weight_g": weight}
        answer = await visit.act("bag_receive", told)
    except ServiceError as error:
        return await receive_form(visit, error, form)
    return page(
        visit,
        "received",
        answer=answer,
        line=found.line,
        typed=seals,
        weight_g=weight,
        sealed_g=found.closing.weighed_g,
        seal=seal,
    )


async def ask_open(visit: Visit) -> Response:
    """Go to the page where the opening is signed; a second person signs after."""
    seal = named(visit)
    asked = await visit.act("bag_ask_open", {"seal": seal, "back": f"/valises/{seal}"})
    return visit.sign(asked["ticket"])


async def account_form(
    visit: Visit,
    refusal: ServiceError | None = None,
    typed: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """Item by item: what is announced, what was found."""
    seal = named(visit)
    found, lines = await ask(visit, lambda office: _lines(office, seal, visit.person.number))
    pair = "pair" in typed if typed else found.closing.bag_class is BagClass.CONTROLLED
    context: dict[str, Any] = {"line": found.line, "pair": pair, "typed": typed}
    return page(visit, "account", refusal, lines=lines, seal=seal, **context)


async def account(visit: Visit) -> Response:
    """Sign the discharge with the secret from inside."""
    fields = await visit.fields()
    form = dict(fields)
    if len(form) != len(fields) or not {"nonce", "unlisted"} <= set(form):
        raise ServiceError("FORM_REFUSED")
    seal = named(visit)
    told: dict[str, Any] = {"seal": seal, "nonce": "".join(form["nonce"].split()).lower()}
    told["damaged"] = [*_named(form, "damaged-").values()]
    told["misdirected"] = [*_named(form, "other-").values()]
    counted = _named(form, "found-")
    try:
        told["found"] = {str(line): whole(form[name]) for name, line in counted.items()}
        told["unlisted"] = whole(form["unlisted"])
        _require_nonce(told["nonce"])
        if "pair" in form:
            asked = await visit.act("bag_ask_discharge", {**told, "back": f"/valises/{seal}"})
            return visit.sign(asked["ticket"])
        answer = await visit.act("bag_account", told)
    except ServiceError as error:
        return await account_form(visit, error, form)
    return page(visit, "accounted", answer=answer, seal=seal)


def _require_nonce(typed: str) -> None:
    """Demand a secret of the form that bags hold. Raises ServiceError NONCE_MISREAD."""
    if NONCE.fullmatch(typed) is None:
        raise ServiceError("NONCE_MISREAD")


def _named(form: Mapping[str, str], prefix: str) -> dict[str, int]:
    """Return the lines that fields of a prefix name. Raises ServiceError FORM_REFUSED."""
    lines = {name: name.removeprefix(prefix) for name in form if name.startswith(prefix)}
    if any(re.fullmatch(r"[1-9][0-9]{0,3}", line) is None for line in lines.values()):
        raise ServiceError("FORM_REFUSED")
    return {name: int(line) for name, line in lines.items()}


def _lines(office: Office, seal: str, officer: str) -> tuple[Journey, list[Row[Any]]]:
    found = views.journey(office, seal, by=officer)
    with office.look() as sitting:
        return found, repository.lines_of(sitting.connection, found.closing.seal)
