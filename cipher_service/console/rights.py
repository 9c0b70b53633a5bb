"""The access matrix (article 12): who holds what on a day, what changed, and why yes or no."""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import StringIO
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.access.asking import askable, would_be_allowed
from cipher_service.access.decisions import Decision
from cipher_service.access.looks import RIGHTS_READ
from cipher_service.access.matrix import POST_CELL, Cell, Row, default_matrix
from cipher_service.access.reasons import reason
from cipher_service.access.subjects import Principal
from cipher_service.access.upkeep import reminders
from cipher_service.audit.inquiry import grants_on
from cipher_service.console.days import instant_of
from cipher_service.console.flow import Awaiting, Flow, Page, Place
from cipher_service.console.language import mark
from cipher_service.console.visit import Visit
from cipher_service.directory import officers
from cipher_service.directory.officers import Officer
from cipher_service.directory.roles import default_roles
from cipher_service.errors import ServiceError
from cipher_service.typography import held_in

SEEN_BY: Final = frozenset(
    {"MINISTER", "SECRETARY-GENERAL", "CHIEF-CNTC", "AUDITOR", "SECURITY-OFFICER"}
)
REVOKE: Final = SEEN_BY - {"AUDITOR"}
"""Those of them who may take rights away: the link to that page is of use to them."""
KINDS: Final = {
    "function": mark("fonction"),
    "habilitation": mark("habilitation"),
    "need": mark("besoin d’en connaître"),
    "mandate": mark("mandat"),
    "site": mark("accès"),
}
MANDATES: Final = {
    "proposed": mark("attend la signature du Ministre"),
    "active": mark("signé"),
    "ended": mark("terminé"),
}
"""How far a mandate is."""
SOON: Final = timedelta(days=90)
_DAYS: Final = {"jour": mark("Droits de ce jour"), "depuis": mark("Comparés à ce jour")}
"""How the page calls the days of an address."""
_HEADINGS: Final = (
    *(mark("Officier"), mark("Nom"), mark("Poste"), mark("Sorte"), mark("Droit")),
    *(mark("Depuis"), mark("Fin")),
)
_OBJECT: Final = re.compile(r"[A-Za-z0-9_./-]{1,64}")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

Grant = dict[str, Any]


@dataclass(slots=True)
class Holder:
    """A person and what they hold on the day, by kind; `next` is what ends first."""

    officer: Officer
    rights: dict[str, list[Grant]] = field(default_factory=lambda: defaultdict(list))
    next: str | None = None


async def matrix(visit: Visit) -> Response:
    """Everybody's rights on a day, what ends soon, who is alone, and what changed since another."""
    query = visit.request.query_params
    asked = {name: query.get(name, "").strip()[:20] for name in _DAYS}
    at, since = map(instant_of, asked.values())
    wrong = [name for name, day in asked.items() if day and not instant_of(day)]
    await _look(visit, "droits")
    # On a day that was asked for, what held at its end; else what holds now.
    moment = visit.now if at is None else at + timedelta(days=1) - timedelta(seconds=1)

    def find(connection: Connection, _gate: Gate) -> dict[str, Any]:
        people = {one.officer_id: one for one in officers.everyone(connection)}
        grants = grants_on(connection, moment)
        before = None if since is None else grants_on(connection, since)
        return {
            "holders": _holders(people, grants),
            "single": _single(grants),
            "changes": None if before is None else _changes(before, grants),
            "people": people,
        }

    found = await visit.read(find)
    return visit.page(
        "rights/matrix.html",
        **found,
        kinds=KINDS,
        asked=asked,
        labels=_DAYS,
        wrong=[visit.say(_DAYS[name]) for name in wrong],
        soon=clock.text(moment + SOON),
        as_table=f"/droits.csv?{urlencode({'jour': '' if at is None else asked['jour']})}",
    )


async def table(visit: Visit) -> Response:
    """The same rights as a table for a spreadsheet (RFC 4180), a line each."""
    at = instant_of(visit.request.query_params.get("jour", ""))
    await _look(visit, "droits.csv")
    moment = visit.now if at is None else at + timedelta(days=1) - timedelta(seconds=1)

    def find(connection: Connection, _gate: Gate) -> str:
        names = {one.officer_id: one.identity for one in officers.everyone(connection)}
        out = StringIO()
        lines = csv.writer(out)
        lines.writerow([visit.say(heading) for heading in _HEADINGS])
        for grant in grants_on(connection, moment):
            person = names[grant["officer"]]
            kind = KINDS[grant["kind"]]
            cells = (grant["officer"], person.name, person.post, visit.say(kind), grant["right"])
            lines.writerow(map(_inert, (*cells, grant["from"], grant["until"] or "")))
        return out.getvalue()

    headers = {"Content-Disposition": f'attachment; filename="droits-{moment:%Y-%m-%d}.csv"'}
    text = await visit.read(find)
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


