"""A sealed bag is announced in the console: its officer signs the dispatch that tells of it."""

from functools import partial

from starlette.responses import Response

from cipher_service import clock
from cipher_service.audit.hearing import carried
from cipher_service.console.dispatches.desk import showing_of
from cipher_service.console.dispatches.granting import asking_for_bag, put_to_sign
from cipher_service.console.dispatches.sending import sealed
from cipher_service.console.pouches import bag, sealing
from cipher_service.console.pouches.reading import ask, named
from cipher_service.console.visit import Visit
from cipher_service.directory.register import read_directory
from cipher_service.dispatches import departures
from cipher_service.errors import ServiceError
from cipher_service.pouches.announcing import subject_of, telling
from cipher_service.pouches.office import Office
from keys.cards import Card
from keys.dispatch import Prepared, prepare
from keys.errors import KeysError


async def announce(visit: Visit) -> Response:
    """Number it, make its manifest, and lead to the page where the officer has it signed."""
    await visit.form()
    try:
        return visit.sign(await _put(visit, named(visit)))
    except KeysError as error:
        return await bag.journey(visit, ServiceError(error.code))
    except ServiceError as error:
        return await bag.journey(visit, error)


async def _put(visit: Visit, seal: str) -> str:
    kept, showing = await sealing.kept(visit, seal), showing_of(visit.office)
    manifest = kept.sealed.manifest

    def look(office: Office) -> tuple[Card, str | None]:
        with office.look() as sitting:
            directory = read_directory(sitting.connection)
            card = directory.card_in_force(manifest.waybill.destination).card
            return card, carried(sitting.connection)

    receiver, checkpoint = await ask(visit, look)
    subject = await visit.office.in_thread(lambda: showing.sealed_text(subject_of(manifest)))
    begun = await visit.act("bag_announce", {"seal": seal, "subject": subject})

    def made() -> Prepared:
        own = showing.card
        told = telling(
            kept,
            begun["departure"],
            clock.now().replace(microsecond=0),
            receiver=receiver,
            own=own,
            checkpoint=checkpoint,
        )
        numbers = [departures.Number(*each) for each in begun["numbers"]]
        destinations = departures.numbered(told.destinations, numbers)
        return prepare(told.heading, destinations, told.text, told.attachments, sender=own)

    prepared = await visit.office.in_thread(made)
    return await put_to_sign(
        visit,
        prepared.manifest.encode(),
        begun["departure"],
        prepared.manifest.label.level,
        partial(_leave, seal, prepared),
    )


async def _leave(seal: str, prepared: Prepared, visit: Visit) -> str:
    """Have the custodian sign under the grant that came back, and hand the dispatch over."""
    asking = asking_for_bag(visit, seal)
    leaving = await visit.office.in_thread(lambda: sealed(visit.office, asking, prepared))
    await visit.act("bag_announced", {"seal": seal, **leaving})
    return f"/valises/{seal}"
