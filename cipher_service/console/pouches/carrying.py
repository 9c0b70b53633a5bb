"""Routes and timetables, a departure's letter, the count before an airport is left (flow 5)."""

import re
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service.console.pouches import words
from cipher_service.console.pouches.bag import dossier_of
from cipher_service.console.pouches.reading import as_file, ask, page, whole
from cipher_service.console.visit import Visit
from cipher_service.directory import officers
from cipher_service.directory.organisation import default_organisation
from cipher_service.directory.roles import default_roles
from cipher_service.errors import ServiceError
from cipher_service.pouches import roads
from cipher_service.pouches.roads import Departing
from pouch.classes import PRESETS
from pouch.manifest import Manifest, Mode
from pouch.papers.letters import Issue, Package, captain_letter, count_check, courier_letter

_LEG: Final = re.compile(r"([A-Z0-9-]{2,12})\s+([A-Z0-9-]{2,12})\s+([0-9]{1,5})")
_HOUR: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{1,19}")
_WAYBILL: Final = ("number", "consignee", "packages", "name", "status", "passport", "vehicle")


async def routes(
    visit: Visit,
    refusal: ServiceError | None = None,
    made: int | None = None,
    **typed: dict[str, Any],
) -> Response:
    """The routes with what is planned on each, a page at a time, and where both are recorded.

    After a refusal with what was typed, by form.
    """
    since = visit.request.query_params.get("depuis", "").strip().upper()
    by = visit.person.number
    found = await ask(visit, lambda office: roads.routes(office, by=by, since=since))
    limits = sorted(PRESETS)
    shown = {"found": found, "since": since, "limits": limits, "made": made, "typed": typed}
    return page(visit, "routes", refusal, **shown)


async def add_route(visit: Visit) -> Response:
    """Record a route."""
    form = await visit.form("code", "legs", "limits", "tolerance", "news")
    if form["limits"] not in PRESETS:
        raise ServiceError("FORM_REFUSED")
    code = form["code"].strip().upper()
    try:
        told = {
            "route": _route_code(code),
            "legs": _legs(form["legs"]),
            "limits": form["limits"],
            "tolerance_g": whole(form["tolerance"]),
            "news_h": _news(form["news"]),
        }
        await visit.act("bag_route", told)
    except ServiceError as error:
        return await routes(visit, error, route=form)
    return visit.go(f"/valises/itineraires?{urlencode({'depuis': code})}")


async def plan(visit: Visit) -> Response:
    """Record the departures of a weekly timetable."""
    fields = await visit.fields()
    form = {name: value for name, value in fields if name != "day"}
    days = sorted({value for name, value in fields if name == "day"})
    if set(form) != {"route", "mode", "at", "cut_off", "takes", "weeks"}:
        raise ServiceError("FORM_REFUSED")
    if form["mode"] not in words.MODES or not set(days) <= set(words.DAYS):
        raise ServiceError("FORM_REFUSED")
    try:
        told = {
            "route": form["route"],
            "mode": form["mode"],
            "days": [int(day) for day in days],
            "at": _minute(form["at"]),
            "cut_off_h": whole(form["cut_off"]),
            "takes_h": whole(form["takes"]),
            "weeks": whole(form["weeks"]),
        }
        answer = await visit.act("bag_plan", told)
    except ServiceError as error:
        return await routes(visit, error, timetable={**form, "days": days})
    return await routes(visit, made=answer["made"])


async def waybill(visit: Visit, refusal: ServiceError | None = None) -> Response:
    """Who carries a departure, under which letter; without one named, the departures."""
    named = visit.request.query_params.get("depart")
    if named is None:
        return visit.go("/valises/departs")
    number = visit.person.number
    found = await ask(visit, lambda office: roads.departing(office, named, by=number))
    people = await ask(visit, lambda office: roads.couriers(office, by=number))
    return page(visit, "waybill", refusal, found=found, couriers=people)


async def entrust(visit: Visit) -> Response:
    """Write the letter's facts, or write them anew as long as no bag is sealed."""
    form = await visit.form(*_WAYBILL, "itinerary", "courier")
    told = {
        "departure": visit.request.query_params.get("depart", ""),
        "number": form["number"].strip().upper(),
        "consignee": form["consignee"].strip(),
        "packages": whole(form["packages"]),
        "carrier": {
            "name": form["name"].strip(),
            "status": form["status"].strip(),
            "passport": form["passport"].strip().upper() or None,
            "vehicle": form["vehicle"].strip() or None,
        },
        "itinerary": form["itinerary"].upper().split(),
        "courier": form["courier"] or None,
    }
    try:
        await visit.act("bag_waybill", told)
    except ServiceError as error:
        return await waybill(visit, error)
    return await waybill(visit)


