"""The trays of what came and of what left (flow 1)."""

from typing import Any, Final

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service.access.acts import Gate
from cipher_service.console.language import mark
from cipher_service.console.visit import Visit
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
_COUNTERS: Final = frozenset(
    {"CIPHER-CLERK", "CHIEF-CIPHER-POUCH", "DEPUTY-DIRECTOR", "SECRETARY-GENERAL", "LIAISON-AGENT"}
)
_CLOSED: Final = (rules.DECIPHERED, rules.REFUSED)


async def inbox(visit: Visit) -> Response:
    """A tray of arrivals, the most urgent first; a missing number is one of its lines."""
    tray = visit.request.query_params.get("tray", TRAYS[0][0])
    if tray not in dict(TRAYS):
        raise ServiceError("NOT_FOUND")
    after = _cursor(visit.request.query_params.get("after", "0"))

    def read(connection: Connection, gate: Gate) -> dict[str, Any]:
        asked = (connection, gate, visit.person.number, visit.office.headquarters, visit.now)
        only: dict[str, Any] = {
            "a-dechiffrer": {},
            "a-attribuer": {"only": (trays.unassigned(),)},
            "en-retard": {"only": (trays.overdue(visit.now),)},
            "dechiffrees": {"states": _CLOSED},
        }
        lines = trays.arrivals(*asked, after=after, **only[tray])
        counts = {
            name: len(trays.arrivals(*asked, **only[name]))
            for name in ("a-dechiffrer", "a-attribuer", "en-retard")
        }
        missing = (
            openings.missing_numbers(connection, visit.office.headquarters)
            if tray == "a-dechiffrer" and not after and _counts_numbers(visit)
            else []
        )
        return {
            "lines": lines,
            "counts": counts,
            "missing": missing,
            "names": names(connection, (line.assigned for line in lines)),
        }

    found = await visit.read(read)
    lines = found["lines"]
    following = lines[-1].place if len(lines) == trays.PAGE else 0
    return visit.page(
        "dispatches/inbox.html", tray=tray, trays=TRAYS, following=following, page_of=after, **found
    )


async def departed(visit: Visit) -> Response:
    """What left, and how far each addressee has come."""

    def read(connection: Connection, gate: Gate) -> list[trays.Departed]:
        return trays.departed(
            connection, gate, visit.person.number, visit.office.headquarters, visit.now
        )

    return visit.page("dispatches/departed.html", lines=await visit.read(read))


def _counts_numbers(visit: Visit) -> bool:
    principal = visit.person.principal
    return bool((principal.functions | {m.function for m in principal.mandates}) & _COUNTERS)


def _cursor(given: str) -> int:
    if not given.isdecimal() or len(given) > 18:  # noqa: PLR2004 - more does not fit 64 bits
        raise ServiceError("NOT_FOUND")
    return int(given)
