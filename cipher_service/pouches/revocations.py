"""Which closings count no more, so that a device refuses their labels also without network.

A label outlives what happened to its bag. Its closing is revoked when the bag was out of our hands
(also once it is found again: nobody can say what became of it meanwhile), when the sealing was
corrected away, and when one of its physical seals stands on another closing too. A bag that never
arrived ends with its seal: the announcement tells the end of those that headquarters signed. The
service has no seal that a post signed for itself; such a bag is revoked when no seal may be as old.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from cipher_service.pouches import outcomes, repository
from cipher_service.pouches.repository import Closing
from pouch.alarms import SEAL_NUMBER_TWICE
from pouch.custody import live_events
from pouch.events import Event
from pouch.facts import Corrected, Lost, Sealed
from pouch.manifest import VALIDITY_MAX


def revoked(
    connection: Connection,
    closings: Sequence[Closing],
    *,
    received: frozenset[str],
    terms: Collection[str],
    now: datetime,
) -> frozenset[str]:
    """Return the identifiers of the closings that a post's devices must refuse.

    Args:
        connection: the books.
        closings: sealed ones on whose way the post lies.
        received: closings whose receipt was granted.
        terms: closings whose seal tells its own end.
        now: the ministry's time.
    """
    seals = [closing.seal for closing in closings]
    twice = outcomes.alarmed(connection, SEAL_NUMBER_TWICE, seals)
    told = set(repository.seals_told_of(connection, (Lost.kind, Corrected.kind), seals))
    found = set()
    for closing in closings:
        # No seal is older than its make-up: only an old make-up is looked at event by event.
        awaited = closing.seal not in received and closing.seal not in terms
        old = awaited and now - closing.opened >= VALIDITY_MAX
        if closing.lost or closing.seal in twice:
            found.add(closing.seal)
        elif closing.seal in told or old:
            live = live_events(repository.events_of(connection, closing.seal))
            if _is_void(live) or (old and _is_past(live, now)):
                found.add(closing.seal)
    return frozenset(found)


def _is_void(live: Sequence[Event]) -> bool:
    """Say whether the bag was lost once, or its sealing never happened."""
    lost = any(isinstance(event.facts, Lost) for event in live)
    return lost or not any(isinstance(event.facts, Sealed) for event in live)


def _is_past(live: Sequence[Event], now: datetime) -> bool:
    return all(now - event.at >= VALIDITY_MAX for event in live if isinstance(event.facts, Sealed))
