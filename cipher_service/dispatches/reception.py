"""The headquarters bureau opens what arrives: over the wire, or in a bag (articles 14 and 15).

Everything is verified in quarantine, then the arrival is entered and receipted in one transaction,
then published by rename; doing it again changes nothing.
"""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, Engine

from cipher_service import clock
from cipher_service.audit.hearing import HEARD, carried, require_ours
from cipher_service.audit.journal import Journal
from cipher_service.audit.signers import log_line
from cipher_service.audit.warrants import DEMANDS
from cipher_service.directory.register import Directory, read_directory
from cipher_service.dispatches import acknowledgements, kept, openings
from cipher_service.dispatches.lists import DispatchRecord, dispatch_of, held_of
from cipher_service.dispatches.sealed import seal_text
from cipher_service.errors import ServiceError
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.held import opened
from cipher_service.storage.unit_of_work import reading
from keys.cards import Card
from keys.custody import Bureau, Custodian
from keys.dispatch import Head, Opened, decipher, open_head
from keys.errors import Refusal
from keys.manifest import CIPHER, POUCH, Addressee, Manifest
from keys.post_receipts import DECIPHERED, DELIVERED, REFUSED, PostReceipt, make_post_receipt
from keys.slip_agreement import require_same
from keys.slips import Slip


@dataclass(frozen=True, slots=True)
class Arrival:
    """A dispatch that was opened.

    Attributes:
        manifest: verified.
        sender: the card that signed it.
        register: its number in the arrival register.
        again: it had been opened before.
        receipted: its origin is told; False for what was never registered.
    """

    manifest: Manifest
    sender: Card
    register: str
    again: bool
    receipted: bool


