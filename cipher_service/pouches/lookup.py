"""What a post may know of a closing: where it stands, never what is in it or how it is sealed."""

from typing import Any

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access.machines import SEE_BAG, Viewer
from cipher_service.errors import ServiceError
from cipher_service.pouches import outcomes, repository
from cipher_service.pouches.entitlement import seen_by_posts


def closing_for(connection: Connection, viewer: Viewer, *, seal: str) -> dict[str, Any]:
    """Return the members of `wire.pouches.PouchRecord` for a post on the closing's way.

    Raises:
        ServiceError: NOT_FOUND, also when it exists but goes past the caller.
    """
    closing = repository.closing_of(connection, seal)
    if closing is None:
        raise ServiceError("NOT_FOUND")
    viewer.require_visible(SEE_BAG, seen_by_posts(closing))
    held = outcomes.receipt_of(connection, seal)
    return {
        "seal": seal,
        "bag": closing.bag,
        "origin": closing.route.origin,
        "destination": closing.route.destination,
        "mode": closing.mode.value,
        "departs": clock.text(closing.departs),
        "due": clock.text(closing.due),
        "stage": closing.stage,
        "sealed": closing.manifest is not None,
        "lost": closing.lost,
        "recalled": closing.recalled,
        "events": len(repository.events_of(connection, seal)),
        "receipt": None
        if held is None
        else {
            "post": held.post,
            "granted_at": held.granted_at,
            "discharged": held.discharge is not None,
        },
        "alarms": sorted({alarm.kind for alarm in outcomes.alarms_about(connection, seal)}),
    }
