"""One arrival: its locked card, its text once opened, who processes it, who was given it."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, case, func, select
from starlette.responses import Response

from cipher_service import clock
from cipher_service.access import registers
from cipher_service.access.acts import Gate
from cipher_service.access.decisions import decide
from cipher_service.access.subjects import Circumstances, Dispatch
from cipher_service.audit.warrants import DEMANDS
from cipher_service.console.dispatches.desk import headed, number_of, officer_in
from cipher_service.console.dispatches.granting import showing_for, standing
from cipher_service.console.dispatches.held import held_by
from cipher_service.console.language import group, mark, octets
from cipher_service.console.visit import Visit
from cipher_service.directory.officers import in_force, names
from cipher_service.dispatches.office import copies, declassifying, routing, trail
from cipher_service.dispatches.office.showing import Shown
from cipher_service.errors import ServiceError
from cipher_service.identity import own_keys
from cipher_service.labels.scheme import Level
from cipher_service.references import register_number
from cipher_service.storage.tables import officers as persons
from cipher_service.storage.tables.dispatches import addressee, dispatch
from keys.canonical import decode
from keys.custody.errors import GrantMissing, GrantTooLow
from keys.errors import KeysError, Refusal
from keys.manifest import COPY

Result = TypeVar("Result")

DONE: Final = {
    "assigned": mark("La dépêche est confiée. La personne la voit maintenant dans sa bannette."),
    "handed": mark("La remise est inscrite."),
    "lowered": mark("Votre signature est inscrite ; une autre personne doit encore signer."),
    "granted": mark("Votre autorisation est donnée au dépositaire. Vous pouvez déchiffrer."),
    "heard": mark("L’alerte est accusée. Votre nom et l’heure sont inscrits."),
}


async def locked(visit: Visit) -> Response:
    """What is known without opening, and what may be done; who looked stands in the log before."""
    number = number_of(visit)

    def read(connection: Connection, gate: Gate) -> dict[str, Any]:
        principal, now = visit.person.principal, visit.now
        thing = registers.find(connection, gate.policies, principal, number, now)
        traces = trail.traces(connection, [number])[number]
        may_assign = any(visit.decides(gate, act, thing).allowed for act in ("route", "grant-need"))
        may_read = visit.decides(gate, "read", thing).allowed
        others = _readers(connection, gate, thing, visit)
        assigned = routing.assigned_to(connection, number)
        named = (assigned, *(trace.other for trace in traces))
        facts = {"new_level": thing.level, "new_caveats": thing.caveats}
        return {
            **_card(connection, number, visit.office.headquarters),
            "traces": traces,
            "copies": copies.made(connection, number),
            "own_key": own_keys.state_of(connection, visit.person.number) == own_keys.ACCEPTED,
            "assigned": assigned,
            "names": names(connection, named),
            "may_read": may_read,
            "may_list": visit.decides(gate, "list", thing).allowed,
            "may_reply": visit.decides(gate, "reply", thing, **facts).allowed,
            "clerks": others["process"] if may_assign else [],
            "lowered": lowered_levels(gate, visit, thing),
            "receivers": others["read"] if may_read else [],
        }

    told = DONE.get(visit.request.query_params.get("fait", ""))
    found = await visit.read(read)
    await visit.act("dispatch_card", {"dispatch_id": number})
    level = found["card"].level
    custody = await standing(visit, number, level) if found["may_read"] else None
    return visit.page("dispatches/reading.html", number=number, done=told, custody=custody, **found)


async def open_text(visit: Visit) -> Response:
    """Decipher: the intent is in the log first, the outcome after, whatever it is."""
    number = number_of(visit)
    showing = showing_for(visit, number)

    def opened() -> tuple[Shown, bytes]:
        shown = showing.arrival(number)
        return shown, showing.sealed_text(shown.manifest.heading.subject)

    shown, subject = await intended(visit, "dispatch_open", {"dispatch_id": number}, opened)
    label = shown.manifest.label
    outcome = {
        "dispatch_id": number,
        "manifest_hash": shown.manifest_hash,
        "subject": subject,
        "releasable": list(label.releasability),
    }
    entered = await asyncio.shield(visit.act("dispatch_open.end", outcome))
    return visit.data(_told(visit, number, shown, entered))


async def intended(
    visit: Visit, act: str, named: dict[str, Any], work: Callable[[], Result]
) -> Result:
    """Have an intent logged, then do what it announces in a thread; a refusal is its outcome.

    The outcome of what succeeded is the caller's to tell.
    """
    await visit.act(f"{act}.intend", named)
    try:
        return await visit.office.in_thread(work)
    except (KeysError, ServiceError, OSError) as error:
        code = getattr(error, "code", "PAYLOAD_DAMAGED")
        # What the custodian demands of this officer is no fault of the envelope's.
        told = isinstance(error, Refusal) and not isinstance(error, DEMANDS)
        if isinstance(error, GrantMissing | GrantTooLow):
            held_by(visit).forget(named["dispatch_id"])
        outcome = {**named, "refused": code, "told": told}
        await asyncio.shield(visit.act(f"{act}.end", outcome))
        raise


async def acknowledge(visit: Visit) -> Response:
    """Acknowledge a FLASH: the name and the hour are recorded."""
    number = number_of(visit)
    await visit.form()
    await visit.act("dispatch_acknowledge", {"dispatch_id": number})
    return visit.go(f"/depeches/{number}?fait=heard")


async def assign(visit: Visit) -> Response:
    """Charge a person with it."""
    number, form = number_of(visit), await visit.form("to")
    await visit.act("dispatch_assign", {"dispatch_id": number, "to": officer_in(form)})
    return visit.go(f"/depeches/{number}?fait=assigned")


async def declassify(visit: Visit) -> Response:
    """Propose to lower the marking of what is drawn from it; another person signs too."""
    number, form = number_of(visit), await visit.form("level", "caveats", "reason")
    caveats = [part.strip() for part in form["caveats"].split(",") if part.strip()]
    asked = {
        "dispatch_id": number,
        "level": form["level"],
        "caveats": caveats,
        "reason": form["reason"],
        "back": f"/depeches/{number}?fait=lowered",
    }
    return visit.sign((await visit.act("dispatch_declassify", asked))["ticket"])


def lowered_levels(gate: Gate, visit: Visit, thing: Dispatch) -> list[Level]:
    """Return the levels to which this officer could propose to lower it; none for most."""
    if not declassifying.may_propose(gate, visit.person.principal, thing, visit.now):
        return []
    return [each for each in gate.scheme.levels if each.rank <= thing.level]


async def hand_over(visit: Visit) -> Response:
    """Record to whom it was given."""
    number, form = number_of(visit), await visit.form("to")
    await visit.act("dispatch_hand_over", {"dispatch_id": number, "to": officer_in(form)})
    return visit.go(f"/depeches/{number}?fait=handed")


def _card(connection: Connection, number: str, headquarters: str) -> dict[str, Any]:
    row = connection.execute(select(dispatch).where(dispatch.c.dispatch_id == number)).one()
    lines = list(
        connection.execute(
            select(addressee)
            .where(addressee.c.dispatch == row.seq, addressee.c.role != COPY)
            .order_by(addressee.c.position)
        )
    )
    mine = next((line for line in lines if line.post == headquarters), None)
    return {
        "card": row,
        "register": register_number(row.register_year, row.register_number),
        "caveats": decode(row.caveats.encode()),
        "to": lines,
        "mine": mine,
        "group": group(row.dtg),
    }


def _readers(
    connection: Connection, gate: Gate, thing: Dispatch, visit: Visit
) -> dict[str, list[tuple[str, str]]]:
    """Return who could process it, and who could be given it: (number, name) each."""
    held, person = persons.function_held, persons.officer
    rows = connection.execute(
        select(person.c.officer_id, person.c.name)
        .join(held, held.c.officer == person.c.officer_id)
        .where(person.c.state == "active", *in_force(held, visit.now))
        .group_by(person.c.officer_id, person.c.name)
        # Who deciphers by function stands first: it is they whom one mostly charges.
        .order_by(func.max(case((held.c.role == "CIPHER-CLERK", 1), else_=0)).desc(), person.c.name)
    )
    found: dict[str, list[tuple[str, str]]] = {"process": [], "read": []}
    for number, name in rows.all():
        principal = gate.principals.of(connection, number, visit.now)
        if principal.post != visit.person.post:
            continue
        context = Circumstances(visit.now)
        theirs = registers.charged(thing, number)
        if decide(gate.policies, principal, "read", theirs, context).allowed:
            found["process"].append((number, name))
        if (
            number != visit.person.number
            and decide(gate.policies, principal, "read", thing, context).allowed
        ):
            found["read"].append((number, name))
    return found


def _told(visit: Visit, number: str, shown: Shown, entered: dict[str, Any]) -> dict[str, Any]:
    return {
        "subject": headed(visit, shown.manifest.heading.subject),
        "text": shown.text,
        "whole": shown.whole,
        "attachments": [
            {"name": name, "size": octets(size, visit.language)}
            for name, _kind, size in shown.attachments
        ],
        "signed": visit.say(
            "Signée par %(post)s, deux signatures vérifiées (Ed25519 et ML-DSA-65)",
            post=shown.sender.post,
        ),
        "register": entered.get("register", ""),
        "watermark": f"{reader(visit)} · {number}",
    }


def reader(visit: Visit) -> str:
    """Return who reads and when, as a watermark and a printed copy say it."""
    person = visit.person
    return f"{person.officer.identity.name} · {person.number} · {group(clock.now())}"
