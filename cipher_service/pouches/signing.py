"""What two persons sign when they close a bag at headquarters, and where it is kept.

The manifest is put together from the lines as they were committed, so that what is signed is what
was scanned in. The whole file and the secret for the inside of the bag are kept as ciphertext to
the bureau's card: a process killed between the signature and the printer loses no bag.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from cipher_service.errors import ServiceError
from cipher_service.pouches import repository, waybills
from cipher_service.pouches.repository import Closing
from cipher_service.storage import counters
from cipher_service.storage.tables import pouches as tables
from keys import canonical
from keys.age.files import encrypt
from keys.cards import Card
from keys.cose import decode_cbor
from keys.custody import Custodian
from keys.custody.desk import SealSignatures
from keys.devices import SEAL
from keys.records import Record
from keys.signing import Signatures
from pouch.errors import BordereauMalformed
from pouch.manifest import Item, Manifest
from pouch.members import read_item
from pouch.sealed import SealedManifest, Sealer, read_sealed, seal_manifest

NONCE_BYTES: Final = 16
DAYS_DEFAULT: Final = 30

_TYPE: Final = "valise/v1 kept-closing"


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
        """Both signatures of the sealed manifest."""
        if context != SEAL:
            raise ValueError("the bureau seals bags here, and nothing else")
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
        read_item(Record(canonical.decode(custodian.open_sealed(body)), "line")) for body in lines
    )


def next_number(connection: Connection, closing: Closing, now: datetime) -> tuple[str, int]:
    """Return the number that the next bordereau takes, and which bag of its departure it is.

    Raises:
        ServiceError: WAYBILL_MISSING; BAGS_ALL_SEALED: the waybill names no further bag.
    """
    number = counters.read(connection, _counter(now.year)) + 1
    ordinal = repository.sealed_in(connection, closing.departure) + 1
    packages = waybills.packages_of(connection, closing.departure)
    if ordinal > packages:
        raise ServiceError("BAGS_ALL_SEALED", departure=closing.departure, packages=packages)
    return f"VAL {now.year}-{number:06d}", ordinal


def take_number(connection: Connection, number: str) -> None:
    """Take a bordereau's number. Raises ServiceError BUSY: somebody took it meanwhile."""
    year = int(number.split()[1].partition("-")[0])
    if f"VAL {year}-{counters.advance(connection, _counter(year)):06d}" != number:
        raise ServiceError("BUSY")


def sign(manifest: Manifest, custodian: Custodian, witness: Sealer | None) -> SealedManifest:
    """Have the bureau's key sign, and the second person's own card where they brought it.

    Raises:
        ServiceError: MANIFEST_IMPOSSIBLE.
        KeysError: the custodian refuses.
    """
    try:
        return seal_manifest(manifest, sealer=CustodianSealer(custodian), witness=witness)
    except BordereauMalformed as error:
        raise ServiceError("MANIFEST_IMPOSSIBLE", problem=str(error)) from error


def keep(connection: Connection, closing: Closing, kept: Kept, card: Card) -> None:
    """Keep what was signed, in the unit of work that records the closing."""
    manifest = kept.sealed.manifest
    body = canonical.encode(
        {
            "v": 1,
            "type": _TYPE,
            "nonce": kept.nonce,
            "sealed": canonical.decode(kept.sealed.to_bytes()),
        }
    )
    connection.execute(
        insert(tables.sealed).values(
            seal=closing.seal,
            number=manifest.number,
            ordinal=manifest.ordinal,
            departure=closing.departure,
            symbol=kept.sealed.seal.text,
            body=encrypt(body, [card.recipient]),
        )
    )


def open_kept(body: bytes, custodian: Custodian) -> Kept:
    """Open what was signed at a closing of headquarters. Raises KeysError: it refuses."""
    read = canonical.decode(custodian.open_sealed(body))
    return Kept(read_sealed(canonical.encode(read["sealed"])), read["nonce"])


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


def announced(connection: Connection, seal: str, dispatch_id: str) -> None:
    """Note the dispatch by which the receiver was told."""
    connection.execute(
        update(tables.sealed).where(tables.sealed.c.seal == seal).values(announcement=dispatch_id)
    )


def _counter(year: int) -> str:
    return f"pouch_bordereau_{year}"
