"""Cards whose keys travel with a controlled item: made at headquarters, say, for a new post.

Such a card comes in by a code like every other, and waits: it is put in force only once the item's
receiver has signed for it, which a bag allows when two have discharged it over intact seals. Once
the item is compromised the card is never put in force, and is withdrawn where it was.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from cipher_service.directory.compromises import is_compromised, is_signed_for
from cipher_service.directory.register import DirectoryReader
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.controlled import card_carriage
from cipher_service.storage.tables.directory import card as cards
from keys.cards import Card


@dataclass(frozen=True, slots=True)
class InUse:
    """A card that was not withdrawn: whose it is, and its fingerprint."""

    post: str
    fingerprint: str


def carry(connection: Connection, item: int, card: Card, directory: DirectoryReader) -> None:
    """Note that a card's keys travel with a controlled item.

    Raises:
        ServiceError: UNKNOWN_POST, CARD_OF_HEADQUARTERS (its keys leave the custodian never),
            CARD_CARRIED (with an item already).
    """
    known = directory.current(connection)
    if known.post(card.post).code == known.headquarters:
        raise ServiceError("CARD_OF_HEADQUARTERS", post=card.post)
    book = card_carriage
    before = connection.scalar(
        select(book.c.item).where(book.c.fingerprint == card.fingerprint).limit(1)
    )
    if before is not None:
        raise ServiceError("CARD_CARRIED", item=before)
    connection.execute(book.insert().values(fingerprint=card.fingerprint, item=item))


def require_unharmed(connection: Connection, fingerprint: str) -> None:
    """Demand that a card's keys were not compromised on their way. Raises CARD_COMPROMISED."""
    book = card_carriage.c
    item = connection.scalar(
        select(book.item).where(book.fingerprint == fingerprint, is_compromised(book.item))
    )
    if item is not None:
        raise ServiceError("CARD_COMPROMISED", item=item)


def require_arrived(connection: Connection, fingerprint: str) -> None:
    """Demand that a card's keys are where they belong, if they travelled at all.

    Raises:
        ServiceError: CARD_COMPROMISED; CARD_IN_TRANSIT: nobody has signed for the item yet.
    """
    require_unharmed(connection, fingerprint)
    book = card_carriage.c
    item = connection.scalar(
        select(book.item).where(book.fingerprint == fingerprint, ~is_signed_for(book.item))
    )
    if item is not None:
        raise ServiceError("CARD_IN_TRANSIT", item=item)


def compromised_with(connection: Connection, item: int) -> list[InUse]:
    """Return the cards that are to be withdrawn, since the item of their keys is compromised."""
    book = card_carriage.c
    rows = connection.execute(
        select(cards.c.post, cards.c.fingerprint)
        .join(card_carriage, book.fingerprint == cards.c.fingerprint)
        .where(book.item == item, is_compromised(book.item), cards.c.state != "withdrawn")
        .order_by(cards.c.fingerprint)
    )
    return [InUse(row.post, row.fingerprint) for row in rows]
