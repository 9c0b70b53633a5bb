"""Keys on their way in bags: which pieces carry them, and whether they may be used yet.

The rule is `pouch.cargo`'s; here are the facts that it asks for. The register of controlled items
asks before a receiver signs for an item that came in a bag (`receive`): until two discharged the
bag over intact seals the sender alone answers for it, and after a breach nobody else ever will.
Prekeys that are carried with an item are given to nobody before (`directory.prekeys.carry`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from cipher_service.directory import controlled
from cipher_service.errors import ServiceError
from cipher_service.pouches import cases, custody, handing_in, listing, outcomes, repository
from cipher_service.pouches.entitlement import LIST
from cipher_service.pouches.office import Office, Sitting
from cipher_service.storage.tables import pouches as tables
from pouch.cargo import COMPROMISED, IN_TRANSIT, USABLE, activation, standing
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
        standing: `IN_TRANSIT`, `USABLE` or `COMPROMISED` of `pouch.cargo`.
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
        theirs = listing.shown_to(sitting, by)
        rows = sitting.connection.execute(
            repository.with_carriage(
                select(book)
                .outerjoin(tables.closing, tables.closing.c.seal == book.c.seal)
                .outerjoin(
                    tables.departure, tables.departure.c.departure_id == tables.closing.c.departure
                )
                .outerjoin(tables.route, tables.route.c.code == tables.departure.c.route)
            )
            .where(book.c.kind == ItemKind.CRYPTOGRAPHIC.value, or_(book.c.seal.is_(None), theirs))
            .order_by(book.c.destination, book.c.number)
        )
        return [_carried(sitting, row) for row in rows if _visible(sitting, row, by)]


def send(
    connection: Connection,
    item: int,
    piece: str,
    *,
    person: str,
    to: str,
    reference: str,
    now: datetime,
) -> None:
    """Let a controlled item leave its holder in a piece that was handed in for a bag.

    Raises:
        ServiceError: PIECE_NUMBER_WRONG, PIECE_UNKNOWN (also one that carries no keys),
            PIECE_IN_BAG (it is sealed in: nothing more goes into it); as `controlled.send`.
    """
    number = handing_in.read_number(piece)
    row = handing_in.piece_of(connection, number)
    if row.kind != ItemKind.CRYPTOGRAPHIC.value:
        raise ServiceError("PIECE_UNKNOWN", number=number)
    closing = None if row.seal is None else repository.closing_of(connection, row.seal)
    if closing is not None and closing.manifest is not None:
        raise ServiceError("PIECE_IN_BAG", number=number)
    controlled.send(connection, item, person, to, reference, now)
    connection.execute(tables.cargo.insert().values(piece=number, item=item))


def receive(
    connection: Connection, item: int, *, person: str, reference: str, now: datetime
) -> None:
    """Sign for a controlled item; for one that came in a bag only when the bag allows it.

    Raises:
        ServiceError: KEY_IN_TRANSIT, KEY_COMPROMISED; as `controlled.receive`.
    """
    piece = _piece_of(connection, item)
    found = USABLE if piece is None else standing_of(connection, piece)
    if found != USABLE:
        code = "KEY_COMPROMISED" if found == COMPROMISED else "KEY_IN_TRANSIT"
        raise ServiceError(code, item=item, number=piece or "-")
    controlled.receive(connection, item, person, reference, now)


def shares(office: Office, numbers: Iterable[str], threshold: int, *, by: str) -> str:
    """Return how a secret stands whose shares travel in these pieces.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER; as `activation_of`.
    """
    with office.look() as sitting:
        sitting.require_house(by, LIST, "keys")
        return activation_of(sitting.connection, numbers, threshold)


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


def _piece_of(connection: Connection, item: int) -> str | None:
    """Return the piece of an item's last journey: numbers of pieces rise."""
    book = tables.cargo
    piece: str | None = connection.scalar(select(func.max(book.c.piece)).where(book.c.item == item))
    return piece


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
