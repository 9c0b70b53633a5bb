"""Opening with an officer's own key: what this process does of it, which shows it nothing."""

import asyncio

from starlette.responses import Response

from cipher_service.console.dispatches.desk import number_of
from cipher_service.console.dispatches.granting import showing_for
from cipher_service.console.dispatches.reading import intended
from cipher_service.console.own import OWN_KEY
from cipher_service.console.visit import Visit
from cipher_service.errors import ServiceError
from cipher_service.identity import own_keys


async def open_own(visit: Visit) -> Response:
    """Have the custodian make a header for the officer's own key; go to the page that opens it.

    The register gets no subject: nobody here has seen one.
    """
    number = number_of(visit)
    await visit.form()
    recipient = await visit.read(
        lambda connection, _gate: own_keys.recipient_of(connection, visit.person.number)
    )
    if recipient is None:
        raise ServiceError("OWN_KEY_MISSING")
    showing = showing_for(visit, number)
    made = await intended(
        visit,
        "dispatch_open",
        {"dispatch_id": number},
        lambda: showing.rewrapped(number, recipient),
    )
    outcome = {
        "dispatch_id": number,
        "manifest_hash": made["manifest"],
        "subject": await visit.office.in_thread(lambda: showing.sealed_text("")),
        "releasable": made["releasability"],
    }
    await asyncio.shield(visit.act("dispatch_open.end", outcome))
    asked = {"dispatch_id": number, "header": made["header"]}
    return visit.sign(await visit.act("own_opening", asked), OWN_KEY)
