"""Headquarters makes bags up and closes them: hand-in, scan-to-add, sealing by two (confection)."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Row

from cipher_service.access.principals import rank
from cipher_service.directory import officers
from cipher_service.directory.roles import default_roles
from cipher_service.errors import ServiceError
from cipher_service.pouches import (
    custody,
    handing_in,
    makeup,
    repository,
    rules,
    signing,
    stock,
    waybills,
)
from cipher_service.pouches.entitlement import LIST, PACK, SEAL, house
from cipher_service.pouches.handing_in import Piece
from cipher_service.pouches.makeup import NewLine
from cipher_service.pouches.office import Office, Sitting
from cipher_service.pouches.repository import Closing
from cipher_service.pouches.signing import DAYS_DEFAULT, NONCE_BYTES, Kept
from keys import canonical
from keys.age.files import encrypt
from pouch.bordereau import commit, commit_line, digest
from pouch.claims import SEAL_BYTES
from pouch.classes import Certification
from pouch.facts import Prepared, Sealed
from pouch.manifest import SALT_BYTES, BagClass, Certifier, Manifest
from pouch.members import item_object
from pouch.sealed import Sealer


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
        event, body = office.desks.sign(
            connection, Prepared(), bag=bag, seal=seal, officer=by, second=None, now=sitting.now
        )
        makeup.begin(connection, event, departure=departure, bag_class=bag_class, now=sitting.now)
        closing = sitting.closing(seal)
        _require_here(office, closing.route.origin)
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
        row = _fitting(sitting, seal, number, by)
    if row.seal == seal:
        return _laid(row, row.line, new=False)
    with office.keys("pouch_piece", seal) as custodian:
        piece = handing_in.open_piece(row, custodian)
    with office.act("pouch_line", seal) as sitting:
        connection = sitting.connection
        row = _fitting(sitting, seal, number, by)
        if row.seal == seal:
            return _laid(row, row.line, new=False)
        line = len(repository.lines_of(connection, seal)) + 1
        item = handing_in.as_line(piece, line)
        makeup.add_line(
            connection,
            seal,
            NewLine(
                line=line,
                commitment=commit_line(item),
                level=item.level,
                quantity=item.quantity,
                weight_g=item.weight_g,
                body=encrypt(canonical.encode(item_object(item)), [office.card.recipient]),
            ),
            officer=by,
            scheme=office.gate.scheme,
            now=sitting.now,
        )
        handing_in.lay(connection, number, seal, line)
        return _laid(row, line, new=True)


def take_out(office: Office, seal: str, *, by: str) -> str | None:
    """Take the last piece out of a bag that is not sealed; return its number, it waits again.

    Raises:
        ServiceError: CLOSING_UNKNOWN, BAG_SEALED, BAG_EMPTY, NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    with office.act("pouch_take_out", seal) as sitting:
        closing = sitting.closing(seal)
        _require_here(office, closing.route.origin)
        sitting.require(by, PACK, closing)
        line = len(repository.lines_of(sitting.connection, seal))
        if line == 0:
            raise ServiceError("BAG_EMPTY", seal=seal)
        makeup.remove_line(sitting.connection, seal, line)
        number = handing_in.laid_as(sitting.connection, seal, line)
        if number is not None:
            handing_in.lay(sitting.connection, number, None, None)
        return number


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
            MANIFEST_IMPOSSIBLE, BAG_SEALED; as `makeup.seal_bag`.
        Refusal: NotCertified, LimitsExceeded, SealNumberUsed, SealNotInHand, WitnessIsSealer, or
            the custodian's.
    """
    drawn = _draw_up(office, seal, closure, by=by, second=second)
    with office.keys("pouch_sign", seal) as custodian:
        kept = Kept(signing.sign(drawn.manifest, custodian, witness), drawn.nonce)
    with office.act("pouch_seal", seal) as sitting:
        closing = _closable(sitting, seal, closure, by, second)
        if drawn.stand != _stand(sitting, closing):
            raise ServiceError("BUSY")
        _record(sitting, closing, kept, closure, by=by, second=second)
    return kept


def _record(
    sitting: Sitting, closing: Closing, kept: Kept, closure: Closure, *, by: str, second: str
) -> None:
    """Put a closing that was signed on record: its number, its event, what follows from it."""
    office, connection, manifest = sitting.office, sitting.connection, kept.sealed.manifest
    signing.take_number(connection, manifest.number)
    event, body = office.desks.sign(
        connection,
        Sealed(digest(manifest).hex(), manifest.seals, manifest.weight_g),
        bag=closing.bag,
        seal=closing.seal,
        officer=by,
        second=second,
        now=sitting.now,
    )
    makeup.seal_bag(
        connection,
        event,
        head=commit(manifest)[0],
        nonce_sha256=manifest.nonce_sha256,
        certification=Certification(closure.certifier, closure.absent),
        now=sitting.now,
    )
    custody.keep(connection, event, body, caller=office.post, now=sitting.now)
    signing.keep(connection, closing, kept, office.card)


def papers_of(office: Office, seal: str, *, by: str) -> Kept:
    """Open what was signed at a closing, to print its papers (again).

    Raises:
        ServiceError: CLOSING_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER, NOT_SEALED_HERE.
        KeysError: the custodian refuses.
    """
    with office.consider("pouch_papers", seal) as sitting:
        sitting.require(by, PACK, sitting.closing(seal))
        row = signing.row_of(sitting.connection, seal)
    if row is None:
        raise ServiceError("NOT_SEALED_HERE", seal=seal)
    with office.keys("pouch_papers", seal) as custodian:
        return signing.open_kept(row.body, custodian)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A manifest that is ready to be signed, its secret, and the books that it was drawn from."""

    manifest: Manifest
    nonce: str
    stand: tuple[object, ...]


