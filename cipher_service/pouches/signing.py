"""What two persons sign when they close a bag at headquarters, and where it is kept.

The manifest is put together from the lines as they were committed, so that what is signed is what
was scanned in. The whole file and the secret for the inside of the bag are kept as ciphertext to
the bureau's card: a process killed between the signature and the printer loses no bag.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from cipher_service.errors import ServiceError
from cipher_service.pouches import logging_seals, preparing, sealers
from cipher_service.pouches.members import wrong_member
from cipher_service.pouches.preparing import Waiting
from cipher_service.pouches.repository import Closing
from cipher_service.storage.tables import pouches as tables
from keys import canonical
from keys.age.files import encrypt
from keys.cards import Card
from keys.cose import decode_cbor
from keys.custody import Custodian
from keys.custody.bag_texts import DRAWN, KEPT
from keys.custody.desk import SealSignatures
from keys.devices import RECTIFICATION, SEAL
from keys.errors import Refusal, SignatureInvalid
from keys.records import FINGERPRINT, Record
from keys.signing import Signatures
from keys.statements import object_of_signatures, read_signatures
from pouch.errors import BordereauMalformed
from pouch.manifest import Item, Manifest
from pouch.members import manifest_object, read_item, read_manifest
from pouch.seal import claims_of, make_seal, read_seal
from pouch.sealed import SealedManifest, Sealer, Signed, read_sealed, seal_manifest

NONCE_BYTES: Final = 16
DAYS_DEFAULT: Final = 30


@dataclass(frozen=True, slots=True)
class Kept:
    """What was signed at a closing.

    Attributes:
        sealed: the sealed manifest.
        nonce: the secret inside the bag, 32 hexadecimal digits.
    """

    sealed: SealedManifest
    nonce: str


class CustodianSealer:
    """The bureau as a `Sealer`: the claims are parsed and signed by the custodian."""

    def __init__(self, custodian: Custodian) -> None:
        self._custodian = custodian
        self._card = custodian.card()
        self._last: tuple[bytes, SealSignatures] | None = None

    @property
    def card(self) -> Card:
        """The bureau's card."""
        return self._card

    def sign_cose(self, structure: bytes) -> bytes:
        """The label's signature; the custodian builds the structure anew from the claims."""
        return self._signed(decode_cbor(structure)[3]).cose

    def sign(self, context: str, message: bytes) -> Signatures:
        """Both signatures of the sealed manifest, or of a rectification of it."""
        if context == RECTIFICATION:
            return self._custodian.sign_rectification(message)
        if context != SEAL:
            raise ValueError("the bureau seals bags here and puts bordereaux right, nothing else")
        return self._signed(message).full

    def _signed(self, claims: bytes) -> SealSignatures:
        if self._last is None or self._last[0] != claims:
            self._last = claims, self._custodian.sign_seal(claims)
        return self._last[1]


def items_of(seal: str, lines: Sequence[bytes], custodian: Custodian) -> tuple[Item, ...]:
    """Open the lines of a bag that is being made up, in their order.

    Raises:
        ServiceError: BAG_EMPTY.
        KeysError: the custodian refuses.
    """
    if not lines:
        raise ServiceError("BAG_EMPTY", seal=seal)
    return tuple(
        read_item(Record(canonical.decode(custodian.open_bag_text(body)), "line")) for body in lines
    )


def sign(manifest: Manifest, custodian: Custodian, witness: Sealer | None) -> SealedManifest:
    """Have the bureau's key sign, and the second person's own card where they brought it.

    Raises:
        ServiceError: MANIFEST_IMPOSSIBLE.
        KeysError: the custodian refuses.
    """
    try:
        return seal_manifest(manifest, sealer=CustodianSealer(custodian), witness=witness)
    except BordereauMalformed as error:
        raise ServiceError("MANIFEST_IMPOSSIBLE", member=wrong_member(error)) from error


def claims(manifest: Manifest) -> bytes:
    """Return what the bureau's key is to sign under two grants, without a card of the witness.

    Raises:
        ServiceError: MANIFEST_IMPOSSIBLE.
    """
    try:
        return claims_of(manifest, None).encode()
    except BordereauMalformed as error:
        raise ServiceError("MANIFEST_IMPOSSIBLE", member=wrong_member(error)) from error


def keep(connection: Connection, closing: Closing, kept: Kept, card: Card) -> None:
    """Keep what was signed, in the unit of work that records the closing."""
    body = canonical.encode(
        {
            "v": 1,
            "type": KEPT,
            "nonce": kept.nonce,
            "sealed": canonical.decode(kept.sealed.to_bytes()),
        }
    )
    manifest, symbol = kept.sealed.manifest, kept.sealed.seal.text
    _insert(
        connection,
        closing,
        manifest.number,
        manifest.ordinal,
        symbol,
        encrypt(body, [card.recipient]),
    )


