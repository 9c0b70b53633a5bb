"""Headquarters closes bags by two: drawn up from the books, signed, then on record (article 15)."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from cipher_service.directory import officers
from cipher_service.directory.roles import default_roles
from cipher_service.errors import ServiceError
from cipher_service.pouches import (
    carriage,
    custody,
    makeup,
    preparing,
    repository,
    sealers,
    signing,
    stock,
    waybills,
)
from cipher_service.pouches.entitlement import PACK, SEAL
from cipher_service.pouches.office import Office, Sitting
from cipher_service.pouches.packing import require_here
from cipher_service.pouches.repository import Closing
from cipher_service.pouches.signing import DAYS_DEFAULT, NONCE_BYTES, Kept
from keys.custody import Custodian
from pouch.bordereau import commit, digest
from pouch.classes import Certification
from pouch.facts import Sealed
from pouch.manifest import SALT_BYTES, Certifier, Manifest
from pouch.sealed import Sealer


@dataclass(frozen=True, slots=True)
class Closure:
    """What is done and stated when a bag is closed.

    Attributes:
        seals: numbers of the physical seals, as issued from the stock.
        weight_g: of the closed bag.
        certifier: who answers for the contents; packed nothing.
        absent: codes of `pouch.classes.PROHIBITED` that the certifier checked.
        days: how long the seal holds.
    """

    seals: tuple[str, ...]
    weight_g: int
    certifier: str
    absent: frozenset[str]
    days: int = DAYS_DEFAULT


def close(
    office: Office,
    seal: str,
    closure: Closure,
    *,
    by: str,
    second: str,
    witness: Sealer | None = None,
) -> Kept:
    """Close a bag by two persons: its seal is signed, and everything is on record, or nothing.

    Args:
        office: the bureau.
        seal: the closing.
        closure: what was done and stated.
        by: who closes.
        second: the witness, who packed nothing.
        witness: the second person's own card, for a signature of theirs; without it a verdict
            says that the seal is unwitnessed, though the books name both.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER, WAYBILL_MISSING, BAGS_ALL_SEALED,
            MANIFEST_IMPOSSIBLE, BAG_SEALED; BUSY: the bag was changed while it was signed; as
            `makeup.seal_bag`.
        Refusal: NotCertified, LimitsExceeded, SealNumberUsed, SealNotInHand, WitnessIsSealer, or
            the custodian's.
    """
    with office.consider("pouch_seal", seal) as sitting:
        outline = outline_of(sitting, seal, closure, by=by, second=second)
    with office.keys("pouch_lines", seal) as custodian:
        drawn = draw_up(outline, closure, custodian)
    with office.keys("pouch_sign", seal) as custodian:
        kept = Kept(signing.sign(drawn.manifest, custodian, witness), drawn.nonce)
    with office.act("pouch_seal", seal) as sitting:
        closing = closable(sitting, seal, closure.certifier, by=by, second=second)
        if outline.stand != _stand(sitting, closing):
            raise ServiceError("BUSY")
        manifest = kept.sealed.manifest
        preparing.take_number(sitting.connection, seal, manifest.number)
        record(
            sitting,
            closing,
            Sealed(digest(manifest).hex(), manifest.seals, manifest.weight_g),
            head=commit(manifest)[0],
            nonce_sha256=manifest.nonce_sha256,
            certification=Certification(closure.certifier, closure.absent),
            by=by,
            second=second,
        )
        signing.keep(sitting.connection, closing, kept, office.card)
    return kept


def record(
    sitting: Sitting,
    closing: Closing,
    facts: Sealed,
    *,
    head: bytes,
    nonce_sha256: str,
    certification: Certification,
    by: str,
    second: str,
) -> None:
    """Put a closing that two persons signed on record: its event and what follows from it.

    Raises:
        ServiceError, Refusal: as `makeup.seal_bag`.
    """
    office, connection = sitting.office, sitting.connection
    event, body = office.desks.sign(
        connection,
        facts,
        bag=closing.bag,
        seal=closing.seal,
        officer=by,
        second=second,
        now=sitting.now,
    )
    makeup.seal_bag(
        connection,
        event,
        head=head,
        nonce_sha256=nonce_sha256,
        certification=certification,
        now=sitting.now,
    )
    custody.keep(connection, event, body, caller=office.post, now=sitting.now)


def papers_of(office: Office, seal: str, *, by: str) -> Kept:
    """Open what was signed at a closing, to print its papers (again).

    Raises:
        ServiceError: CLOSING_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER, NOT_SEALED_HERE,
            SEALED_FORGED.
        KeysError: the custodian refuses.
    """
    with office.consider("pouch_papers", seal) as sitting:
        sitting.require(by, PACK, carriage.seen(sitting, seal, by))
        row = signing.row_of(sitting.connection, seal)
        cards = sealers.cards_in(sitting.connection)
    if row is None:
        raise ServiceError("NOT_SEALED_HERE", seal=seal)
    with office.keys("pouch_papers", seal) as custodian:
        return signing.open_kept(row, cards, custodian)


@dataclass(frozen=True, slots=True)
class Outline:
    """What a manifest is drawn up from: the books as they stand, and what is still enciphered."""

    closing: Closing
    number: str
    ordinal: int
    waybill: bytes
    lines: tuple[bytes, ...]
    certifier: Certifier
    closed: datetime
    stand: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A manifest that is ready to be signed, and its secret."""

    manifest: Manifest
    nonce: str