async def person(visit: Visit) -> Response:
    """One person: each action of the matrix, by which function; and why yes or no to one thing."""
    number = str(visit.request.path_params["officer"])
    await _look(visit, f"droits/{number}"[:200])
    query = visit.request.query_params
    askable = _askable()
    # An address names an action by its place: its code is a word of one language.
    action = askable.get(query.get("acte", ""), "")
    named = query.get("objet", "").strip()

    def find(connection: Connection, gate: Gate) -> dict[str, Any]:
        try:
            known = officers.read(connection, number)
        except ServiceError as error:
            raise ServiceError("NOT_FOUND") from error
        principal = gate.principals.of(connection, number, visit.now)
        mine = [each for each in grants_on(connection, visit.now) if each["officer"] == number]
        return {
            "known": known,
            "grants": mine,
            "functions": sorted(principal.functions),
            "rows": _rows(principal.functions, visit.language),
            "answer": _answer(connection, gate, visit, number, action, named),
        }

    found = await visit.read(find)
    rows = default_matrix().rows
    return visit.page(
        "rights/person.html",
        **found,
        allowed=[(row, ways) for row, ways in found["rows"] if ways],
        denied=[row for row, ways in found["rows"] if not ways],
        kinds=KINDS,
        askable=[(place, rows[code]) for place, code in askable.items()],
        action=action,
        named=named,
        gives=bool(visit.person.principal.functions & REVOKE),
    )


# -- what is shown ---------------------------------------------------------------------------------


async def _look(visit: Visit, route: str) -> None:
    """Have the look decided and recorded. Raises ServiceError NOT_ALLOWED."""
    await visit.act(RIGHTS_READ, {"route": route})


def _holders(people: dict[str, Officer], grants: list[Grant]) -> list[Holder]:
    holders = {number: Holder(one) for number, one in people.items()}
    for grant in grants:
        holder = holders[grant["officer"]]
        holder.rights[grant["kind"]].append(grant)
        if grant["until"] and (holder.next is None or grant["until"] < holder.next):
            holder.next = grant["until"]
    # Whoever holds nothing is shown as long as they serve: an empty line is an answer too.
    return [one for one in holders.values() if one.rights or one.officer.state != "left"]


def _single(grants: list[Grant]) -> list[tuple[str, str | None]]:
    """Return the functions that one person alone holds, with who it is; None for nobody."""
    held = {(each["right"], each["officer"]) for each in grants if each["kind"] == "function"}
    count = Counter(role for role, _ in held)
    by = dict(held)
    return [(code, by.get(code)) for code in default_roles().roles if count[code] <= 1]


def _changes(before: list[Grant], after: list[Grant]) -> list[tuple[bool, Grant]]:
    """Return what was gained (True) and lost between two days."""

    def key(grant: Grant) -> tuple[Any, ...]:
        return grant["officer"], grant["kind"], grant["right"], grant["from"]

    old, new = {key(each): each for each in before}, {key(each): each for each in after}
    changed = [(True, new[each]) for each in new.keys() - old.keys()]
    changed += [(False, old[each]) for each in old.keys() - new.keys()]
    return sorted(changed, key=lambda one: (key(one[1]), one[0]))


def _rows(functions: frozenset[str], language: str) -> list[tuple[Row, list[tuple[str, str]]]]:
    """Return each action with the ways that the person's functions give to it, in words."""
    rows = []
    for row in default_matrix().rows.values():
        if POST_CELL in row.cells:
            continue
        mine = [role for role in row.cells if role in functions]
        rows.append((row, [(role, way(row.cells[role], language)) for role in mine]))
    return rows


def way(cell: Cell, language: str) -> str:
    """Return on what conditions a function gives an action, in words."""
    conditions = default_matrix().conditions
    ways = (
        ", ".join(getattr(conditions[name], language) for name in alternative)
        for alternative in cell
    )
    return held_in(language, " ; ou " if language == "fr" else "; or ").join(ways)


def _answer(
    connection: Connection, gate: Gate, visit: Visit, number: str, action: str, named: str
) -> dict[str, Any] | None:
    """Say why yes or no to one thing; None when nothing was asked."""
    if not action or not named:
        return None
    if not _OBJECT.fullmatch(named):
        return {"found": False}
    try:
        decision: Decision = would_be_allowed(connection, gate, number, action, named, visit.now)
    except ServiceError:
        return {"found": False}
    because = [(name, told(name, visit.language)) for name in decision.policies]
    return {"found": True, "decision": decision, "because": because}


def told(policy: str, language: str) -> str:
    """Return what a policy says, as a page shows it."""
    return held_in(language, reason(policy, language))


def _askable() -> dict[str, str]:
    """Return the actions on things that the books know, by their place in the matrix."""
    numbered = enumerate(default_matrix().rows, 1)
    return {str(place): code for place, code in numbered if askable(code)}


def _inert(cell: str) -> str:
    """Keep a spreadsheet from taking a name for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _awaits(
    connection: Connection, _gate: Gate, principal: Principal, now: datetime
) -> Iterator[Awaiting]:
    if "SECURITY-OFFICER" in principal.functions:
        ending = sum(each.kind != "emergency" for each in reminders(connection, now))
        label = mark("Habilitations, formations et mandats qui finissent sous 60 jours")
        yield Awaiting(label, "/droits", ending)


FLOW: Final = Flow(
    "rights",
    (
        Page("/droits", matrix),
        Page("/droits.csv", table),
        Page("/droits/{officer}", person),
    ),
    (Place(mark("Droits"), "/droits", SEEN_BY, shortcut="d"),),
    _awaits,
    keys=(
        ("g d", mark("Aller aux droits")),
        ("e", mark("Demander pourquoi un acte est permis ou refusé")),
    ),
)
