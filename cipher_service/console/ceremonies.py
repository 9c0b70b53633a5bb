"""Ceremonies of keys (flow 9): agreed and recorded here, done at the custodian's own terminal.

These pages show no share and never could: the shares are made, enciphered to their holders' cards
and drilled by commands at the terminal. Here everyone reads the same bytes with their fingerprint
and signs them; the terminal's commands are spelt out; the record is had as PDF and as JSON.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service import clock
from cipher_service.access import ceremonies
from cipher_service.access.acts import Gate
from cipher_service.access.ceremonies import Ceremony
from cipher_service.access.subjects import Principal
from cipher_service.console.flow import Awaiting, Flow, Page, Place
from cipher_service.console.language import mark
from cipher_service.console.refusals import status_of, words_of
from cipher_service.console.visit import Visit, require_chosen
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import default_scheme
from keys.custody.shares import HOLDERS_MAX
from pouch.papers.printing import render

STATES: Final = {
    ceremonies.OPEN: mark("à confirmer"),
    ceremonies.DONE: mark("faite"),
    ceremonies.ABANDONED: mark("abandonnée"),
}
READ: Final = "ceremony_read"
ROWS: Final = 5
_CUSTODIANS: Final = frozenset({"CUSTODIAN-A", "CUSTODIAN-B"})
_THIRD: Final = frozenset({"CHIEF-CNTC", "SECRETARY-GENERAL"})
_COLUMNS: Final = ("code", "officer", "card")
_FIELDS: Final = tuple(f"{name}-{row}" for row in range(ROWS) for name in _COLUMNS)
_COUNTS: Final = frozenset(str(count) for count in range(2, HOLDERS_MAX + 1))


async def listed(visit: Visit) -> Response:
    """Every ceremony that the officer takes part in, or may watch over."""

    def read(connection: Connection, _gate: Gate) -> list[Ceremony]:
        return [one for one in ceremonies.everyone(connection) if _sees(visit, one)]

    await visit.act(READ, {"ceremony": None, "route": "ceremonies"})
    lines = await visit.read(read)
    conducts = bool(visit.person.principal.functions & _CUSTODIANS)
    return visit.page("ceremonies/list.html", lines=lines, states=STATES, conducts=conducts)


async def new(visit: Visit) -> Response:
    """Where a custodian of keys says who shall hold a share."""
    return await _form(visit, None, {})


async def prepare(visit: Visit) -> Response:
    """Write the proposal down; from here on it is the same for everybody."""
    form = await visit.form("threshold", "second", "third", "reason", *_FIELDS)
    rows = [tuple(form[f"{name}-{row}"].strip() for name in _COLUMNS) for row in range(ROWS)]
    holders = [
        [code.upper(), officer, "".join(card.lower().split())]
        for code, officer, card in rows
        if code or officer or card
    ]
    asked = {
        "threshold": int(form["threshold"]) if form["threshold"] in _COUNTS else 0,
        "holders": holders,
        **{name: form[name] for name in ("second", "third", "reason")},
    }
    try:
        require_chosen(form, "second", "third")
        made = await visit.act("ceremony_prepare", asked)
    except ServiceError as refusal:
        if refusal.code not in ("CEREMONY_MALFORMED", "CHOICE_MISSING"):
            raise
        return await _form(visit, refusal, form)
    return visit.go(f"/ceremonies/{made['ceremony']}")


async def show(visit: Visit) -> Response:
    """One ceremony: what is agreed, who has confirmed, what the terminal does, its end."""
    one, names = await _found(visit)
    me = visit.person.number
    return visit.page(
        "ceremonies/ceremony.html",
        one=one,
        names=names,
        states=STATES,
        outcome=outcome(one),
        mine=me in one.participants and me not in one.confirmed and one.state == ceremonies.OPEN,
        takes_part=me in one.participants,
        conducts=me in one.conductors,
    )


async def sign(visit: Visit) -> Response:
    """Go to the page where the very bytes and their fingerprint are shown and signed."""
    await visit.form()
    one, _names = await _found(visit)
    asked = {
        "body": one.body,
        "back": f"/ceremonies/{one.number}",
        "command": "ceremony_confirm",
        "payload": {},
    }
    return visit.sign(await visit.act("approval_ask", asked))


async def abandon(visit: Visit) -> Response:
    """End it without its act: the keys stay as they are."""
    form = await visit.form("reason")
    number = _number(visit)
    await visit.act("ceremony_abandon", {"ceremony": number, "reason": form["reason"]})
    return visit.go(f"/ceremonies/{number}")


async def close(visit: Visit) -> Response:
    """Write down that the terminal's part is done, as the custodian's state shows it."""
    await visit.form()
    number = _number(visit)
    await visit.act("ceremony_close", {"ceremony": number})
    return visit.go(f"/ceremonies/{number}")


async def record_json(visit: Visit) -> Response:
    """The record for machines: the bytes, and every signature over them."""
    one, names = await _found(visit)
    signed = await visit.read(
        lambda connection, _gate: ceremonies.signatures(connection, one.number)
    )
    told = {
        "ceremony": one.number,
        "statement": one.body.decode("utf-8"),
        "fingerprint": one.fingerprint,
        "state": one.state,
        "seen_by_custodian": one.seen,
        "ended_at": None if one.ended is None else clock.text(one.ended),
        "ended_by": one.ended_by,
        "reason": one.end_reason,
        "names": names,
        "signatures": signed,
    }
    body = json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8")
    return _file(body, "application/json", "proces-verbal.json")


async def record_pdf(visit: Visit) -> Response:
    """The record on paper, with a box for each hand."""
    one, names = await _found(visit)
    paper = {
        "number": one.number,
        "issuer": visit.office.headquarters,
        "state": visit.say(STATES[one.state]),
        "made": one.made,
        "ended": one.ended,
        "reason": one.reason,
        "end_reason": one.end_reason,
        "threshold": str(one.threshold),
        "fingerprint": one.fingerprint,
        "holders": tuple(
            {"code": each.code, "name": names[each.officer], "card": each.card}
            for each in one.holders
        ),
        "confirmed": tuple(
            {"name": names[each], "officer": each, "at": one.confirmed.get(each)}
            for each in one.participants
        ),
        "outcome": visit.say(outcome(one)),
        "signatories": tuple(
            {"capacity": capacity, "name": names[each]}
            for capacity, each in zip(_capacities(visit), one.conductors, strict=True)
        ),
    }
    level = default_scheme().papers["ceremony"].name(visit.language)
    body = await visit.office.in_thread(
        lambda: render("ceremony", paper, visit.language, made=one.ended or one.made, level=level)
    )
    return _file(body, "application/pdf", "proces-verbal.pdf")


def outcome(one: Ceremony) -> str:
    """Return what the custodian showed when a ceremony ended, as a sentence to translate."""
    if one.state == ceremonies.OPEN:
        return mark("La cérémonie n’est pas close.")
    if one.state == ceremonies.DONE and one.seen:
        return mark("Le dépositaire montre le partage convenu, qui n’était pas celui d’avant.")
    if one.state == ceremonies.DONE:
        return mark(
            "Le dépositaire montre le partage convenu ; il avait déjà ces porteurs, et le"
            " renouvellement repose sur la parole de ceux qui l’ont mené."
        )
    if one.seen is None:
        return mark(
            "Le dépositaire n’a pas répondu : regardez à son terminal quel partage est en vigueur."
        )
    if one.seen:
        return mark(
            "Abandonnée, mais le dépositaire montre un autre partage que celui d’avant :"
            " prévenez l’officier de sécurité."
        )
    return mark("Abandonnée : le dépositaire montre le partage d’avant, qui reste en vigueur.")


async def _form(visit: Visit, refusal: ServiceError | None, given: dict[str, str]) -> Response:
    def people(connection: Connection, gate: Gate) -> list[tuple[str, str, frozenset[str]]]:
        found = []
        for each in officers.everyone(connection):
            if each.state == "active":
                held = gate.principals.of(connection, each.officer_id, visit.now).functions
                found.append((each.officer_id, each.identity.name, held))
        return found

    if not visit.person.principal.functions & _CUSTODIANS:
        raise ServiceError("NOT_FOUND")
    everyone = await visit.read(people)
    me = visit.person.number
    return visit.page(
        "ceremonies/new.html",
        200 if refusal is None else status_of(refusal),
        refusal=None if refusal is None else words_of(refusal, visit.language),
        given=given,
        rows=range(ROWS),
        everyone=[(number, name) for number, name, _ in everyone],
        seconds=[(n, name) for n, name, held in everyone if held & _CUSTODIANS and n != me],
        thirds=[(n, name) for n, name, held in everyone if held & _THIRD and n != me],
    )


async def _found(visit: Visit) -> tuple[Ceremony, dict[str, str]]:
    def read(connection: Connection, _gate: Gate) -> tuple[Ceremony, dict[str, str]]:
        one = ceremonies.read(connection, _number(visit))
        if not _sees(visit, one):
            raise ServiceError("NOT_FOUND")
        named: Iterable[str] = filter(None, (*one.participants, one.ended_by))
        return one, {each: officers.read(connection, each).identity.name for each in named}

    found = await visit.read(read)
    # The address, its number, and what of it: `ceremonies/01K.../proces-verbal.pdf`.
    route = visit.request.url.path.strip("/")[:200]
    await visit.act(READ, {"ceremony": _number(visit), "route": route})
    return found


def _number(visit: Visit) -> str:
    return str(visit.request.path_params["ceremony"])


def _sees(visit: Visit, one: Ceremony) -> bool:
    return ceremonies.sees(one, visit.person.number, visit.person.principal.functions)


def _capacities(visit: Visit) -> tuple[str, str, str]:
    custodian = visit.say("Dépositaire de clés")
    return custodian, custodian, visit.say("Troisième personne")


def _file(body: bytes, kind: str, name: str) -> Response:
    headers = {"content-type": kind, "content-disposition": f'attachment; filename="{name}"'}
    return Response(body, headers=headers)


def _awaits(
    connection: Connection, _gate: Gate, principal: Principal, _now: datetime
) -> Iterator[Awaiting]:
    me = principal.officer_id
    waiting = [
        one
        for one in ceremonies.everyone(connection)
        if one.state == ceremonies.OPEN and me in one.participants
    ]
    unsigned = sum(me not in one.confirmed for one in waiting)
    yield Awaiting(mark("Cérémonies de clés à confirmer"), "/ceremonies", unsigned)
    ready = sum(one.agreed and me in one.conductors for one in waiting)
    yield Awaiting(mark("Cérémonies de clés à mener au terminal"), "/ceremonies", ready)


FLOW: Final = Flow(
    "ceremonies",
    (
        Page("/ceremonies", listed),
        Page("/ceremonies/nouvelle", new),
        Page("/ceremonies/nouvelle", prepare, method="POST"),
        Page("/ceremonies/{ceremony}", show),
        Page("/ceremonies/{ceremony}/confirmer", sign, method="POST"),
        Page("/ceremonies/{ceremony}/abandonner", abandon, method="POST"),
        Page("/ceremonies/{ceremony}/clore", close, method="POST"),
        Page("/ceremonies/{ceremony}/proces-verbal.json", record_json),
        Page("/ceremonies/{ceremony}/proces-verbal.pdf", record_pdf),
    ),
    (Place(mark("Cérémonies de clés"), "/ceremonies", ceremonies.WATCHERS),),
    _awaits,
)
