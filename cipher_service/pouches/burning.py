"""What a breach of a bag does to the controlled items in it: they are compromised, for ever.

A card whose keys one of them carried is withdrawn at once, and an entry of the log names it.
"""

from datetime import datetime

from sqlalchemy import Connection, func, select

from cipher_service import clock
from cipher_service.audit.ledger import append_beside
from cipher_service.audit.records import DONE, Event
from cipher_service.directory import enrolment
from cipher_service.directory.carried_cards import compromised_with
from cipher_service.directory.compromises import compromise
from cipher_service.storage.tables import controlled
from cipher_service.storage.tables import pouches as tables


def burn(connection: Connection, seal: str, *, case_id: str, officer: str, now: datetime) -> None:
    """Mark the controlled items whose last journey was in this bag.

    Args:
        connection: the transaction in which the breach is recorded.
        seal: the closing.
        case_id: the discrepancy, which the register names.
        officer: who reported it, or made it a breach.
        now: the present.
    """
    cargo, piece = tables.cargo, tables.hand_in
    journeys = select(cargo.c.item, func.max(cargo.c.piece).label("piece")).group_by(cargo.c.item)
    last = journeys.subquery()
    items = connection.scalars(
        select(last.c.item)
        .join(piece, piece.c.number == last.c.piece)
        .where(piece.c.seal == seal)
        .order_by(last.c.item)
    ).all()
    for item in items:
        compromise(connection, item, person=officer, reference=case_id, now=now)
        for card in compromised_with(connection, item):
            enrolment.withdraw(connection, card.post, card.fingerprint, now)
            append_beside(
                connection,
                Event(
                    int(clock.now().timestamp() * 1_000_000),  # `now` is of whole seconds
                    actor=officer,
                    action="card_withdraw",
                    outcome=DONE,
                    resource=card.post,
                    card=card.fingerprint,
                ),
            )


def burnt_by(connection: Connection, seal: str) -> list[tuple[int, str]]:
    """Return the items that breaches of a closing compromised: numbers and designations."""
    burnt, item = controlled.controlled_compromise, controlled.controlled_item
    case = tables.discrepancy
    rows = connection.execute(
        select(item.c.item, item.c.designation)
        .join(burnt, burnt.c.item == item.c.item)
        .join(case, case.c.discrepancy_id == burnt.c.reference)
        .where(case.c.seal == seal)
        .order_by(item.c.item)
    )
    return [(row.item, row.designation) for row in rows]
