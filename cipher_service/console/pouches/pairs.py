"""Acts that two officers sign: a bag found again, movements of seals; each on the act's page."""

from starlette.responses import Response

from cipher_service.console.pouches import bag, lists
from cipher_service.console.pouches.reading import named, whole
from cipher_service.console.pouches.words import MOVES, SORTS
from cipher_service.console.visit import Visit
from cipher_service.errors import ServiceError


async def ask_find(visit: Visit) -> Response:
    """State that a lost bag is back; a second person signs after."""
    seal = named(visit)
    try:
        asked = await visit.act("bag_ask_find", {"seal": seal, "back": f"/valises/{seal}"})
    except ServiceError as error:
        return await bag.journey(visit, error)
    return visit.sign(asked["ticket"])


async def ask_stock(visit: Visit) -> Response:
    """Move seals of the stock; a second person signs after."""
    form = await visit.form("move", "numbers", "count", "sort")
    if form["move"] not in MOVES or form["sort"] not in SORTS:
        raise ServiceError("FORM_REFUSED")
    told = {
        "move": form["move"],
        "numbers": form["numbers"].split(),
        "count": whole(form["count"]),
        "sort": form["sort"],
        "back": "/valises/scelles",
    }
    try:
        asked = await visit.act("bag_ask_stock", told)
    except ServiceError as error:
        return await lists.seals(visit, refusal=error)
    return visit.sign(asked["ticket"])
