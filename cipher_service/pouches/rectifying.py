"""Headquarters puts right a bordereau that it sealed: by two, signed, on record (article 15).

What was sealed stays. The books hold each rectification as ciphertext to the bureau's card, for it
names senders and addressees; beside it stand its salted hash and the bag's weight as it is right.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from cipher_service import clock
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.pouches import carriage, closing, repository, sealers, signing
from cipher_service.pouches.entitlement import PACK, SEAL
from cipher_service.pouches.office import Office, Sitting
from cipher_service.pouches.signing import CustodianSealer
from cipher_service.storage.tables.pouches import closing as closings
from cipher_service.storage.tables.pouches import rectification as book
from cipher_service.storage.tables.pouches import rectifying as waits
from keys import canonical
from keys.age.files import encrypt
from keys.cards import Card
from keys.custody import Custodian
from keys.custody.bag_texts import RECTIFIED
from pouch.bordereau import digest
from pouch.changes import change_of
from pouch.epcis import Reweighed
from pouch.errors import RectificationMalformed, RectificationNotOfBag, RectificationUnwitnessed
from pouch.manifest import SALT_BYTES, Manifest
from pouch.pack import RectifiedTo
from pouch.rectification import (
    Rectification,
    SignedRectification,
    make_rectification,
    read_rectification,
    rectified,
)
from pouch.sealed import SealedManifest, Sealer


@dataclass(frozen=True, slots=True)
class Correction:
    """What somebody found to be wrong.

    Attributes:
        typed: each change as `pouch.changes` reads it.
        reason: why, one line.
    """

    typed: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A rectification that two persons issued.

    Attributes:
        sealed: the manifest as it was sealed.
        statement: what is put right.
        file: with its signatures.
        second: name of the second person.
        witnessed: whether the second person's own card signed too.
    """

    sealed: SealedManifest
    statement: Rectification
    file: bytes
    second: str
    witnessed: bool


@dataclass(frozen=True, slots=True)
class Stand:
    """What a rectification is drawn up from, as the books stand.

    Attributes:
        row: what was sealed, unopened.
        earlier: the rectifications before, in their order, unopened.
        cards: the directory's.
        name: of who answers for it.
        function: of that person, in words.
    """

    row: Row[Any]
    earlier: tuple[Row[Any], ...]
    cards: tuple[Card, ...]
    name: str
    function: str


def rectify(
    office: Office,
    seal: str,
    correction: Correction,
    *,
    by: str,
    second: str,
    witness: Sealer | None = None,
) -> Issued:
    """Put a sealed bordereau right by two persons, as they would close a bag.

    Args:
        office: the bureau.
        seal: the closing, or what names its bag.
        correction: what is right, and why.
        by: who answers for it.
        second: the other person, who packed nothing.
        witness: the second person's own card; needed where theirs closed the bag.

    Raises:
        ServiceError: CLOSING_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER, NOT_SEALED_HERE, BUSY;
            RECTIFICATION_IMPOSSIBLE: nothing of the kind can be put right.
        Refusal: RectificationUnwitnessed, WitnessIsSealer, what a reader would refuse, or the
            custodian's.
    """
    with office.consider("pouch_rectify", seal) as sitting:
        stand = stand_of(sitting, seal, by, second)
        other = officers.read(sitting.connection, second).identity.name
    seal = stand.row.seal
    with office.keys("pouch_papers", seal) as custodian:
        sealed = signing.open_kept(stand.row, stand.cards, custodian).sealed
        earlier = [opened(row, custodian) for row in stand.earlier]
        at_hand = [] if witness is None else [witness.card]
        trust = sealers.trusted(stand.cards, custodian, at_hand)
    if sealed.seal.claims.witness is not None and witness is None:
        raise RectificationUnwitnessed("the second person's card closed the bag")
    before = rectified(sealed, earlier, trust=trust, own_books=True)
    statement = drawn(stand, correction, sealed, before, office.now())
    with office.keys("pouch_sign", seal) as custodian:
        file = _signed(statement, custodian, witness)
    # What a receiver would refuse is refused here. The cards of who signed earlier as second may be
    # unknown to the directory, as a receiver learns them from whoever signed.
    right = rectified(sealed, [*earlier, read_rectification(file)], trust=trust, own_books=True)
    with office.act("pouch_rectify", seal) as sitting:
        if stand_of(sitting, seal, by, second).earlier != stand.earlier:
            raise ServiceError("BUSY")
        keep(sitting, statement, file, levels_of(right), right.weight_g, by=by, second=second)
    return Issued(sealed, statement, file, other, witness is not None)


def rows_of(connection: Connection, seal: str) -> list[Row[Any]]:
    """Return what is kept of a closing's rectifications, in their order."""
    return list(
        connection.execute(select(book).where(book.c.seal == seal).order_by(book.c.ordinal))
    )


def last_of(connection: Connection, seals: Sequence[str]) -> dict[str, RectifiedTo]:
    """Return how the bordereaux of these closings were put right, of those that were."""
    found: dict[str, RectifiedTo] = {}
    for named in repository.at_once(seals):
        rows = connection.execute(
            select(book.c.seal, book.c.ordinal, book.c.hash, closings.c.rectified_g)
            .join(closings, closings.c.seal == book.c.seal)
            .where(book.c.seal.in_(named))
            .order_by(book.c.ordinal)
        )
        found |= {row.seal: RectifiedTo(row.ordinal, row.hash, row.rectified_g) for row in rows}
    return found


