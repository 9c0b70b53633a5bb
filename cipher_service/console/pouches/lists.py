"""The bureau's lists: bags under way, departures, discrepancies, the register of seals."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection, Row
from starlette.responses import Response

from cipher_service.access.acts import Gate
from cipher_service.access.subjects import Principal
from cipher_service.console.flow import Awaiting
from cipher_service.console.language import mark
from cipher_service.console.pouches import lateness, words
from cipher_service.console.pouches.reading import ask, names_of, page
from cipher_service.console.visit import Visit
from cipher_service.errors import ServiceError
from cipher_service.pouches import roads, seal_store, stock, views
from cipher_service.pouches.entitlement import LIST
from cipher_service.pouches.office import Office, seated
from cipher_service.pouches.shares import PAGE, share
from pouch.locator import grouped_locator
from pouch.manifest import BagClass
from pouch.stock import STOCKED, Reconciliation

_MOVEMENTS = 20
_RESERVE = 20
"""Seals in stock below which more are to be had from their maker."""
_NOTHING: Mapping[str, str] = MappingProxyType({"origin": "", "bordereau": "", "locators": ""})
_BUREAU = frozenset({"CHIEF-POUCH", "POUCH-AGENT", "CHIEF-CIPHER-POUCH"})


async def under_way(visit: Visit) -> Response:
    """The bags from make-up to discharge, a page at a time; first those to look at, drawn."""
    after, by = _after(visit), visit.person.number
    lines = await ask(visit, lambda office: views.under_way(office, by=by))
    empty = await ask(visit, lambda office: _empties(office, by))
    return page(
        visit,
        "under_way",
        found=share(lines, after),
        after=after,
        empties=empty,
        late=lateness.draw(lines, visit.now),
        many=sum(line.late for line in lines),
        size=lateness,
    )


async def departures(visit: Visit) -> Response:
    """The departures to come, a page at a time, and where a make-up begins."""
    by, after = visit.person.number, _after(visit)
    found = await ask(visit, lambda office: roads.departures(office, by=by, after=after, most=PAGE))
    bags = await ask(visit, lambda office: views.bags_at_hand(office, by=by))
    return page(visit, "departures", found=found, after=after, bags=bags, classes=list(BagClass))


async def cases(visit: Visit, refusal: ServiceError | None = None) -> Response:
    """The discrepancies that are not closed, with their clocks and who is told; page by page."""
    after = _after(visit)
    lines = await ask(visit, lambda office: views.open_cases(office, by=visit.person.number))
    return page(visit, "cases", refusal, found=share(lines, after), after=after)


async def take_case_further(visit: Visit) -> Response:
    """Take a discrepancy to its next state, or make an incident a breach."""
    form = await visit.form("case", "state")
    if form["state"] not in (*words.STATES, "breach"):
        raise ServiceError("FORM_REFUSED")
    try:
        await visit.act("bag_case", {"case": form["case"], "state": form["state"]})
    except ServiceError as error:
        return await cases(visit, error)
    after = _after(visit)
    return visit.go("/valises/irregularites" + (f"?{urlencode({'apres': after})}" if after else ""))


async def empties(
    visit: Visit,
    refusal: ServiceError | None = None,
    taken: Mapping[str, Any] | None = None,
    typed: Mapping[str, str] = _NOTHING,
) -> Response:
    """The empty bags: how long they lie at their posts, what posts announced, what has come."""
    by = visit.person.number
    ages = await ask(visit, lambda office: views.empties(office, by=by))
    notices = await ask(visit, lambda office: views.announced_empties(office, by=by))
    away = {row.place for row in ages} | {notice.post for notice in notices}
    return page(
        visit,
        "empties",
        refusal,
        ages=ages,
        notices=notices,
        posts=sorted(away - {visit.office.headquarters}),
        taken=taken,
        typed=typed,
        grouped=grouped_locator,
    )


async def take_back(visit: Visit) -> Response:
    """Take back what a post returned, one locator on a line; what was refused stays typed."""
    form = await visit.form("origin", "bordereau", "locators")
    counted = {
        "origin": form["origin"].strip().upper(),
        "bordereau": " ".join(form["bordereau"].upper().split()),
        "locators": [line for line in form["locators"].splitlines() if line.strip()],
    }
    try:
        taken = await visit.act("bag_take_back", counted)
    except ServiceError as error:
        return await empties(visit, error, typed=form)
    return await empties(visit, taken={**taken, "post": counted["origin"]})


async def seals(
    visit: Visit, found: Reconciliation | None = None, refusal: ServiceError | None = None
) -> Response:
    """The register of seals: how many are where, and the check against the table."""
    counts, moved = await ask(visit, lambda office: _stock(office, visit.person.number))
    names = await names_of(visit, [one for row in moved for one in (row.first, row.second)])
    return page(visit, "seals", refusal, counts=counts, moved=moved, found=found, names=names)


async def balance_seals(visit: Visit) -> Response:
    """Compare the register with the unused seals on the table."""
    form = await visit.form("shown")
    try:
        told = await visit.act("bag_balance", {"shown": form["shown"].upper().split()})
    except ServiceError as error:
        return await seals(visit, refusal=error)
    lists = {name: tuple(told[name]) for name in ("unexplained", "surplus")}
    return await seals(visit, Reconciliation(**{**told, **lists}))


def awaits(
    connection: Connection, gate: Gate, principal: Principal, now: datetime
) -> Iterable[Awaiting]:
    """Bags late or in trouble, and discrepancies; for the bureau's chief, seals to be had."""
    held = principal.functions
    if not held & (_BUREAU | {"HEAD-OF-POST", "POST-CIPHER-CLERK", "COURIER"}):
        return
    office = seated(connection, principal.post, gate, lambda: now)
    lines = views.under_way(office, by=principal.officer_id)
    troubled = sum(line.pressing for line in lines)
    yield Awaiting(mark("Valises en cours"), "/valises", len(lines), troubled)
    found = views.open_cases(office, by=principal.officer_id)
    late = sum(case.overdue for case in found)
    yield Awaiting(mark("Irrégularités ouvertes"), "/valises/irregularites", len(found), late)
    if held & _BUREAU:
        coming = views.announced_empties(office, by=principal.officer_id)
        overdue = sum(notice.troubled for notice in coming)
        label = mark("Bordereaux de sacs vides attendus")
        yield Awaiting(label, "/valises/sacs-vides", len(coming), overdue)
    if "CHIEF-POUCH" in held:
        left = stock.counts(connection, principal.post).get(STOCKED, 0)
        short = max(_RESERVE - left, 0)
        label = mark("Scellés qui manquent à la réserve")
        yield Awaiting(label, "/valises/scelles", short, 0 if left else short)


def _after(visit: Visit) -> str:
    """Return behind which place of its register a page begins; empty for the first."""
    return str(visit.request.query_params.get("apres", ""))


def _stock(office: Office, officer: str) -> tuple[dict[str, int], list[Row[Any]]]:
    with office.look() as sitting:
        sitting.require_house(officer, LIST, seal_store.STORE)
        counts = stock.counts(sitting.connection, office.post)
        return counts, stock.latest_movements(sitting.connection, office.post, _MOVEMENTS)


def _empties(office: Office, officer: str) -> object:
    """Return the empty bags by age, for those who may see them all; None for others."""
    try:
        return views.empties(office, by=officer)
    except ServiceError:
        return None
