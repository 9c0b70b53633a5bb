"""The receiver of a bag is told of the rectification of its bordereau by an enciphered dispatch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from cipher_service.directory.register import read_directory
from cipher_service.dispatches.bureau import HeadquartersBureau, People
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import default_scheme
from cipher_service.pouches import carriage, dossiers, rectifying, signing
from cipher_service.pouches.announcing import KIND, PRECEDENCE, Announced, Telling, label_of
from cipher_service.pouches.entitlement import PACK
from cipher_service.pouches.office import Office
from cipher_service.references import new_id
from keys.cards import Card
from keys.dispatch import Attachment, Destination
from keys.manifest import COPY, Heading
from pouch.locator import grouped_locator
from pouch.manifest import BagClass
from pouch.papers.folder import RECTIFICATION


def announce_all(
    office: Office,
    bureau: HeadquartersBureau,
    seals: Sequence[str],
    *,
    by: str,
    authority: str,
) -> list[Announced]:
    """Tell the receivers of every rectification of which they were not told.

    Args:
        office: the pouch bureau.
        bureau: the cipher bureau that sends.
        seals: of these closings; of all where there are none.
        by: who announces; drafter of the dispatch.
        authority: who releases it.

    Raises:
        ServiceError, KeysError: as `announcing.announce` and `dossiers.opened`;
            RECTIFICATION_BEFORE_BAG.
    """
    with office.look() as sitting:
        rows = rectifying.untold(sitting.connection, seals)
    return [_announce(office, bureau, row, by=by, authority=authority) for row in rows]


def _announce(
    office: Office, bureau: HeadquartersBureau, row: Row[Any], *, by: str, authority: str
) -> Announced:
    with office.consider("pouch_rectify", row.seal) as sitting:
        found = carriage.seen(sitting, row.seal, by)
        sitting.require(by, PACK, found)
        if not signing.is_announced(sitting.connection, row.seal):
            raise ServiceError("RECTIFICATION_BEFORE_BAG", seal=row.seal)
        directory = read_directory(sitting.connection)
        receiver = directory.card_in_force(found.route.destination).card
        held = dossiers.unopened(sitting, row.seal)
    with office.keys("pouch_papers", row.seal) as custodian:
        file = dossiers.opened(held, custodian).filed[row.ordinal - 1].file
    now = office.now().replace(microsecond=0)
    told = telling(
        file,
        row.number,
        new_id(now),
        now,
        bag=found.bag,
        bag_class=found.bag_class,
        receiver=receiver,
        own=bureau.card,
    )
    sent = bureau.send(
        told.heading, told.destinations, told.text, told.attachments, People(by, authority)
    )
    with office.act("pouch_rectified", row.seal) as sitting:
        rectifying.note_told(sitting.connection, row, sent.manifest.id)
    return Announced(row.seal, sent.manifest.id)


def telling(
    file: bytes,
    number: str,
    dispatch_id: str,
    now: datetime,
    *,
    bag: str,
    bag_class: BagClass,
    receiver: Card,
    own: Card,
    checkpoint: str | None = None,
) -> Telling:
    """Return what is sent about a rectification.

    Args:
        file: the rectification as it was signed.
        number: its number.
        dispatch_id: of the dispatch, new.
        now: when it is signed, whole seconds.
        bag: the bag that it speaks of.
        bag_class: of that bag.
        receiver: card of the bag's destination.
        own: the bureau's card.
        checkpoint: the last signed head of the log, where the caller puts it in.
    """
    heading = Heading(
        id=dispatch_id,
        kind=KIND,
        label=label_of(bag_class, default_scheme()),
        dtg=now,
        created=now,
        subject=subject_of(number),
        checkpoint=checkpoint,
    )
    return Telling(
        heading,
        [Destination(receiver, PRECEDENCE, None), Destination(own, PRECEDENCE, None, COPY)],
        _text(number, bag).encode("utf-8"),
        [Attachment(RECTIFICATION, file + b"\n", "application/json")],
    )


def subject_of(number: str) -> str:
    """Return the subject of the dispatch about a rectification."""
    return f"Valise : rectificatif {number}"


def _text(number: str, bag: str) -> str:
    named = grouped_locator(bag)
    return (
        f"Le bordereau de la valise {named} est rectifié ({number}). Il reste tel que scellé et se "
        "lit avec la pièce jointe : valise verify --manifest manifest.json --rectification "
        f"{RECTIFICATION}. Classez-la avec lui.\n\n"
        f"The bordereau of bag {named} is put right ({number}). It stays as it was sealed and is "
        "read with the attachment: valise verify --manifest manifest.json --rectification "
        f"{RECTIFICATION}. File it with the bordereau.\n"
    )