def reweighed(connection: Connection, seal: str) -> list[Reweighed]:
    """Return the weights of a closing as they were put right, in their order."""
    return [
        Reweighed(row.hash, clock.parse(row.made_at), row.weight_g)
        for row in rows_of(connection, seal)
        if row.weight_g is not None
    ]


def untold(connection: Connection, seals: Sequence[str]) -> list[Row[Any]]:
    """Return the rectifications whose receivers were not told, of these closings or of all."""
    found = select(book).where(book.c.announcement.is_(None)).order_by(book.c.seal, book.c.ordinal)
    return list(connection.execute(found.where(book.c.seal.in_(seals)) if seals else found))


def is_untold(seal: ColumnElement[str]) -> ColumnElement[bool]:
    """Hold of a closing a rectification of which nobody told the receiver."""
    return select(book.c.seal).where(book.c.seal == seal, book.c.announcement.is_(None)).exists()


def note_told(connection: Connection, row: Row[Any], dispatch_id: str) -> None:
    """Note the dispatch by which a receiver was told of a rectification."""
    named = (book.c.seal == row.seal, book.c.ordinal == row.ordinal)
    connection.execute(update(book).where(*named).values(announcement=dispatch_id))


def opened(row: Row[Any], custodian: Custodian) -> SignedRectification:
    """Open a rectification that is kept. Raises KeysError: the custodian refuses."""
    return read_rectification(file_of(row, custodian))


def file_of(row: Row[Any], custodian: Custodian) -> bytes:
    """Return the file of a rectification that is kept, as it was signed."""
    text = canonical.decode(custodian.open_bag_text(row.body))
    return canonical.encode(text["rectification"])


def stand_of(sitting: Sitting, named: str, by: str, second: str | None) -> Stand:
    """Return what is on record of a closing that these may put right; without a second, somebody.

    Raises:
        ServiceError: CLOSING_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER, NOT_SEALED_HERE.
    """
    connection, found = sitting.connection, carriage.seen(sitting, named, by)
    if second is None:
        sitting.require(by, PACK, found)
        sitting.require_paired(by, SEAL, found)
    else:
        sitting.require(by, SEAL, found, second=second)
    row = signing.row_of(connection, found.seal)
    if row is None:
        raise ServiceError("NOT_SEALED_HERE", seal=found.seal)
    return Stand(
        row=row,
        earlier=tuple(rows_of(connection, found.seal)),
        cards=sealers.cards_in(connection),
        name=officers.read(connection, by).identity.name,
        function=closing.function_of(sitting, by),
    )


def drawn(
    stand: Stand,
    correction: Correction,
    sealed: SealedManifest,
    right: Manifest,
    now: datetime,
) -> Rectification:
    """Draw a rectification up.

    Args:
        stand: the books.
        correction: what is right, and why.
        sealed: what was sealed.
        right: the same as the rectifications before leave it.
        now: the present.

    Raises:
        ServiceError: RECTIFICATION_IMPOSSIBLE.
    """
    ordinal = len(stand.earlier) + 1
    try:
        statement = Rectification(
            number=f"{right.number}/R{ordinal}",
            bag=right.bag,
            seal=right.seal,
            digest=digest(sealed.manifest).hex(),
            ordinal=ordinal,
            previous=stand.earlier[-1].hash if stand.earlier else None,
            made=now.replace(microsecond=0),
            name=stand.name,
            function=stand.function,
            reason=correction.reason,
            changes=tuple(change_of(typed, right) for typed in correction.typed),
            salt=secrets.token_bytes(SALT_BYTES),
        )
        statement.encode()
    except (ValueError, RectificationMalformed, RectificationNotOfBag) as error:
        raise ServiceError("RECTIFICATION_IMPOSSIBLE") from error
    return statement


def _signed(statement: Rectification, custodian: Custodian, witness: Sealer | None) -> bytes:
    return make_rectification(statement, sealer=CustodianSealer(custodian), witness=witness)


def keep(
    sitting: Sitting,
    statement: Rectification,
    file: bytes,
    levels: Sequence[str],
    weight_g: int,
    *,
    by: str,
    second: str,
) -> None:
    """Put a rectification that was signed on record.

    Args:
        sitting: inside the act that records it.
        statement: what is put right.
        file: with its signatures.
        levels: of the bag's lines.
        weight_g: of the bag, as it is right now.
        by: who answers for it.
        second: the other person.
    """
    sitting.connection.execute(
        insert(book).values(
            seal=statement.seal,
            ordinal=statement.ordinal,
            number=statement.number,
            hash=statement.hash,
            made_at=clock.text(statement.made),
            first=by,
            second=second,
            weight_g=weight_g,
            body=encrypt(
                enclosed(RECTIFIED, levels, canonical.decode(file)), [sitting.office.card.recipient]
            ),
        )
    )
    repository.change_closing(sitting.connection, statement.seal, rectified_g=weight_g)
    # What waited for grants followed from the books of before.
    sitting.connection.execute(delete(waits).where(waits.c.seal == statement.seal))


def enclosed(shape: str, levels: Sequence[str], rectification: Any) -> bytes:
    """Return what is kept enciphered of a rectification, with the levels of its bag's lines."""
    body = {"v": 1, "type": shape, "levels": list(levels), "rectification": rectification}
    return canonical.encode(body)


def levels_of(right: Manifest) -> list[str]:
    """Return the levels of a bag's lines, each once."""
    return sorted({item.level for item in right.items})
