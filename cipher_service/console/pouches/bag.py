"""One bag: its journey as a drawing and as a table, its papers, what is done with it on the way."""

import json
from typing import Any

from starlette.responses import Response

from cipher_service.console.dispatches.granting import Standing
from cipher_service.console.pouches import picture_tall, sealing, stations
from cipher_service.console.pouches.picture import HEIGHT, LINE, WIDTH, draw
from cipher_service.console.pouches.reading import (
    as_file,
    ask,
    named,
    names_of,
    page,
    root_shown,
    whole,
)
from cipher_service.console.pouches.words import CONDITIONS
from cipher_service.console.visit import Visit
from cipher_service.directory.register import read_directory
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import default_scheme
from cipher_service.pouches import views
from cipher_service.pouches.dossiers import Dossier, Filed, bound
from cipher_service.pouches.signing import Kept
from cipher_service.pouches.views import Journey
from keys.act_rules import GRANT_SEATS
from keys.custody.grants import SEAL, SIGN
from pouch.discrepancies import REPORTABLE
from pouch.facts import Received
from pouch.papers.bag import bordereau, label
from pouch.sealed import read_sealed
from pouch.verdict import Trust


async def journey(visit: Visit, refusal: ServiceError | None = None) -> Response:
    """A bag's journey."""
    seal = named(visit)
    found = await ask(visit, lambda office: views.journey(office, seal, by=visit.person.number))
    takers = await ask(visit, lambda office: views.takers(office, seal, by=visit.person.number))
    custodian = await sealing.custodian_stands(visit)
    functions = visit.person.principal.functions
    may_announce = bool(functions & GRANT_SEATS[SIGN])
    picture = draw(found, visit.now)
    acting = [one.officer for event in found.events for one in (event, event.witness) if one]
    return page(
        visit,
        "journey",
        refusal,
        custodian=custodian,
        found=found,
        takers=takers,
        names=await names_of(visit, [found.custody.holder, *acting]),
        may_announce=may_announce,
        may_rectify=bool(functions & GRANT_SEATS[SEAL]),
        first=_first(found, custodian, announces=may_announce, hands_over=bool(takers)),
        picture=picture,
        down=picture_tall.stand_up(picture),
        tall=picture_tall,
        width=WIDTH,
        height=HEIGHT,
        line=LINE,
        stations=stations.draw(found.closing, found.events),
        size=stations,
        reportable=REPORTABLE,
    )


async def hand_over(visit: Visit) -> Response:
    """Hand the bag to another person."""
    form = await visit.form("to", "condition")
    if form["condition"] not in CONDITIONS:
        raise ServiceError("FORM_REFUSED")
    told = {"seal": named(visit), "to": form["to"], "condition": form["condition"]}
    return await _done(visit, "bag_hand_over", told)


async def report(visit: Visit) -> Response:
    """Report what was seen: a discrepancy, a loss, or that the origin wants the bag back."""
    form = await visit.form("what")
    seal = named(visit)
    if form["what"] == "loss":
        return await _done(visit, "bag_lose", {"seal": seal})
    if form["what"] == "recall":
        return await _done(visit, "bag_recall", {"seal": seal})
    if form["what"] not in REPORTABLE:
        raise ServiceError("FORM_REFUSED")
    return await _done(visit, "bag_report", {"seal": seal, "kind": form["what"]})


async def label_pdf(visit: Visit) -> Response:
    """The label of a sealed bag, both faces."""
    sealed = (await kept_of(visit, named(visit))).sealed
    body = await visit.office.in_thread(lambda: label(sealed.manifest, sealed.seal.text))
    return as_file(body, "application/pdf", "etiquette.pdf")


async def bordereau_pdf(visit: Visit) -> Response:
    """The bordereau that lies inside, with the secret of the discharge."""
    kept = await kept_of(visit, named(visit))
    manifest, language = kept.sealed.manifest, visit.language
    levels = default_scheme().level_names(language)
    root = await root_shown(visit)
    body = await visit.office.in_thread(
        lambda: bordereau(
            manifest,
            language,
            issuer=manifest.waybill.origin,
            levels=levels,
            nonce=kept.nonce,
            root=root,
        )
    )
    return as_file(body, "application/pdf", "bordereau.pdf")


async def rectification_pdf(visit: Visit) -> Response:
    """The paper of a rectification of its bordereau, to be filed with it."""
    ordinal = whole(visit.request.query_params.get("rang", "1"))
    found, language = await dossier_of(visit, named(visit)), visit.language
    body = await visit.office.in_thread(lambda: found.paper(ordinal, language))
    return as_file(body, "application/pdf", f"rectificatif-{ordinal}.pdf")


async def epcis(visit: Visit) -> Response:
    """The bag's life as an EPCIS 2.0 document."""
    seal = named(visit)
    authority = visit.office.settings.epcis_authority
    document = await ask(
        visit, lambda office: views.epcis(office, seal, authority, by=visit.person.number)
    )
    body = json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8")
    return as_file(body, "application/ld+json", "valise.json")


async def kept_of(visit: Visit, seal: str) -> Kept:
    """Have the custodian open what was signed, as it demands; either way the log says so."""
    if not (await sealing.custodian_stands(visit)).trial:
        return await sealing.kept(visit, seal)
    return _kept(await visit.act("bag_papers", {"seal": seal}))


async def dossier_of(visit: Visit, seal: str) -> Dossier:
    """Have it open the same with all that put it right."""
    if not (await sealing.custodian_stands(visit)).trial:
        return await sealing.dossier(visit, seal)
    opened = await visit.act("bag_papers", {"seal": seal})
    directory = await visit.read(lambda connection, _gate: read_directory(connection))
    trust = Trust(each.card for each in directory.cards.values())
    return bound(_kept(opened), [Filed(**each) for each in opened["rectifications"]], trust)


def _kept(opened: dict[str, Any]) -> Kept:
    return Kept(read_sealed(opened["sealed"]), opened["nonce"])


def _first(found: Journey, custodian: Standing, *, announces: bool, hands_over: bool) -> str:
    """Name the one act that comes next, whose button is the page's primary one."""
    bag = found.line
    coming_back = bag.recalled and not found.custody.returned
    if bag.lost:
        return "find"
    if bag.stage == Received.kind and not coming_back:
        return "open"
    if announces and found.bordereau and not found.announced and not custodian.trial:
        return "announce" if custodian.granted else "grant"
    return "hand-over" if hands_over else ""


async def _done(visit: Visit, command: str, told: dict[str, str]) -> Response:
    try:
        await visit.act(command, told)
    except ServiceError as error:
        return await journey(visit, error)
    return visit.go(f"/valises/{named(visit)}")
