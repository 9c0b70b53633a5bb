"""Keys on their way in bags: which pieces carry them, and whether they may be used yet.

The rule is `pouch.cargo`'s; here are the facts that it asks for. Whoever makes keys usable (the
register of controlled items, an edition of prekeys) asks `standing_of` for the piece's number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from cipher_service.errors import ServiceError
from cipher_service.pouches import cases, custody, handing_in, outcomes, repository
from cipher_service.pouches.entitlement import LIST
from cipher_service.pouches.office import Office, Sitting
from cipher_service.storage.tables import pouches as tables
from pouch.cargo import IN_TRANSIT, activation, standing
from pouch.facts import INTACT, Received
from pouch.manifest import ItemKind


@dataclass(frozen=True, slots=True)
class Carried:
    """A piece that carries keys.

    Attributes:
        number: stuck on it.
        destination: for which post.
        seal: the closing in which it lies; None while it waits for a bag.
        line: of its bordereau.
        standing: one of `pouch.cargo.STANDINGS`.
    """

    number: str
    destination: str
    seal: str | None
    line: int | None
    standing: str


def keys_under_way(office: Office, *, by: str) -> list[Carried]:
    """Return the pieces that carry keys, as far as an officer may see their bags.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    book = tables.hand_in
    with office.look() as sitting:
        sitting.require_house(by, LIST, "keys")
        rows = sitting.connection.execute(
            select(book)
            .where(book.c.kind == ItemKind.CRYPTOGRAPHIC.value)
            .order_by(book.c.destination, book.c.number)
        )
        return [_carried(sitting, row) for row in rows if _visible(sitting, row, by)]


def standing_of(connection: Connection, number: str) -> str:
    """Return how the keys of a piece stand.

    Raises:
        ServiceError: PIECE_UNKNOWN, also for a piece that carries no keys.
    """
    row = handing_in.piece_of(connection, handing_in.read_number(number))
    if row.kind != ItemKind.CRYPTOGRAPHIC.value:
        raise ServiceError("PIECE_UNKNOWN", number=number)
    return _standing(connection, row.seal)


def activation_of(connection: Connection, numbers: Iterable[str], threshold: int) -> str:
    """Return how a secret stands whose shares are these pieces, in as many bags.

    Raises:
        ServiceError: PIECE_UNKNOWN; SHARES_IN_ONE_BAG: two of them travel together;
            SHARES_TOO_FEW: the threshold is below 2 or above their number.
    """
    distinct = sorted({handing_in.read_number(number) for number in numbers})
    rows = [handing_in.piece_of(connection, number) for number in distinct]
    bags = [row.seal for row in rows if row.seal is not None]
    if len(set(bags)) != len(bags):
        raise ServiceError("SHARES_IN_ONE_BAG")
    try:
        return activation([standing_of(connection, number) for number in distinct], threshold)
    except ValueError as error:
        raise ServiceError("SHARES_TOO_FEW") from error


def _standing(connection: Connection, seal: str | None) -> str:
    closing = None if seal is None else repository.closing_of(connection, seal)
    if closing is None:
        return IN_TRANSIT
    events = {event.id: event for event in repository.events_of(connection, closing.seal)}
    held = outcomes.receipt_of(connection, closing.seal)
    received = None if held is None else events.get(held.event_id)
    discharge = None if held is None or held.discharge is None else events.get(held.discharge)
    return standing(
        discharged_by_two=discharge is not None and discharge.witness is not None,
        seals_as_sealed=received is not None
        and isinstance(received.facts, Received)
        and received.facts.condition == INTACT
        and not custody.differences_of(closing, received),
        breached=cases.is_breached(connection, closing.seal),
    )


def _visible(sitting: Sitting, row: Row[Any], officer: str) -> bool:
    closing = None if row.seal is None else repository.closing_of(sitting.connection, row.seal)
    return closing is None or bool(sitting.visible(officer, [closing]))


def _carried(sitting: Sitting, row: Row[Any]) -> Carried:
    found = _standing(sitting.connection, row.seal)
    return Carried(row.number, row.destination, row.seal, row.line, found)
