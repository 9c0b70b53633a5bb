"""A released dispatch leaves: numbered, signed on an officer's key, sealed, handed over.

The text is opened under the officer's grant, and lies in this process's memory until the grant to
sign has come back or ended. What is cut short leaves open numbers; the registrar cancels them.
"""

from functools import partial
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.audit.hearing import carried
from cipher_service.console.dispatches.desk import number_of, require_seen
from cipher_service.console.dispatches.granting import asking_for, put_to_sign, showing_for
from cipher_service.console.dispatches.warrants import AskingCustodian
from cipher_service.console.office import Office
from cipher_service.console.visit import Visit
from cipher_service.directory.register import Directory, read_directory
from cipher_service.dispatches import departures
from cipher_service.dispatches.office import compositions
from cipher_service.dispatches.office.addressing import addressed
from cipher_service.dispatches.office.attaching import enclosures, opened_list
from cipher_service.dispatches.office.compositions import RELEASED, Composition
from cipher_service.errors import ServiceError
from cipher_service.storage.blobs import SMALL, Blobs
from keys.dispatch import Attachment, Prepared, prepare
from keys.slip_agreement import slip_for
from keys.slips import sign_slip


async def depart(visit: Visit) -> Response:
    """Number it, make its manifest, and lead to the page where the officer has it signed."""
    number = number_of(visit)
    await visit.form()

    def look(connection: Connection, gate: Gate) -> tuple[Composition, Directory, str | None]:
        known = compositions.read(connection, number)
        require_seen(visit, gate, known)
        return known, read_directory(connection), carried(connection)

    known, directory, checkpoint = await visit.read(look)
    if known.state != RELEASED or known.assigned != visit.person.number:
        raise ServiceError("NOT_AWAITED", dispatch_id=number, state=known.state)
    showing = showing_for(visit, number)

    def opened() -> tuple[str, str, bytes, list[Attachment]]:
        subject, text = showing.unsealed(known.content.body)
        listed = opened_list(known.content.attachments, showing.unsealed_text)
        enclosed = enclosures(Blobs(visit.office.settings.data), listed)
        return subject, text, showing.sealed_text(subject), enclosed

    subject, text, sealed, enclosed = await visit.office.in_thread(opened)
    asked = {"dispatch_id": number, "digest": known.digest, "subject": sealed}
    begun = await visit.act("dispatch_depart", asked)

    def made() -> Prepared:
        own = showing.card
        heading, to = addressed(
            known.content,
            begun["departure"],
            subject,
            directory=directory,
            own=own,
            created=clock.now().replace(microsecond=0),
            checkpoint=checkpoint,
        )
        numbers = [departures.Number(*each) for each in begun["numbers"]]
        destinations = departures.numbered(to, numbers)
        return prepare(heading, destinations, text.encode(), enclosed, sender=own)

    prepared = await visit.office.in_thread(made)
    ticket = await put_to_sign(
        visit,
        prepared.manifest.encode(),
        begun["departure"],
        known.content.level,
        partial(_leave, number, prepared),
    )
    return visit.sign(ticket)


async def _leave(number: str, prepared: Prepared, visit: Visit) -> str:
    """Have the custodian sign under the grant that came back, and hand the dispatch over."""
    asking = asking_for(visit, number)
    leaving = await visit.office.in_thread(lambda: sealed(visit.office, asking, prepared))
    await visit.act("dispatch_leave", {"dispatch_id": number, **leaving})
    return f"/depeches/visa/{number}?fait=left"


def sealed(office: Office, asking: AskingCustodian, prepared: Prepared) -> dict[str, Any]:
    """Sign and seal; give what is handed over, as `SendingDesk.leave` takes it.

    The envelope is in it unless it is large: then the store has it.
    """
    body: bytes | None = None
    signatures = asking.sign_manifest(prepared.manifest.encode())
    with Blobs(office.settings.data).spool() as spool:
        prepared.write(signatures, spool)
        slip = slip_for(
            prepared.manifest,
            envelope_sha256=spool.body.sha256,
            envelope_size=spool.body.size,
        )
        signed = sign_slip(slip, asking.sign_slip)
        if spool.body.size <= SMALL:
            body = spool.written()
        else:
            spool.keep()
    return {
        "slip": signed.statement,
        "signature": signed.signature,
        "manifest_hash": prepared.manifest.hash,
        "body": body,
    }