def enclose(manifest: Manifest, nonce: str, card: Card) -> bytes:
    """Return a manifest that is not signed yet, with its secret, as ciphertext to the card."""
    body = {"v": 1, "type": DRAWN, "nonce": nonce, "manifest": manifest_object(manifest)}
    return encrypt(canonical.encode(body), [card.recipient])


def keep_apart(
    connection: Connection, closing: Closing, waiting: Waiting, card: Card, signed: SealSignatures
) -> None:
    """Keep what was enclosed before, and beside it the signatures that the custodian made.

    Raises:
        ServiceError: SEAL_NOT_OF_CARD: they are not the card's under these claims.
    """
    said = waiting.said
    seal = make_seal(said, card=card, sign=lambda _structure: signed.cose)
    try:
        seal.message.verify(card.verifying_key)
        card.verifying_key.verify(SEAL, waiting.claims, signed.full)
    except SignatureInvalid as error:
        raise ServiceError("SEAL_NOT_OF_CARD", seal=closing.seal) from error
    sealer = {"fingerprint": card.fingerprint, **object_of_signatures(signed.full)}
    _insert(
        connection, closing, waiting.number, said.ordinal, seal.text, waiting.body,
        sealer=canonical.encode(sealer).decode("ascii"),
    )  # fmt: skip


def open_kept(row: Row[Any], cards: Sequence[Card], custodian: Custodian) -> Kept:
    """Open what was signed at a closing of headquarters, and verify that it was signed so.

    Args:
        row: the closing, as the books hold it.
        cards: the directory's (`sealers.cards_in`).
        custodian: opens it, and says which cards are the bureau's.

    Raises:
        ServiceError: SEALED_FORGED: as `sealers.require_sealed`.
        KeysError: the custodian refuses.
    """
    text = custodian.open_bag_text(row.body)
    try:
        kept = _read_kept(row, text)
        sealers.require_sealed(row, kept.sealed, kept.nonce, cards, custodian)
    except (ValueError, LookupError, TypeError, Refusal) as error:
        raise ServiceError("SEALED_FORGED", number=row.number) from error
    return kept


def _read_kept(row: Row[Any], text: bytes) -> Kept:
    read = canonical.decode(text)
    if row.sealer is None:
        return Kept(read_sealed(canonical.encode(read["sealed"])), read["nonce"])
    sealer = Record(canonical.decode(row.sealer.encode()), "sealer")
    signed = Signed(sealer.text("fingerprint", FINGERPRINT), read_signatures(sealer))
    manifest = read_manifest(Record(read["manifest"], "manifest"))
    return Kept(SealedManifest(manifest, read_seal(row.symbol), signed, None), read["nonce"])


def row_of(connection: Connection, seal: str) -> Row[Any] | None:
    """Return what is kept of a closing, unopened."""
    return connection.execute(
        select(tables.sealed).where(tables.sealed.c.seal == seal)
    ).one_or_none()


def unannounced(connection: Connection) -> list[Row[Any]]:
    """Return the closings whose receiver was not told, in order of their bordereaux."""
    book = tables.sealed
    return list(
        connection.execute(
            select(book).where(book.c.announcement.is_(None)).order_by(book.c.number)
        )
    )


def is_announced(connection: Connection, seal: str) -> bool:
    """Say whether the receiver of a closing was told of it."""
    told = select(tables.sealed.c.announcement).where(tables.sealed.c.seal == seal)
    return connection.scalar(told) is not None


def announcing(connection: Connection, seal: str, dispatch_id: str | None) -> None:
    """Note the dispatch by which an officer is about to tell the receiver."""
    connection.execute(
        update(tables.sealed).where(tables.sealed.c.seal == seal).values(announcing=dispatch_id)
    )


def being_announced(connection: Connection) -> list[Row[Any]]:
    """Return the closings whose announcement an officer began and did not end."""
    book = tables.sealed
    begun = (book.c.announcing.is_not(None), book.c.announcement.is_(None))
    return list(connection.execute(select(book).where(*begun)))


def announced(connection: Connection, seal: str, dispatch_id: str) -> None:
    """Note the dispatch by which the receiver was told."""
    connection.execute(
        update(tables.sealed).where(tables.sealed.c.seal == seal).values(announcement=dispatch_id)
    )


def _insert(
    connection: Connection,
    closing: Closing,
    number: str,
    ordinal: int,
    symbol: str,
    body: bytes,
    sealer: str | None = None,
) -> None:
    connection.execute(
        insert(tables.sealed).values(
            seal=closing.seal,
            number=number,
            ordinal=ordinal,
            departure=closing.departure,
            symbol=symbol,
            body=body,
            sealer=sealer,
        )
    )
    preparing.finish(connection, closing.seal)
    logging_seals.enter(connection, symbol)
