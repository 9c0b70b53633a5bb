"""The release by another person who has read it (flow 3): read, sign, refuse, ask another."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.console.dispatches import changes, live
from cipher_service.console.dispatches.attaching import told
from cipher_service.console.dispatches.desk import (
    headed,
    number_of,
    officer_in,
    require_seen,
    showing_of,
)
from cipher_service.console.dispatches.granting import showing_for, standing
from cipher_service.console.language import group, mark
from cipher_service.console.visit import Visit
from cipher_service.directory.officers import names
from cipher_service.dispatches.office import compositions, copies, trail, trays
from cipher_service.dispatches.office.attaching import opened_list
from cipher_service.dispatches.office.compositions import Composition
from cipher_service.dispatches.office.parties import (
    PAIR_FROM,
    may_urge,
    proposes,
    releasers,
    senders,
    takers,
)
from cipher_service.dispatches.office.release import PAIR
from cipher_service.errors import ServiceError

AWAITED: Final = "a-viser"
DONE: Final = {
    "asked": mark("La personne est demandée ; sa page le dit."),
    "refused": mark("Le départ est refusé ; l’auteur lit votre motif."),
    "signed": mark("Votre signature est inscrite."),
    "left": mark("La dépêche est signée, chiffrée et partie."),
}


async def waiting(visit: Visit) -> Response:
    """What awaits my reading and my signature."""
    shown = awaited_of(visit)
    found = await visit.read(lambda connection, gate: shown(connection, gate, visit.now))
    done = DONE.get(visit.request.query_params.get("fait", ""))
    asked = {"liste": AWAITED, "vu": live.mark_of(found)}
    return visit.page("dispatches/visas.html", done=done, live=asked, **found)


def awaited_of(visit: Visit) -> live.Shown:
    """Return what reads the departures that await an officer."""
    number = visit.person.number

    def read(connection: Connection, _gate: Gate, _now: datetime) -> dict[str, Any]:
        lines = trays.awaiting(connection, number)
        return {"lines": lines, "names": names(connection, (line.author for line in lines))}

    return read


async def visa(visit: Visit) -> Response:
    """Where a departure stands, who is awaited, and what I may do about it."""
    number = number_of(visit)

    def view(connection: Connection, gate: Gate) -> dict[str, Any]:
        known = compositions.read(connection, number)
        thing, me = known.thing(gate.scheme), visit.person.number
        require_seen(visit, gate, known)
        traces = trail.traces(connection, [number])[number]
        people = (known.author, known.assigned, known.enciphers, known.released_by)
        asked = known.assigned == me and known.state == compositions.SUBMITTED
        return {
            "known": known,
            "pair": thing.level >= PAIR_FROM,
            "traces": traces,
            "copies": copies.made(connection, number),
            "names": names(connection, (*people, *(trace.other for trace in traces))),
            "may_read": visit.decides(gate, "read", thing).allowed,
            "opened": trail.done(connection, number, trail.OPENED, me, known.digest),
            "proposes": proposes(visit.person.principal.functions),
            "urges": asked and may_urge(visit.person.principal, gate, known, visit.now),
            "releasers": releasers(connection, gate, known, visit.now) if asked else [],
            "others": _others(connection, gate, known, visit),
        }

    done = DONE.get(visit.request.query_params.get("fait", ""))
    found = await visit.read(view)
    released = found["known"].state == compositions.RELEASED
    custody = await standing(visit, None, None) if released else None
    return visit.page("dispatches/visa.html", done=done, custody=custody, **found)


async def read(visit: Visit) -> Response:
    """Open what would leave: the log has the intent first, and then who read which edition."""
    number = number_of(visit)
    given = await visit.act("dispatch_review.intend", {"dispatch_id": number})
    showing = showing_for(visit, number)
    refused: str | None = "FAILED"
    try:
        subject, text, attached, before = await visit.office.in_thread(
            lambda: (
                *showing.unsealed(given["body"]),
                opened_list(given["attachments"], showing.unsealed_text),
                given["earlier"] and showing.unsealed(given["earlier"]["body"]),
            )
        )
        refused = None
    finally:
        outcome = {"dispatch_id": number, "digest": given["digest"], "refused": refused}
        await visit.act("dispatch_review.end", outcome)
    person = visit.person
    now = clock.now()
    return visit.data(
        {
            "subject": headed(visit, subject),
            "text": text,
            "whole": True,
            "attachments": told(visit, attached),
            "changes": before and changes.told(visit, given["earlier"], before, (subject, text)),
            "signed": visit.say(
                "Édition %(edition)d, telle qu’elle partirait", edition=given["edition"]
            ),
            "watermark": f"{person.officer.identity.name} · {person.number} · {group(now)}",
        }
    )


async def sign(visit: Visit) -> Response:
    """Go to the page where the departure is signed; what is signed there is done at once."""
    number, form = number_of(visit), await visit.form("to")
    asked = await visit.act("dispatch_prepare", {"dispatch_id": number})
    known = await visit.read(lambda connection, _gate: compositions.read(connection, number))
    proposes = asked["kind"] == PAIR and known.state == compositions.SUBMITTED
    payload = {"dispatch_id": number, **({"to": officer_in(form)} if proposes else {})}
    ticket = await visit.act(
        "approval_ask",
        {
            "body": asked["act"],
            "back": f"/depeches/visa/{number}?fait=signed",
            "command": "dispatch_propose" if proposes else "dispatch_release",
            "payload": payload,
        },
    )
    return visit.sign(ticket)


async def urge(visit: Visit) -> Response:
    """Declare an emergency, and go to the page where the departure is signed alone."""
    number, form = number_of(visit), await visit.form("reason")
    asked = await visit.act("dispatch_urge", {"dispatch_id": number, "reason": form["reason"]})
    ticket = await visit.act(
        "approval_ask",
        {
            "body": asked["act"],
            "back": f"/depeches/visa/{number}?fait=signed",
            "command": "dispatch_release",
            "payload": {"dispatch_id": number},
        },
    )
    return visit.sign(ticket)


async def redirect(visit: Visit) -> Response:
    """Ask another person."""
    number, form = number_of(visit), await visit.form("to")
    await visit.act("dispatch_redirect", {"dispatch_id": number, "to": officer_in(form)})
    return visit.go(f"/depeches/visa/{number}?fait=asked")


async def refusal(visit: Visit) -> Response:
    """Where the reason of a refusal is written."""
    number = number_of(visit)

    def look(connection: Connection, _gate: Gate) -> None:
        known = compositions.read(connection, number)
        if known.assigned != visit.person.number:
            raise ServiceError("NOT_FOUND")

    await visit.read(look)
    return visit.page("dispatches/refusal.html", number=number)


async def refuse(visit: Visit) -> Response:
    """Give it back to its author with the reason, sealed."""
    number, form = number_of(visit), await visit.form("reason")
    reason = form["reason"].strip()
    if not reason:
        raise ServiceError("REASON_MISSING")
    sealed = await visit.office.in_thread(lambda: showing_of(visit.office).sealed_text(reason))
    await visit.act("dispatch_refuse", {"dispatch_id": number, "reason": sealed})
    return visit.go("/depeches/a-viser?fait=refused")


def _others(
    connection: Connection, gate: Gate, known: Composition, visit: Visit
) -> list[tuple[str, str]]:
    """Return whom this officer may ask instead of who is awaited."""
    me = visit.person.number
    if known.state == compositions.SUBMITTED and me == known.author:
        found = takers(connection, gate, known, visit.now)
    elif known.state == compositions.PROPOSED and me in (known.author, known.enciphers):
        found = releasers(connection, gate, known, visit.now)
    elif known.state == compositions.RELEASED and me in (
        *(known.author, known.enciphers, known.released_by, known.assigned),
    ):
        found = senders(connection, gate, known, visit.now)
    else:
        found = []
    return [(each.officer, each.name) for each in found if each.officer != known.assigned]
