"""Headquarters makes bags up and closes them: hand-in, scan-to-add, sealing by two (confection)."""

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from cipher_service.access.principals import rank
from cipher_service.errors import ServiceError
from cipher_service.pouches import (
    custody,
    handing_in,
    makeup,
    preparing,
    repository,
    rules,
)
from cipher_service.pouches.entitlement import LIST, PACK, house
from cipher_service.pouches.handing_in import Piece
from cipher_service.pouches.makeup import NewLine
from cipher_service.pouches.office import Office, Sitting
from keys import canonical
from keys.age.files import encrypt
from keys.cards import Card
from pouch.bordereau import commit_line
from pouch.claims import SEAL_BYTES
from pouch.facts import Prepared
from pouch.manifest import BagClass, Item
from pouch.members import item_object


@dataclass(frozen=True, slots=True)
class Laid:
    """A piece that lies in a bag.

    Attributes:
        number: of the piece.
        line: of the bordereau.
        kind: what it is.
        level: its own.
        weight_g: of all its parts.
        new: False when it lay there before this scan.
    """

    number: str
    line: int
    kind: str
    level: str
    weight_g: int
    new: bool


def hand_in(office: Office, piece: Piece, *, by: str) -> str:
    """Take a piece in for the next bag; return the number to stick on it.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER, UNKNOWN_LEVEL; as `handing_in.take`.
    """
    with office.act("pouch_hand_in", piece.destination) as sitting:
        _require_level(sitting, by, piece.level)
        return handing_in.take(
            sitting.connection, piece, officer=by, card=office.card, now=sitting.now
        )


def hand_in_dispatch(
    office: Office, dispatch_id: str, destination: str, weight_g: int, *, by: str
) -> str:
    """Take in a dispatch that was sent with delivery by pouch; return its number.

    Raises:
        ServiceError: NOT_BY_POUCH; as `hand_in`.
    """
    with office.act("pouch_hand_in", dispatch_id) as sitting:
        # Who packs nothing here is not told which dispatches there are.
        sitting.require_house(by, PACK, "hand-in")
        piece = handing_in.dispatch_piece(
            sitting.connection, dispatch_id, destination, origin=office.post, weight_g=weight_g
        )
        _require_level(sitting, by, piece.level)
        return handing_in.take(
            sitting.connection, piece, officer=by, card=office.card, now=sitting.now
        )


def begin(office: Office, departure: str, bag: str, bag_class: BagClass, *, by: str) -> str:
    """Begin the make-up of a bag; return the closing's identifier.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER; as `makeup.begin`.
        ModeForbidden, BagNotReusable: as `makeup.begin`.
    """
    seal = secrets.token_hex(SEAL_BYTES)
    with office.act("pouch_begin", seal) as sitting:
        connection = sitting.connection
        # Who packs nothing here is not told which departures and bags there are.
        sitting.require_house(by, PACK, seal)
        event, body = office.desks.sign(
            connection, Prepared(), bag=bag, seal=seal, officer=by, second=None, now=sitting.now
        )
        makeup.begin(connection, event, departure=departure, bag_class=bag_class, now=sitting.now)
        closing = sitting.closing(seal)
        require_here(office, closing.route.origin)
        sitting.require(by, PACK, closing)
        custody.keep(connection, event, body, caller=office.post, now=sitting.now)
    return seal


def scan(office: Office, seal: str, scanned: str, *, by: str) -> Laid:
    """Lay a piece into a bag by the number that was scanned or typed; scanning again is harmless.

    Raises:
        ServiceError: PIECE_NUMBER_WRONG, PIECE_UNKNOWN, PIECE_IN_ANOTHER_BAG, PIECE_FOR_ANOTHER
            (another destination); NOT_ALLOWED, UNKNOWN_OFFICER; as `makeup.add_line`.
        LimitsExceeded: it is too heavy for the route.
        KeysError: the custodian refuses.
    """
    number = handing_in.read_number(scanned)
    with office.consider("pouch_line", seal) as sitting:
        row = fitting(sitting, seal, number, by)
    if row.seal == seal:
        return laid(row, row.line, new=False)
    with office.keys("pouch_piece", seal) as custodian:
        piece = handing_in.open_piece(row.body, custodian)
    with office.act("pouch_line", seal) as sitting:
        line = len(repository.lines_of(sitting.connection, seal)) + 1
        return lay(sitting, seal, number, line_of(piece, line, office.card), by=by)