def outline_of(
    sitting: Sitting, seal: str, closure: Closure, *, by: str, second: str | None
) -> Outline:
    """Return what the manifest of a bag is drawn up from.

    Raises:
        ServiceError: as `closable` and `preparing.next_number`.
    """
    connection = sitting.connection
    closing = closable(sitting, seal, closure.certifier, by=by, second=second)
    number, ordinal = preparing.next_number(connection, closing, sitting.now)
    named = officers.read(connection, closure.certifier).identity.name
    return Outline(
        closing=closing,
        number=number,
        ordinal=ordinal,
        waybill=waybills.body_of(connection, closing.departure),
        lines=tuple(bytes(row.body) for row in repository.lines_of(connection, seal)),
        certifier=Certifier(closure.certifier, named, function_of(sitting, closure.certifier)),
        closed=sitting.now,
        stand=_stand(sitting, closing),
    )


def draw_up(outline: Outline, closure: Closure, custodian: Custodian) -> Drawn:
    """Open what the manifest is made of; the books are not held meanwhile.

    Raises:
        ServiceError: BAG_EMPTY, SEAL_NUMBERS_MALFORMED.
        KeysError: the custodian refuses.
    """
    nonce, closing = secrets.token_hex(NONCE_BYTES), outline.closing
    manifest = Manifest(
        number=outline.number,
        bag=closing.bag,
        seal=closing.seal,
        ordinal=outline.ordinal,
        bag_class=closing.bag_class,
        seals=stock.require_numbers(closure.seals),
        weight_g=closure.weight_g,
        closed=outline.closed,
        expires=outline.closed + timedelta(days=closure.days),
        certifier=outline.certifier,
        waybill=waybills.open_body(outline.waybill, custodian),
        items=signing.items_of(closing.seal, outline.lines, custodian),
        nonce_sha256=sha256(bytes.fromhex(nonce)).hexdigest(),
        salt=secrets.token_bytes(SALT_BYTES),
    )
    return Drawn(manifest, nonce)


def closable(
    sitting: Sitting, seal: str, certifier: str, *, by: str, second: str | None
) -> Closing:
    """Return a closing that may be sealed by these; without a second, with somebody.

    Raises:
        ServiceError: CLOSING_UNKNOWN, WRONG_PLACE, BAG_SEALED, NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    closing = sitting.closing(seal)
    require_here(sitting.office, closing.route.origin)
    if closing.manifest is not None:
        raise ServiceError("BAG_SEALED", seal=seal)
    if second is None:
        sitting.require(by, PACK, closing)
        sitting.require_paired(by, SEAL, closing)
    else:
        sitting.require(by, SEAL, closing, second=second)
    sitting.require(certifier, PACK, closing)
    return closing


def _stand(sitting: Sitting, closing: Closing) -> tuple[object, ...]:
    """Return what must not have changed between the signature and the act that records it."""
    connection = sitting.connection
    return (
        waybills.body_of(connection, closing.departure),
        [row.commitment for row in repository.lines_of(connection, closing.seal)],
        preparing.next_number(connection, closing, sitting.now),
    )


def function_of(sitting: Sitting, officer: str) -> str:
    """Return the first function that an officer holds, in words; their number where none."""
    held = officers.functions(sitting.connection, officer, sitting.now)
    return default_roles().roles[held[0].role].fr if held else officer
