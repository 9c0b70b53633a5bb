"""A sealed bag is announced in the console: its officer signs the dispatch that tells of it.

A rectification of its bordereau is told the same way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from starlette.responses import Response

from cipher_service import clock
from cipher_service.audit.hearing import carried
from cipher_service.console.dispatches.desk import showing_of
from cipher_service.console.dispatches.granting import asking_for_bag, put_to_sign
from cipher_service.console.dispatches.sending import sealed
from cipher_service.console.pouches import bag, rectifying, sealing
from cipher_service.console.pouches.reading import ask, named, whole
from cipher_service.console.visit import Visit
from cipher_service.directory.register import read_directory
from cipher_service.dispatches import departures
from cipher_service.errors import ServiceError
from cipher_service.pouches import rectified_notices
from cipher_service.pouches.announcing import Telling, subject_of, telling
from cipher_service.pouches.office import Office
from keys.cards import Card
from keys.dispatch import Prepared, prepare
from keys.errors import KeysError
from pouch.manifest import Manifest
from pouch.rectification import read_rectification

Told = Callable[[str, Card, Card, str | None], Telling]
"""Makes the dispatch of its identifier, the receiver's card, the bureau's, and the log's head."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How one kind of announcement goes.

    Attributes:
        ask: the registrar's act that begins it.
        take: the one that ends it.
        about: what both are told.
        back: where the officer goes on.
    """

    ask: str
    take: str
    about: Mapping[str, object]
    back: str


async def announce(visit: Visit) -> Response:
    """Number it, make its manifest, and lead to the page where the officer has it signed."""
    await visit.form()
    try:
        return visit.sign(await _put_bag(visit, named(visit)))
    except KeysError as error:
        return await bag.journey(visit, ServiceError(error.code))
    except ServiceError as error:
        return await bag.journey(visit, error)


async def announce_rectification(visit: Visit) -> Response:
    """Do the same for a rectification of its bordereau."""
    ordinal = whole((await visit.form("ordinal"))["ordinal"])
    try:
        return visit.sign(await _put_rectification(visit, named(visit), ordinal))
    except KeysError as error:
        return await rectifying.desk(visit, ServiceError(error.code))
    except ServiceError as error:
        return await rectifying.desk(visit, error)


async def _put_bag(visit: Visit, seal: str) -> str:
    kept = await sealing.kept(visit, seal)
    manifest = kept.sealed.manifest

    def told(departure: str, receiver: Card, own: Card, checkpoint: str | None) -> Telling:
        now = clock.now().replace(microsecond=0)
        return telling(kept, departure, now, receiver=receiver, own=own, checkpoint=checkpoint)

    way = _Way("bag_announce", "bag_announced", {"seal": seal}, f"/valises/{seal}")
    return await _put(visit, way, manifest, subject_of(manifest), told)


async def _put_rectification(visit: Visit, seal: str, ordinal: int) -> str:
    found = await sealing.dossier(visit, seal)
    manifest = found.kept.sealed.manifest
    if not 1 <= ordinal <= len(found.filed):
        raise ServiceError("RECTIFICATION_UNKNOWN", number=manifest.number, ordinal=ordinal)
    file = found.filed[ordinal - 1].file
    number = read_rectification(file).statement.number

    def told(departure: str, receiver: Card, own: Card, checkpoint: str | None) -> Telling:
        return rectified_notices.telling(
            file,
            number,
            departure,
            clock.now().replace(microsecond=0),
            bag=manifest.bag,
            bag_class=manifest.bag_class,
            receiver=receiver,
            own=own,
            checkpoint=checkpoint,
        )

    about = {"seal": seal, "ordinal": ordinal}
    back = f"/valises/{seal}/rectificatif"
    way = _Way("bag_rectified_announce", "bag_rectified_announced", about, back)
    return await _put(visit, way, manifest, rectified_notices.subject_of(number), told)


async def _put(visit: Visit, way: _Way, manifest: Manifest, subject: str, told: Told) -> str:
    showing = showing_of(visit.office)

    def look(office: Office) -> tuple[Card, str | None]:
        with office.look() as sitting:
            directory = read_directory(sitting.connection)
            card = directory.card_in_force(manifest.waybill.destination).card
            return card, carried(sitting.connection)

    receiver, checkpoint = await ask(visit, look)
    hidden = await visit.office.in_thread(lambda: showing.sealed_text(subject))
    begun = await visit.act(way.ask, {**way.about, "subject": hidden})

    def made() -> Prepared:
        own = showing.card
        news = told(begun["departure"], receiver, own, checkpoint)
        numbers = [departures.Number(*each) for each in begun["numbers"]]
        destinations = departures.numbered(news.destinations, numbers)
        return prepare(news.heading, destinations, news.text, news.attachments, sender=own)

    prepared = await visit.office.in_thread(made)
    return await put_to_sign(
        visit,
        prepared.manifest.encode(),
        begun["departure"],
        prepared.manifest.label.level,
        partial(_leave, way, prepared),
    )


async def _leave(way: _Way, prepared: Prepared, visit: Visit) -> str:
    """Have the custodian sign under the grant that came back, and hand the dispatch over."""
    asking = asking_for_bag(visit, str(way.about["seal"]))
    leaving = await visit.office.in_thread(lambda: sealed(visit.office, asking, prepared))
    await visit.act(way.take, {**way.about, **leaving})
    return way.back
