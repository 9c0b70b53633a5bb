"""The receiver is told of a sealed bag by an enciphered dispatch, before the bag arrives.

The dispatch brings the sealed manifest, so that whoever receives the bag knows its digest, its
seals and its lines from another way than the bag's own label. A bag that nobody announced, or that
was announced otherwise, is refused at the door.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cipher_service.directory.register import read_directory
from cipher_service.dispatches import departures
from cipher_service.dispatches.bureau import HeadquartersBureau, People
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import Scheme, default_scheme
from cipher_service.pouches import announcements, closing, signing
from cipher_service.pouches.office import Office
from cipher_service.pouches.signing import Kept
from cipher_service.references import new_id
from keys.cards import Card
from keys.custody.errors import CustodianUnavailable
from keys.dispatch import Attachment, Destination
from keys.errors import KeysError
from keys.manifest import COPY, Heading, Label
from pouch.locator import grouped_locator
from pouch.manifest import BagClass, Manifest
from pouch.papers.folder import MANIFEST

PATIENCE: Final = timedelta(minutes=1)
"""How long who sealed may take to announce the bag themselves."""
AGAIN: Final = timedelta(minutes=10)
ABANDONED: Final = timedelta(minutes=10)
"""After how long an announcement that an officer began and did not end is cut short."""

_LOG = logging.getLogger(__name__)
KIND: Final = "telegram"
PRECEDENCE: Final = "URGENT"


@dataclass(frozen=True, slots=True)
class Announced:
    """A closing and the dispatch that told of it."""

    seal: str
    dispatch_id: str


@dataclass(frozen=True, slots=True)
class Telling:
    """The dispatch that tells of a closing, before it has numbers."""

    heading: Heading
    destinations: list[Destination]
    text: bytes
    attachments: list[Attachment]


def telling(
    kept: Kept,
    dispatch_id: str,
    now: datetime,
    *,
    receiver: Card,
    own: Card,
    checkpoint: str | None = None,
) -> Telling:
    """Return what is sent about a closing.

    Args:
        kept: what was signed at it.
        dispatch_id: of the dispatch, new.
        now: when it is signed, whole seconds.
        receiver: card of the bag's destination.
        own: the bureau's card.
        checkpoint: the last signed head of the log, where the caller puts it in.
    """
    manifest = kept.sealed.manifest
    heading = Heading(
        id=dispatch_id,
        kind=KIND,
        label=label_of(manifest.bag_class, default_scheme()),
        dtg=now,
        created=now,
        subject=subject_of(manifest),
        checkpoint=checkpoint,
    )
    return Telling(
        heading,
        [Destination(receiver, PRECEDENCE, None), Destination(own, PRECEDENCE, None, COPY)],
        _text(manifest).encode("utf-8"),
        [Attachment(MANIFEST, kept.sealed.to_bytes() + b"\n", "application/json")],
    )


def subject_of(manifest: Manifest) -> str:
    """Return the subject of the dispatch about a bag."""
    return f"Valise {manifest.number}"


def announce(
    office: Office, bureau: HeadquartersBureau, seal: str, *, by: str, authority: str
) -> Announced:
    """Tell the receiver of a closing, and note by which dispatch.

    A process killed between the two tells twice, which harms nothing.

    Args:
        office: the pouch bureau.
        bureau: the cipher bureau that sends.
        seal: the closing.
        by: who announces; drafter of the dispatch.
        authority: who releases it.

    Raises:
        ServiceError: CLOSING_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER, NOT_SEALED_HERE; as
            `HeadquartersBureau.send`; NO_CARD and the like when the receiver has none in force.
        KeysError: the custodian refuses.
    """
    kept = closing.papers_of(office, seal, by=by)
    manifest = kept.sealed.manifest
    with office.look() as sitting:
        card = read_directory(sitting.connection).card_in_force(manifest.waybill.destination).card
    now = office.now().replace(microsecond=0)
    told = telling(kept, new_id(now), now, receiver=card, own=bureau.card)
    sent = bureau.send(
        told.heading, told.destinations, told.text, told.attachments, People(by, authority)
    )
    with office.act("pouch_announced", seal) as sitting:
        signing.announced(sitting.connection, seal, sent.manifest.id)
    return Announced(seal, sent.manifest.id)


class Announcing:
    """Tells of the bags that were sealed and not announced, in the name of those who sealed them.

    Args:
        office: the pouch bureau.
        bureau: the cipher bureau that sends.
    """

    def __init__(self, office: Office, bureau: HeadquartersBureau) -> None:
        self._office = office
        self._bureau = bureau
        self._later: dict[str, datetime] = {}

    def round(self) -> list[Announced]:
        """Announce what has waited for a minute; what fails is tried again ten minutes later.

        Before a custodian with officers every announcement waits for one of them, who has it
        signed: what was cut short is ended here, and its numbers are told as cancelled.
        """
        try:
            if self._bureau.founded:
                self._end_abandoned()
                return []
        except CustodianUnavailable:
            return []
        now = self._office.now()
        told = []
        with self._office.look() as sitting:
            waiting = [row.seal for row in signing.unannounced(sitting.connection)]
            sealed = {seal: announcements.sealing_of(sitting.connection, seal) for seal in waiting}
        for seal, event in sealed.items():
            if event is None or event.witness is None or now - event.at < PATIENCE:
                continue
            if self._later.get(seal, now) > now:
                continue
            try:
                told.append(
                    announce(
                        self._office,
                        self._bureau,
                        seal,
                        by=event.officer,
                        authority=event.witness.officer,
                    )
                )
            except (ServiceError, KeysError) as error:
                self._later[seal] = now + AGAIN
                _LOG.warning("bag %s is not announced: %s", seal, error.code)
        return told

    def _end_abandoned(self) -> None:
        with self._office.look() as sitting:
            begun = announcements.begun(sitting.connection)
        for news in begun:
            with self._office.look() as sitting:
                stands = departures.standing(sitting.connection, str(news.announcing))
            if stands is None or stands[1] >= self._office.now() - ABANDONED:
                continue
            with self._office.act("bag_announce_again", news.seal) as sitting:
                if stands[0] == "open":
                    departures.abandon(sitting.connection, news.announcing, sitting.now)
                news.begin(sitting.connection, None)


def label_of(bag_class: BagClass, scheme: Scheme) -> Label:
    """Return the label of the dispatch about a bag of a class."""
    held = BagClass.RESTRICTED if bag_class is BagClass.CONTROLLED else bag_class
    return Label(scheme.policy, scheme.level(held.value).code)


def _text(manifest: Manifest) -> str:
    """Return what a receiver reads; the numbers of the seals come in the attachment alone.

    Whoever receives the bag types them from the bag before they look.
    """
    waybill = manifest.waybill
    return (
        f"La valise {grouped_locator(manifest.bag)} (bordereau {manifest.number}, "
        f"{manifest.ordinal}/{waybill.packages}) part sous {waybill.number}. "
        f"Arrivée prévue : {waybill.due:%Y-%m-%d %H:%M} UTC. "
        "Lisez les scellés sur la valise avant d'ouvrir la pièce jointe, puis comparez "
        "(valise verify --manifest).\n\n"
        f"Bag {grouped_locator(manifest.bag)} (bordereau {manifest.number}, "
        f"{manifest.ordinal}/{waybill.packages}) leaves under {waybill.number}. "
        f"Due: {waybill.due:%Y-%m-%d %H:%M} UTC. "
        "Read the seals on the bag before you open the attachment, then compare "
        "(valise verify --manifest).\n"
    )
