"""Reviews of rights (article 12): each right in force is confirmed, or it ends.

The security officer opens a review and answers its lines; nobody answers for themselves. It closes
by itself on its day, and what nobody has answered by then ends.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row
from starlette.responses import Response

from cipher_service.access import campaigns, mandates
from cipher_service.access.acts import Gate
from cipher_service.access.looks import RIGHTS_READ
from cipher_service.access.subjects import Principal
from cipher_service.console.flow import Awaiting, Flow, Page, Place
from cipher_service.console.language import mark
from cipher_service.console.rights import KINDS, SEEN_BY
from cipher_service.console.visit import Visit
from cipher_service.directory import officers
from cipher_service.errors import ServiceError

REVIEWER: Final = "SECURITY-OFFICER"
VERDICTS: Final = {
    "confirmed": mark("confirmé"),
    "removed": mark("retiré"),
    "unanswered": mark("sans réponse : retiré"),
}
_SPELT: Final = {"confirmer": "confirmed", "retirer": "removed"}
"""How the form spells a verdict."""
_LINE: Final = re.compile("[1-9][0-9]{0,5}")


async def listed(visit: Visit) -> Response:
    """Every review, the latest first, and how far it is."""
    await visit.act(RIGHTS_READ, {"route": "revues"})

    def find(connection: Connection, _gate: Gate) -> dict[str, Any]:
        return {
            "reviews": campaigns.everything(connection),
            "names": officers.all_names(connection),
        }

    found = await visit.read(find)
    return visit.page("reviews/reviews.html", **found, reviews_rights=_reviews(visit))


async def begin(visit: Visit) -> Response:
    """Write down every right in force, and ask for each."""
    await visit.form()
    made = await visit.act("review_open", {})
    return visit.go(f"/revues/{made['act']}")


async def show(visit: Visit) -> Response:
    """One review: what is still to be answered first, then what was."""
    number = _number(visit)
    await visit.act(RIGHTS_READ, {"route": f"revues/{number}"[:200]})

    def find(connection: Connection, _gate: Gate) -> dict[str, Any]:
        review, lines = campaigns.read(connection, number), campaigns.lines(connection, number)
        return {
            "review": review,
            "lines": sorted(lines, key=lambda row: row.verdict is not None),
            "lent": _lent(mandates.lent_by(connection, visit.now, *{row.officer for row in lines})),
            "names": officers.all_names(connection),
        }

    found = await visit.read(find)
    return visit.page(
        "reviews/review.html",
        **found,
        kinds=KINDS,
        verdicts=VERDICTS,
        me=visit.person.number,
        reviews_rights=_reviews(visit),
    )


async def answer(visit: Visit) -> Response:
    """Confirm a right, or remove it at once."""
    form = await visit.form("line", "verdict")
    number = _number(visit)
    if form["verdict"] not in _SPELT or _LINE.fullmatch(form["line"]) is None:
        raise ServiceError("FORM_REFUSED")
    asked = {"campaign": number, "line": int(form["line"]), "verdict": _SPELT[form["verdict"]]}
    await visit.act("review_answer", asked)
    return visit.go(f"/revues/{number}")


def _lent(standing: list[Row[Any]]) -> dict[tuple[str, str], list[str]]:
    """Return the mandates that would end with a function, by whose it is and which."""
    found = defaultdict(list)
    for one in standing:
        found[one.delegator, one.role].append(one.mandate_id)
    return dict(found)


def _number(visit: Visit) -> str:
    return str(visit.request.path_params["review"])


def _reviews(visit: Visit) -> bool:
    return REVIEWER in visit.person.principal.functions


def _awaits(
    connection: Connection, _gate: Gate, principal: Principal, _now: datetime
) -> Iterable[Awaiting]:
    if REVIEWER in principal.functions:
        running = [one for one in campaigns.everything(connection) if one.closed_at is None]
        waiting = sum(one.asked - one.answered for one in running)
        yield Awaiting(mark("Droits à confirmer ou à retirer"), "/revues", waiting)


FLOW: Final = Flow(
    "reviews",
    (
        Page("/revues", listed),
        Page("/revues", begin, method="POST"),
        Page("/revues/{review}", show),
        Page("/revues/{review}/repondre", answer, method="POST"),
    ),
    (Place(mark("Revues des droits"), "/revues", SEEN_BY),),
    _awaits,
)
