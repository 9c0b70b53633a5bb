"""What is handed in for the next bag: dispatches marked for the pouch, registered letters, parcels.

Each piece gets a number of ten digits, which the clerk sticks on it and the scanner reads at
make-up; the last two are check digits. Sender, addressee and register number lie as ciphertext.
"""

import secrets
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.pouches.members import wrong_member
from cipher_service.references import register_number
from cipher_service.storage import counters
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.tables.dispatches import BY_POUCH, addressee, dispatch
from keys import canonical
from keys.age.files import encrypt
from keys.cards import Card
from keys.custody import Custodian
from keys.records import Record
from pouch.digits import from_azerty
from pouch.locator import checked
from pouch.manifest import SALT_BYTES, Item, ItemKind
from pouch.members import item_object, read_item

_NUMBER: Final = "pouch_hand_in"
_DIGITS: Final = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """What is handed in; the members are those of `pouch.manifest.Item`."""

    destination: str
    register: str
    sender: str
    addressee: str
    kind: ItemKind
    level: str
    quantity: int
    weight_g: int
    enclosure: str | None = None
    dispatch: str | None = None


def take(connection: Connection, piece: Piece, *, officer: str, card: Card, now: datetime) -> str:
    """Take a piece in; return the number to stick on it, 10 digits.

    Raises:
        ServiceError: PIECE_MALFORMED, UNKNOWN_POST, NOT_BY_POUCH (no such dispatch, or it goes
            another way), HANDED_IN_ALREADY.
    """
    body = canonical.encode(item_object(_checked(_item(piece, 1))))
    digits = f"{counters.advance(connection, _NUMBER):0{_DIGITS}d}"
    number = checked(digits)
    row = {
        "number": number,
        "destination": piece.destination,
        "kind": piece.kind.value,
        "level": piece.level,
        "weight_g": piece.weight_g,
        "quantity": piece.quantity,
        "dispatch": piece.dispatch,
        "officer": officer,
        "handed_at": clock.text(now),
        "body": encrypt(body, [card.recipient]),
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(tables.hand_in).values(**row))
    except IntegrityError as error:
        known = piece.dispatch is not None and _handed_in(connection, piece)
        code = "HANDED_IN_ALREADY" if known else "UNKNOWN_POST"
        raise ServiceError(code, post=piece.destination, dispatch=piece.dispatch or "") from error
    return number


def dispatch_piece(
    connection: Connection, dispatch_id: str, destination: str, *, origin: str, weight_g: int
) -> Piece:
    """Describe a dispatch of headquarters that goes to a post by pouch.

    Raises:
        ServiceError: NOT_BY_POUCH.
    """
    row = connection.execute(
        select(dispatch)
        .join(addressee, addressee.c.dispatch == dispatch.c.seq)
        .where(
            dispatch.c.dispatch_id == dispatch_id,
            dispatch.c.origin == origin,
            addressee.c.post == destination,
            BY_POUCH,
        )
    ).one_or_none()
    if row is None:
        raise ServiceError("NOT_BY_POUCH", dispatch=dispatch_id, post=destination)
    return Piece(
        destination=destination,
        register=register_number(row.register_year, row.register_number),
        sender=origin,
        addressee=destination,
        kind=ItemKind.DISPATCH,
        level=row.level,
        quantity=1,
        weight_g=weight_g,
        dispatch=dispatch_id,
    )


def due_by_pouch(connection: Connection, origin: str) -> list[Row[Any]]:
    """Return the dispatches of headquarters marked for the pouch that nobody handed in yet.

    Rows of (dispatch_id, post, level, received_at), the oldest first.
    """
    book = tables.hand_in
    taken = select(book.c.dispatch).where(
        book.c.dispatch == dispatch.c.dispatch_id, book.c.destination == addressee.c.post
    )
    return list(
        connection.execute(
            select(
                dispatch.c.dispatch_id,
                addressee.c.post,
                dispatch.c.level,
                dispatch.c.received_at,
            )
            .join(addressee, addressee.c.dispatch == dispatch.c.seq)
            .where(
                dispatch.c.origin == origin,
                BY_POUCH,
                ~taken.exists(),
            )
            .order_by(dispatch.c.seq, addressee.c.post)
        )
    )


