"""Emergencies, for whoever reviews them: another person, within 24 hours (article 12)."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service import clock
from cipher_service.access import emergencies
from cipher_service.access.acts import Gate
from cipher_service.access.looks import RIGHTS_READ
from cipher_service.access.subjects import Principal
from cipher_service.console.flow import Awaiting, Flow, Page, Place
from cipher_service.console.language import mark
from cipher_service.console.visit import Visit
from cipher_service.directory import officers
from cipher_service.errors import ServiceError

REVIEWERS: Final = frozenset({"SECURITY-OFFICER", "AUDITOR"})
ACTIONS: Final = {"read": mark("a lu sans besoin d’en connaître"), "release": mark("a fait partir")}
FINDINGS: Final = {
    "justified": mark("justifiée"),
    "unjustified": mark("injustifiée"),
    "unreviewed": mark("non revue à temps"),
}
_SPELT: Final = {"justifiee": "justified", "injustifiee": "unjustified"}
"""How the form spells a finding."""
_NUMBER: Final = re.compile("[1-9][0-9]{0,14}")


async def register(visit: Visit) -> Response:
    """Every emergency, those that await a review of this officer first."""
    await visit.act(RIGHTS_READ, {"route": "urgences"})

    def find(connection: Connection, _gate: Gate) -> dict[str, Any]:
        names = officers.all_names(connection)
        return {
            "waiting": emergencies.awaiting(connection, visit.person.number),
            "past": [row for row in emergencies.everything(connection) if row.finding],
            "names": names,
        }

    found = await visit.read(find)
    now = clock.text(visit.now)
    return visit.page(
        "emergencies/emergencies.html", **found, actions=ACTIONS, findings=FINDINGS, now=now
    )


async def review(visit: Visit) -> Response:
    """Record what was found; one that was not justified suspends its author at once."""
    form = await visit.form("number", "finding")
    if form["finding"] not in _SPELT or _NUMBER.fullmatch(form["number"]) is None:
        raise ServiceError("FORM_REFUSED")
    asked = {"number": int(form["number"]), "finding": _SPELT[form["finding"]]}
    await visit.act("emergency_review", asked)
    return visit.go("/urgences")


def _awaits(
    connection: Connection, _gate: Gate, principal: Principal, now: datetime
) -> Iterable[Awaiting]:
    if principal.functions & REVIEWERS:
        found = emergencies.awaiting(connection, principal.officer_id)
        late = sum(row.review_by <= clock.text(now) for row in found)
        yield Awaiting(mark("Urgences à revoir"), "/urgences", len(found), late)


FLOW: Final = Flow(
    "emergencies",
    (Page("/urgences", register), Page("/urgences/revoir", review, method="POST")),
    (Place(mark("Urgences"), "/urgences", REVIEWERS),),
    _awaits,
)