def line_of(piece: Item, line: int, card: Card) -> NewLine:
    """Return an opened piece as a line of a bordereau, newly salted and enciphered to a card."""
    item = handing_in.as_line(piece, line)
    return NewLine(
        line=line,
        commitment=commit_line(item),
        level=item.level,
        quantity=item.quantity,
        weight_g=item.weight_g,
        body=encrypt(canonical.encode(item_object(item)), [card.recipient]),
    )


def lay(sitting: Sitting, seal: str, number: str, line: NewLine, *, by: str) -> Laid:
    """Record a line for a piece; what was drawn up to be sealed counts no more.

    Raises:
        ServiceError: LINE_OF_ANOTHER: it weighs, counts or is marked otherwise than the piece;
            as `scan`.
    """
    connection = sitting.connection
    row = fitting(sitting, seal, number, by)
    if row.seal == seal:
        return laid(row, row.line, new=False)
    if (line.level, line.quantity, line.weight_g) != (row.level, row.quantity, row.weight_g):
        raise ServiceError("LINE_OF_ANOTHER", number=number)
    scheme = sitting.office.gate.scheme
    makeup.add_line(connection, seal, line, officer=by, scheme=scheme, now=sitting.now)
    handing_in.lay(connection, number, seal, line.line)
    preparing.void(connection, seal)
    return laid(row, line.line, new=True)


def take_out(office: Office, seal: str, *, by: str) -> str | None:
    """Take the last piece out of a bag that is not sealed; return its number, it waits again.

    Raises:
        ServiceError: CLOSING_UNKNOWN, BAG_SEALED, BAG_EMPTY, NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    with office.act("pouch_take_out", seal) as sitting:
        closing = sitting.closing(seal)
        require_here(office, closing.route.origin)
        sitting.require(by, PACK, closing)
        line = len(repository.lines_of(sitting.connection, seal))
        if line == 0:
            raise ServiceError("BAG_EMPTY", seal=seal)
        makeup.remove_line(sitting.connection, seal, line)
        preparing.void(sitting.connection, seal)
        number = handing_in.laid_as(sitting.connection, seal, line)
        if number is not None:
            handing_in.lay(sitting.connection, number, None, None)
        return number


def fitting(sitting: Sitting, seal: str, number: str, officer: str) -> Row[Any]:
    """Return a piece that lies in this bag already, or that the officer may lay into it.

    Raises:
        ServiceError: as `scan`.
    """
    closing = sitting.closing(seal)
    require_here(sitting.office, closing.route.origin)
    row = handing_in.piece_of(sitting.connection, number)
    if row.seal == seal:
        sitting.require(officer, LIST, closing)
        return row
    if closing.manifest is not None:
        raise ServiceError("BAG_SEALED", seal=seal)
    if row.seal is not None:
        raise ServiceError("PIECE_IN_ANOTHER_BAG", number=number)
    if row.destination != closing.route.destination:
        raise ServiceError("PIECE_FOR_ANOTHER", number=number, post=row.destination)
    rules.require_level(sitting.office.gate.scheme, row.level, closing.bag_class)
    sitting.require(officer, PACK, closing, item_level=row.level)
    return row


def _require_level(sitting: Sitting, officer: str, level: str) -> None:
    """Demand that who takes a piece in may pack it, whichever bag it will lie in."""
    office = sitting.office
    rules.require_level(office.gate.scheme, level, BagClass.TOP_SECRET)
    counter = house(office.post, "hand-in", rank(office.gate.scheme, level))
    sitting.require(officer, PACK, counter, item_level=level)


def require_here(office: Office, origin: str) -> None:
    """Demand that a bag is made up here. Raises ServiceError WRONG_PLACE."""
    if origin != office.post:
        raise ServiceError("WRONG_PLACE", place=origin)


def laid(row: Row[Any], line: int, *, new: bool) -> Laid:
    """Say what lies in a bag now."""
    return Laid(row.number, line, row.kind, row.level, row.weight_g, new=new)