def _draw_up(office: Office, seal: str, closure: Closure, *, by: str, second: str) -> _Drawn:
    """Open what the manifest is made of, before the books are held for the closing."""
    nonce = secrets.token_hex(NONCE_BYTES)
    with office.consider("pouch_seal", seal) as sitting:
        connection = sitting.connection
        closing = _closable(sitting, seal, closure, by, second)
        number, ordinal = signing.next_number(connection, closing, sitting.now)
        waybill = waybills.body_of(connection, closing.departure)
        lines = [row.body for row in repository.lines_of(connection, seal)]
        function = _function_of(sitting, closure.certifier)
        certifier = officers.read(connection, closure.certifier).identity.name
        stand = _stand(sitting, closing)
        now = sitting.now
    with office.keys("pouch_lines", seal) as custodian:
        manifest = Manifest(
            number=number,
            bag=closing.bag,
            seal=seal,
            ordinal=ordinal,
            bag_class=closing.bag_class,
            seals=stock.require_numbers(closure.seals),
            weight_g=closure.weight_g,
            closed=now,
            expires=now + timedelta(days=closure.days),
            certifier=Certifier(closure.certifier, certifier, function),
            waybill=waybills.open_body(waybill, custodian),
            items=signing.items_of(seal, lines, custodian),
            nonce_sha256=sha256(bytes.fromhex(nonce)).hexdigest(),
            salt=secrets.token_bytes(SALT_BYTES),
        )
    return _Drawn(manifest, nonce, stand)


def _closable(sitting: Sitting, seal: str, closure: Closure, by: str, second: str) -> Closing:
    closing = sitting.closing(seal)
    _require_here(sitting.office, closing.route.origin)
    if closing.manifest is not None:
        raise ServiceError("BAG_SEALED", seal=seal)
    sitting.require(by, SEAL, closing, second=second)
    sitting.require(closure.certifier, PACK, closing)
    return closing


def _stand(sitting: Sitting, closing: Closing) -> tuple[object, ...]:
    """Return what must not have changed between the signature and the act that records it."""
    connection = sitting.connection
    return (
        waybills.body_of(connection, closing.departure),
        [row.commitment for row in repository.lines_of(connection, closing.seal)],
        signing.next_number(connection, closing, sitting.now),
    )


def _fitting(sitting: Sitting, seal: str, number: str, officer: str) -> Row[Any]:
    """Return a piece that lies in this bag already, or that the officer may lay into it."""
    closing = sitting.closing(seal)
    _require_here(sitting.office, closing.route.origin)
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


def _require_here(office: Office, origin: str) -> None:
    if origin != office.post:
        raise ServiceError("WRONG_PLACE", place=origin)


def _function_of(sitting: Sitting, officer: str) -> str:
    held = officers.functions(sitting.connection, officer, sitting.now)
    return default_roles().roles[held[0].role].fr if held else officer


def _laid(row: Row[Any], line: int, *, new: bool) -> Laid:
    return Laid(row.number, line, row.kind, row.level, row.weight_g, new=new)