def read_number(scanned: str) -> str:
    """Return a piece's number as scanned or typed, on a French keyboard or another.

    Raises:
        ServiceError: PIECE_NUMBER_WRONG: not ten digits, or the check digits do not fit.
    """
    digits = from_azerty("".join(scanned.split()))
    if len(digits) != _DIGITS + 2 or not digits.isascii() or not digits.isdecimal():
        raise ServiceError("PIECE_NUMBER_WRONG", number=scanned[:40])
    if checked(digits[:_DIGITS]) != digits:
        raise ServiceError("PIECE_NUMBER_WRONG", number=digits)
    return digits


def piece_of(connection: Connection, number: str) -> Row[Any]:
    """Return a piece that was handed in. Raises ServiceError PIECE_UNKNOWN."""
    book = tables.hand_in
    row = connection.execute(select(book).where(book.c.number == number)).one_or_none()
    if row is None:
        raise ServiceError("PIECE_UNKNOWN", number=number)
    return row


def waiting(connection: Connection, destination: str | None = None) -> list[Row[Any]]:
    """Return what waits for a bag, by destination and then in order of handing in."""
    book = tables.hand_in
    which: list[ColumnElement[bool]] = [book.c.seal.is_(None)]
    if destination is not None:
        which.append(book.c.destination == destination)
    return list(
        connection.execute(select(book).where(*which).order_by(book.c.destination, book.c.number))
    )


def open_piece(body: bytes, custodian: Custodian) -> Item:
    """Open a piece. Raises KeysError: the custodian refuses."""
    return read_item(Record(canonical.decode(custodian.open_bag_text(body)), "piece"))


def as_line(piece: Item, line: int) -> Item:
    """Return an opened piece as a line of a bordereau, newly salted."""
    return replace(piece, line=line, salt=secrets.token_bytes(SALT_BYTES))


def lay(connection: Connection, number: str, seal: str | None, line: int | None) -> None:
    """Note in which bag a piece lies, or that it waits again."""
    book = tables.hand_in
    connection.execute(update(book).where(book.c.number == number).values(seal=seal, line=line))


def give_back(connection: Connection, seal: str) -> None:
    """Let the pieces of a bag that came back wait for another; its bordereau keeps its lines."""
    book = tables.hand_in
    connection.execute(update(book).where(book.c.seal == seal).values(seal=None, line=None))


def laid_as(connection: Connection, seal: str, line: int) -> str | None:
    """Return the number of the piece that is a line of a bag, None for one without a number."""
    book = tables.hand_in
    found: str | None = connection.scalar(
        select(book.c.number).where(book.c.seal == seal, book.c.line == line)
    )
    return found


def numbers_in(connection: Connection, seal: str) -> dict[int, str]:
    """Return the numbers of the pieces in a bag by their lines."""
    book = tables.hand_in
    rows = connection.execute(select(book.c.line, book.c.number).where(book.c.seal == seal))
    return {row.line: row.number for row in rows}


def _handed_in(connection: Connection, piece: Piece) -> bool:
    book = tables.hand_in
    same = book.c.dispatch == piece.dispatch, book.c.destination == piece.destination
    return connection.scalar(select(book.c.number).where(*same)) is not None


def _item(piece: Piece, line: int) -> Item:
    members = asdict(piece)
    del members["destination"], members["dispatch"]
    return Item(line=line, salt=bytes(SALT_BYTES), **members)


def _checked(item: Item) -> Item:
    try:
        return read_item(Record(item_object(item), "piece"))
    except ValueError as error:
        raise ServiceError("PIECE_MALFORMED", member=wrong_member(error)) from error
