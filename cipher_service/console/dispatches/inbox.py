"""The trays of what came and of what left (flow 1)."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service.access.acts import Gate
from cipher_service.console.dispatches import live
from cipher_service.console.language import mark
from cipher_service.console.visit import Person, Visit
from cipher_service.directory.officers import names
from cipher_service.dispatches import openings, rules
from cipher_service.dispatches.office import trays
from cipher_service.errors import ServiceError

TRAYS: Final = (
    ("a-dechiffrer", mark("À déchiffrer")),
    ("a-attribuer", mark("À attribuer")),
    ("en-retard", mark("En retard")),
    ("dechiffrees", mark("Déchiffrées ou refusées")),
)
ARRIVALS: Final = "arrivees"
DEPARTURES: Final = "parties"
_COUNTERS: Final = frozenset(
    {"CIPHER-CLERK", "CHIEF-CIPHER-POUCH", "DEPUTY-DIRECTOR", "SECRETARY-GENERAL", "LIAISON-AGENT"}
)
_CLOSED: Final = (rules.DECIPHERED, rules.REFUSED)


async def inbox(visit: Visit) -> Response:
    """A tray of arrivals, the most urgent first; a missing number is one of its lines."""
    shown = arrivals_of(visit)
    found = await visit.read(lambda connection, gate: shown(connection, gate, visit.now))
    lines = found["lines"]
    following = lines[-1].place if len(lines) == trays.PAGE else 0
    tray, after = _asked(visit)
    return visit.page(
        "dispatches/inbox.html",
        tray=tray,
        trays=TRAYS,
        following=following,
        page_of=after,
        live={"liste": ARRIVALS, "tray": tray, "after": after, "vu": live.mark_of(found)},
        **found,
    )


async def departed(visit: Visit) -> Response:
    """What left, and how far each addressee has come."""
    shown = departures_of(visit)
    found = await visit.read(lambda connection, gate: shown(connection, gate, visit.now))
    asked = {"liste": DEPARTURES, "vu": live.mark_of(found)}
    return visit.page("dispatches/departed.html", live=asked, **found)


def arrivals_of(visit: Visit) -> live.Shown:
    """Return what reads the tray that a visit asks for. Raises ServiceError NOT_FOUND."""
    tray, after = _asked(visit)
    person, post = visit.person, visit.office.headquarters

    def read(connection: Connection, gate: Gate, now: datetime) -> dict[str, Any]:
        asked = (connection, gate, person.number, post, now)
        only: dict[str, Any] = {
            "a-dechiffrer": {},
            "a-attribuer": {"only": (trays.unassigned(),)},
            "en-retard": {"only": (trays.overdue(now),)},
            "dechiffrees": {"states": _CLOSED},
        }
        lines = trays.arrivals(*asked, after=after, **only[tray])
        counts = {
            name: len(trays.arrivals(*asked, **only[name]))
            for name in ("a-dechiffrer", "a-attribuer", "en-retard")
        }
        wanted = tray == "a-dechiffrer" and not after and _counts_numbers(person)
        return {
            "lines": lines,
            "counts": counts,
            "missing": openings.missing_numbers(connection, post) if wanted else [],
            "names": names(connection, (line.assigned for line in lines)),
        }

    return read


def departures_of(visit: Visit) -> live.Shown:
    """Return what reads the departures that an officer may see."""
    number, post = visit.person.number, visit.office.headquarters
    return lambda connection, gate, now: {
        "lines": trays.departed(connection, gate, number, post, now)
    }


def _asked(visit: Visit) -> tuple[str, int]:
    tray = visit.request.query_params.get("tray", TRAYS[0][0])
    if tray not in dict(TRAYS):
        raise ServiceError("NOT_FOUND")
    return tray, _cursor(visit.request.query_params.get("after", "0"))


def _counts_numbers(person: Person) -> bool:
    principal = person.principal
    return bool((principal.functions | {m.function for m in principal.mandates}) & _COUNTERS)


def _cursor(given: str) -> int:
    if not given.isdecimal() or len(given) > 18:  # noqa: PLR2004 - more does not fit 64 bits
        raise ServiceError("NOT_FOUND")
    return int(given)