class Reception:
    """Where the bureau of one installation opens.

    Args:
        engine: the service's database.
        blobs: its envelopes.
        custodian: holds the bureau's keys.
        headquarters: the bureau's post code.
        journal: records each act in the commit that does it, and openings before they are done.
    """

    def __init__(
        self,
        engine: Engine,
        blobs: Blobs,
        custodian: Custodian,
        headquarters: str,
        journal: Journal,
    ) -> None:
        self._engine = engine
        self._blobs = blobs
        self._custodian = custodian
        self._hands = Bureau(custodian, partial(kept.find, engine))
        self._post = headquarters
        self._journal = journal

    def open(self, dispatch_id: str, folder: Path) -> Arrival:
        """Decipher an arrival into `folder`, enter it in the arrival register, receipt it.

        Args:
            dispatch_id: of a dispatch that came to the bureau over the wire.
            folder: absent or empty; receives `message.txt` and `attachments/`.

        Raises:
            ServiceError: NOT_FOUND, REPLAYED, NUMBER_REUSED, NUMBER_CANCELLED.
            Refusal: the envelope is refused; the refusal is receipted to its origin.
            OSError: the disk refuses; nothing was published.
        """
        with reading(self._engine) as connection:
            record = dispatch_of(connection, self._post, dispatch_id)
            directory = read_directory(connection)
        try:
            with (
                self._journal.effect("bureau_open", dispatch_id),
                self.envelope(record) as source,
                self.deciphered(source, directory, folder.parent) as opened,
            ):
                require_inside(record, opened)
                return self._enter(opened, record, directory, folder)
        except Refusal as refusal:
            if not isinstance(refusal, DEMANDS):
                self._refuse(record, directory, refusal)
            raise

    def receive(self, file: Path, folder: Path) -> Arrival:
        """Decipher an envelope that came in a bag, as `open` does one that came over the wire.

        A dispatch that its origin registered must be the one that was registered, and is receipted
        like any other. One that never was is entered all the same: a post without a network has
        only its bag.

        Args:
            file: the envelope.
            folder: absent or empty, as for `open`.

        Raises:
            ServiceError: as `open`; BAG_DIFFERS: another envelope is registered for its dispatch.
            Refusal: the envelope is refused. Its origin is told by a receipt once it is certain
                which registered dispatch this is; before that, nothing in the file is certain.
            OSError: the file cannot be read, or the disk refuses; nothing was published.
        """
        with reading(self._engine) as connection:
            directory = read_directory(connection)
        with (
            self._journal.effect("bureau_receive"),
            file.open("rb") as source,
            self.deciphered(source, directory, folder.parent) as opened,
        ):
            record = self._registered(opened.manifest.id)
            if record is None:
                return self._enter(opened, None, directory, folder)
            source.seek(0)
            if file_digest(source, "sha256").hexdigest() != record.sha256:
                raise ServiceError("BAG_DIFFERS", dispatch_id=record.dispatch_id)
            try:
                require_inside(record, opened)
            except Refusal as refusal:
                self._refuse(record, directory, refusal)
                raise
            return self._enter(opened, record, directory, folder)

    def envelope(self, record: DispatchRecord) -> AbstractContextManager[BinaryIO]:
        """Open the stored envelope of a dispatch; see `stored_envelope`."""
        return stored_envelope(self._engine, self._blobs, record)

    def deciphered(self, source: BinaryIO, directory: Directory, workspace: Path) -> Opened:
        """Verify and decipher an envelope into a quarantine below `workspace`; nothing is entered.

        Raises:
            Refusal: the envelope is refused.
            OSError: the disk refuses.
        """
        return decipher(
            source,
            opener=self._hands,
            find_sender=lambda fingerprint: trusted(directory, fingerprint),
            workspace=workspace,
        )

    def head(self, source: BinaryIO, directory: Directory) -> Head:
        """Verify an envelope as far as its manifest's signatures; nothing is kept or entered.

        Raises:
            Refusal: the envelope is refused.
            OSError: it cannot be read.
        """
        return open_head(
            source,
            opener=self._hands,
            find_sender=lambda fingerprint: trusted(directory, fingerprint),
        )

    def _registered(self, dispatch_id: str) -> DispatchRecord | None:
        """Find a dispatch by whichever way it was to come."""
        with reading(self._engine) as connection:
            for way in (POUCH, CIPHER):
                with suppress(ServiceError):
                    return dispatch_of(connection, self._post, dispatch_id, delivery=way)
        return None

    def _enter(
        self, opened: Opened, record: DispatchRecord | None, directory: Directory, folder: Path
    ) -> Arrival:
        admission = self._admit(opened, record, directory)
        self._hear(opened.manifest)
        opened.publish(folder)
        return Arrival(
            opened.manifest,
            opened.sender,
            admission.register,
            again=not admission.created,
            receipted=record is not None,
        )

    def _hear(self, manifest: Manifest) -> None:
        """Record it when the sender has seen another log than this one; the mail is still good."""
        seen = manifest.heading.checkpoint
        if seen is None:
            return
        line = log_line(self._custodian)
        with (
            suppress(Refusal),
            self._journal.told(HEARD, manifest.id),
            reading(self._engine) as connection,
        ):
            require_ours(connection, seen, line)

    def _admit(
        self, opened: Opened, record: DispatchRecord | None, directory: Directory
    ) -> openings.Admission:
        card, manifest = self._hands.card, opened.manifest
        entry = _named(opened, self._hands.fingerprints)
        if entry is None or entry.series is None:
            raise ServiceError("NOT_FOUND")  # the bureau's own copy is not an arrival
        opening = openings.Opening(
            receiver=self._post,
            dispatch_id=manifest.id,
            manifest_hash=opened.manifest_hash,
            origin=manifest.sender.post,
            fingerprint=manifest.sender.fingerprint,
            epoch=entry.series.epoch,
            number=entry.series.number,
            level=manifest.label.level,
            subject=seal_text(manifest.heading.subject, card),
        )
        with self._journal.act("bureau_register", manifest.id) as connection:
            admission = openings.admit(connection, opening, clock.now())
            if record is not None:
                self.receipt(connection, record, directory, DELIVERED)
                self.receipt(
                    connection, record, directory, DECIPHERED, manifest_hash=opened.manifest_hash
                )
        return admission

    def _refuse(self, record: DispatchRecord, directory: Directory, refusal: Refusal) -> None:
        with self._journal.act("bureau_refuse", record.dispatch_id) as connection:
            self.receipt(connection, record, directory, REFUSED, reason=refusal.code)

    def receipt(
        self,
        connection: Connection,
        record: DispatchRecord,
        directory: Directory,
        kind: str,
        *,
        manifest_hash: str | None = None,
        reason: str | None = None,
    ) -> None:
        """State to a dispatch's origin how far it has come here, inside a unit of work.

        Raises:
            ServiceError: a refusal of `acknowledgements`.
            KeysError: the custodian refuses.
        """
        now = clock.now().replace(microsecond=0)
        statement = PostReceipt(
            kind=kind,
            dispatch_id=record.dispatch_id,
            post=self._post,
            card=self._hands.card.fingerprint,
            envelope_sha256=record.sha256,
            at=now,
            manifest_hash=manifest_hash,
            reason=reason,
            checkpoint=carried(connection),
        )
        data = make_post_receipt(statement, self._custodian.sign_post_receipt)
        judged = acknowledgements.judge(data, directory, caller=self._post)
        acknowledgements.record(connection, judged, now)


def require_inside(record: DispatchRecord, opened: Opened | Head) -> None:
    """Demand that what the slip of a dispatch showed is what it holds. Raises SlipMismatch."""
    addenda = [each.addendum for each in opened.reroutings]
    require_same(Slip.parse(record.slip), opened.manifest, addenda)


def _named(opened: Opened, fingerprints: Collection[str]) -> Addressee | None:
    """Find the bureau's entry: of the manifest, or of an addendum of the origin's own."""
    added = (entry for each in opened.reroutings for entry in each.addendum.to)
    every = (*opened.manifest.to, *added)
    return next((entry for entry in every if entry.fingerprint in fingerprints), None)


@contextmanager
def stored_envelope(engine: Engine, blobs: Blobs, record: DispatchRecord) -> Iterator[BinaryIO]:
    """Open the stored envelope of a dispatch.

    Raises:
        OSError: it is gone, or cannot be read.
    """
    with reading(engine) as connection:
        held = held_of(connection, record)
    with opened(blobs, held) as source:
        yield source


def trusted(directory: Directory, fingerprint: str) -> Card | None:
    """Find a sender's card: one in force, or one that was and still proves what it signed."""
    found = directory.cards.get(fingerprint)
    if found is None or found.state not in ("active", "superseded"):
        return None
    return found.card