async def letter_pdf(visit: Visit) -> Response:
    """The letter of a departure whose bags are all sealed, as PDF."""
    found, manifests = await _sealed(visit)
    signer = await visit.read(lambda connection, _gate: _signer(connection, visit))
    ministry = default_organisation()
    issue = Issue(
        ministry_fr=ministry.name_fr,
        ministry_en=ministry.name_en,
        place=visit.office.headquarters,
        issued=visit.now.replace(microsecond=0),
        until=min(manifest.expires for manifest in manifests),
        name=visit.person.officer.identity.name,
        function=signer,
    )
    written = manifests[0].waybill
    packages = tuple(Package(each.ordinal, each.seals, each.weight_g) for each in manifests)
    named = visit.request.query_params.get("par", "").strip()[:200]

    def made() -> bytes:
        if found.mode is Mode.CAPTAIN:
            return captain_letter(written, packages, issue, taken_by=named or written.consignee)
        if found.mode not in {Mode.COURIER, Mode.AD_HOC} or written.carrier.passport is None:
            raise ServiceError("LETTER_WITHOUT_COURIER")
        return courier_letter(written, packages, issue, purpose=named or None)

    return as_file(await visit.office.in_thread(made), "application/pdf", "lettre.pdf")


async def count_pdf(visit: Visit) -> Response:
    """The form on which the bags are counted by hand, as PDF.

    It says of a departure what is the same for all its bags, so that one is opened.
    """
    found = await _all_sealed(visit)
    written = (await dossier_of(visit, found.sealed[0])).right.waybill
    body = await visit.office.in_thread(lambda: count_check(written))
    return as_file(body, "application/pdf", "comptage.pdf")


async def count_form(
    visit: Visit,
    refusal: ServiceError | None = None,
    counted: dict[str, Any] | None = None,
    typed: str = "",
) -> Response:
    """The count of a departure's bags before the airport is left; without one, the departures."""
    named = visit.request.query_params.get("depart")
    if named is None:
        return visit.go("/valises/departs")
    number = visit.person.number
    found = await ask(visit, lambda office: roads.departing(office, named, by=number))
    return page(visit, "count", refusal, found=found, counted=counted, typed=typed)


async def count(visit: Visit) -> Response:
    """Compare what was scanned with what is sealed; each bag is told as seen."""
    form = await visit.form("locators", "place")
    told = {
        "departure": visit.request.query_params.get("depart", ""),
        "locators": [line for line in form["locators"].splitlines() if line.strip()],
        "place": form["place"],
    }
    if _CODE.fullmatch(form["place"]) is None:
        raise ServiceError("FORM_REFUSED")
    try:
        counted = await visit.act("bag_count", told)
    except ServiceError as error:
        return await count_form(visit, error, typed=form["locators"])
    return await count_form(visit, counted=counted)


async def _sealed(visit: Visit) -> tuple[Departing, list[Manifest]]:
    """Return a departure and the manifests of all bags that its letter names, as put right.

    Raises:
        ServiceError: LETTER_WAYBILLS_DIFFER: the bordereau of one was put right in what the letter
            says, and another's was not; as `_all_sealed` and the act that opens each.
    """
    found = await _all_sealed(visit)
    manifests = [(await dossier_of(visit, seal)).right for seal in found.sealed]
    if any(each.waybill != manifests[0].waybill for each in manifests):
        raise ServiceError("LETTER_WAYBILLS_DIFFER", departure=found.departure)
    return found, manifests


async def _all_sealed(visit: Visit) -> Departing:
    """Return a departure whose bags are all sealed.

    Raises:
        ServiceError: LETTER_BAGS_INCOMPLETE; as `roads.departing`.
    """
    named = visit.request.query_params.get("depart", "")
    found = await ask(visit, lambda office: roads.departing(office, named, by=visit.person.number))
    if not found.sealed or len(found.sealed) != found.packages:
        raise ServiceError(
            "LETTER_BAGS_INCOMPLETE",
            departure=found.departure,
            packages=found.packages or 0,
            sealed=len(found.sealed),
        )
    return found


def _signer(connection: Connection, visit: Visit) -> str:
    """Return the function in which the officer signs, in French as the letters are."""
    held = officers.functions(connection, visit.person.number, visit.now)
    return default_roles().roles[held[0].role].fr if held else visit.person.number


def _route_code(typed: str) -> str:
    if _CODE.fullmatch(typed) is None:
        raise ServiceError("ROUTE_CODE_MISREAD", typed=typed[:20] or "–")
    return typed


def _news(typed: str) -> int:
    hours = whole(typed)
    if hours == 0:
        raise ServiceError("NEWS_TOO_SHORT")
    return hours


def _minute(typed: str) -> int:
    """Return the minute of the day of an hour as typed. Raises ServiceError HOUR_MISREAD."""
    hour = _HOUR.fullmatch(typed.strip())
    if hour is None:
        raise ServiceError("HOUR_MISREAD", typed=typed.strip()[:20] or "–")
    return 60 * int(hour[1]) + int(hour[2])


def _legs(typed: str) -> list[list[str | int]]:
    read = [_LEG.fullmatch(line.strip()) for line in typed.upper().splitlines() if line.strip()]
    if not read or None in read:
        raise ServiceError("LEGS_BROKEN")
    return [[each[1], each[2], int(each[3])] for each in read if each is not None]
