"""Photographs of a bag: added as they come from a camera, shown one at a time (flow 6).

The page's script sends the file as the body of a request and asks for the picture to be shown; a
refusal of either stands on the page in words. What is kept is drawn anew, without what a camera
adds, and opens for those alone who may open the bag's texts.
"""

from hashlib import sha256

from starlette.responses import Response

from cipher_service.console.dispatches.desk import custodian_of
from cipher_service.console.dispatches.granting import asking_for_photograph
from cipher_service.console.pouches import sealing
from cipher_service.console.pouches.reading import ask, named, names_of, page
from cipher_service.console.visit import Visit
from cipher_service.errors import ServiceError
from cipher_service.pouches import photographing
from cipher_service.pouches.photographing import Album
from cipher_service.pouches.photographs import FILE_MOST, SUBJECTS, opened, sealed_photograph
from pouch.locator import grouped_locator


async def album(visit: Visit) -> Response:
    """The photographs of a bag, and where one is added."""
    return await _shown(visit, None)


async def one(visit: Visit) -> Response:
    """One of them."""
    return await _shown(visit, str(visit.request.path_params["photograph"]))


async def picture(visit: Visit) -> Response:
    """The picture itself: opened under the session's grant, and the log says so."""
    seal, photograph = named(visit), str(visit.request.path_params["photograph"])
    if (await sealing.custodian_stands(visit)).trial:
        told = await visit.act("bag_picture", {"seal": seal, "photograph": photograph})
        return _as_picture(told["jpeg"])
    number = visit.person.number
    body = await ask(
        visit, lambda office: photographing.body_of(office, seal, photograph, by=number)
    )
    asking = asking_for_photograph(visit, seal, photograph)
    return _as_picture(await visit.office.in_thread(lambda: opened(body, asking)))


async def add(visit: Visit) -> Response:
    """Take in one file, bare and enciphered; nobody's is decoded who may not see the bag."""
    seal, subject = named(visit), visit.request.headers.get("x-subject", "")
    if subject not in SUBJECTS:
        raise ServiceError("FORM_REFUSED")
    await _album(visit)
    data, office = await visit.request.body(), visit.office
    body = await office.in_thread(lambda: sealed_photograph(data, custodian_of(office).card()))
    told = {"seal": seal, "subject": subject, "sha256": sha256(data).hexdigest(), "body": body}
    kept = await visit.act("bag_photograph", told)
    return visit.data({"photograph": kept["photograph"], "new": kept["new"]})


async def _shown(visit: Visit, photograph: str | None) -> Response:
    found = await _album(visit)
    chosen = [each for each in found.kept if each.photograph == photograph]
    if photograph is not None and not chosen:
        raise ServiceError("NOT_FOUND")
    return page(
        visit,
        "photographs",
        custodian=await sealing.custodian_stands(visit),
        album=found,
        chosen=chosen[0] if chosen else None,
        locator=grouped_locator(found.bag),
        most=FILE_MOST,
        names=await names_of(visit, [each.officer for each in found.kept]),
    )


async def _album(visit: Visit) -> Album:
    seal, number = named(visit), visit.person.number
    return await ask(visit, lambda office: photographing.album(office, seal, by=number))


def _as_picture(jpeg: bytes) -> Response:
    return Response(
        jpeg,
        media_type="image/jpeg",
        headers={"content-security-policy": "default-src 'none'; sandbox"},
    )
