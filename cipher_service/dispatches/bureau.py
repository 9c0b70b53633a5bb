"""The headquarters bureau at work: it sends and opens through its custodian (article 15).

    bureau = HeadquartersBureau(engine, blobs, custodian, "MINREX", journal)
    sent = bureau.send(heading, destinations, message, attachments, people)
    arrival = bureau.open(dispatch_id, folder)
    arrival = bureau.receive(file, folder)          # what came in a bag

Sending: numbers and intent commit first, then the custodian signs, then the dispatch is handed to
the service like any post's. What fails in between cancels the numbers, and each addressee is told
by a service message. Rerouting is sending too: only the header is made anew, and the envelope
leaves under an id of its own (keys/TRANSPORT.md §1). Opening is in `reception`. Each act stands in
the log (`audit.journal`).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, Engine

from cipher_service import clock
from cipher_service.audit.hearing import carried
from cipher_service.audit.journal import Journal
from cipher_service.directory.register import read_directory
from cipher_service.dispatches import departures, drafts, incarnations, kept, openings, speaking
from cipher_service.dispatches.lists import dispatch_of, held_of
from cipher_service.dispatches.reception import Arrival, Reception, trusted
from cipher_service.dispatches.sealed import seal_text
from cipher_service.dispatches.sealing import ReceiptSealer
from cipher_service.dispatches.speaking import Voice
from cipher_service.dispatches.submission import judge
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import default_scheme
from cipher_service.references import new_id
from cipher_service.storage.blobs import Blobs, Body
from cipher_service.storage.held import Held, digest, opened
from cipher_service.storage.unit_of_work import reading
from keys.cards import Card
from keys.custody import Bureau, Custodian
from keys.dispatch import Attachment, Destination, encipher
from keys.heads import Head, open_head
from keys.manifest import COPY, Heading, Manifest
from keys.rewrapping import Rerouted, reroute
from keys.service_messages import CANCELLED, REPEAT_REQUEST, SeriesReference
from keys.slip_agreement import slip_for, slip_for_rerouting
from keys.slips import Slip, sign_slip
from keys.sources import Content

FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class People:
    """Who answers for a departure: its drafter (rédacteur) and its releasing authority."""

    drafter: str
    authority: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A dispatch that left: its slip and manifest, the service's register number and receipt."""

    slip: Slip
    manifest: Manifest
    register: str
    receipt: bytes


class HeadquartersBureau:
    """The bureau of one installation.

    Args:
        engine: the service's database.
        blobs: its envelopes.
        custodian: holds the bureau's keys and the service's.
        headquarters: the bureau's post code.
        journal: records each act in the commit that does it.
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
        self._reception = Reception(engine, blobs, custodian, headquarters, journal)

    @property
    def card(self) -> Card:
        """The bureau's card."""
        return self._hands.card

    @property
    def blobs(self) -> Blobs:
        """Where its envelopes lie, and the attachments of what is not sent yet."""
        return self._blobs

    @cached_property
    def _sealer(self) -> ReceiptSealer:
        return ReceiptSealer(self._custodian, self._post)

    @property
    def founded(self) -> bool:
        """Whether the custodian signs dispatches only for an officer. Raises KeysError."""
        return self._custodian.state().founded

    # --- sending ----------------------------------------------------------------------------

    def send(
        self,
        heading: Heading,
        destinations: Sequence[Destination],
        message: Content,
        attachments: Sequence[Attachment],
        people: People,
        draft: drafts.Draft | None = None,
        digests: Sequence[str] = (),
    ) -> Sent:
        """Number, encipher and hand over one dispatch.

        Args:
            heading: its id is new; `heading.created` is when it is signed. It leaves with the
                last signed head of the log.
            destinations: addressees without numbers, the bureau's own copy among them.
            message: the text.
            attachments: files that go with it.
            people: who answers for it.
            draft: what the text was read from; it is discarded in the transaction that hands the
                dispatch over, so that it is either still a draft or sent.
            digests: SHA-256 of the text and of each attachment as somebody signed for them, empty
                where nobody did; other bytes do not leave.

        Raises:
            ServiceError: a refusal of `departures.intend` or `issue`, or DRAFT_CHANGED (somebody
                saved another edition meanwhile), TEXT_CHANGED (not the bytes of `digests`).
            KeysError: a refusal of `keys.dispatch.encipher` or of the custodian.
            OSError: the disk refuses. In every case the numbers taken are cancelled and told.
        """
        with reading(self._engine) as connection:
            heading = replace(heading, checkpoint=carried(connection))
        return self._numbered(
            heading,
            destinations,
            people,
            lambda numbered: self._issue(heading, numbered, message, attachments, draft, digests),
        )

    def reroute(
        self, dispatch_id: str, destinations: Sequence[Destination], reason: str, people: People
    ) -> Sent:
        """Give a dispatch that the bureau may read to more addressees, its payload untouched.

        Args:
            dispatch_id: of what came to the bureau over the wire, or left it.
            destinations: whom to add, without numbers.
            reason: one line of 1 to 200 characters, which every addressee reads.
            people: who answers for it.

        Raises:
            ServiceError: NOT_FOUND, REROUTING_NAMED (somebody is named already), or as `send`.
            KeysError: a refusal of `keys.rewrapping.reroute` or of the custodian.
            OSError: the envelope cannot be read, or the disk refuses. Numbers taken are cancelled.
        """
        with reading(self._engine) as connection:
            held = held_of(connection, dispatch_of(connection, self._post, dispatch_id))
            directory = read_directory(connection)
        find = partial(trusted, directory)
        with (
            self._journal.effect("bureau_reroute", dispatch_id),
            opened(self._blobs, held) as source,
        ):
            head = open_head(source, opener=self._hands, find_sender=find)
            _require_unnamed(head, destinations)
            heading = replace(head.manifest.heading, id=new_id(clock.now()))
            return self._numbered(
                heading,
                destinations,
                people,
                lambda numbered: self._hand_over_rerouted(
                    heading.id, self._rerouted(numbered, source, find, reason), source, held
                ),
            )

    def _rerouted(
        self,
        destinations: Sequence[Destination],
        source: BinaryIO,
        find: Callable[[str], Card | None],
        reason: str,
    ) -> Rerouted:
        source.seek(0)
        return reroute(
            source,
            destinations,
            opener=self._hands,
            signer=self._hands,
            find_sender=find,
            created=clock.now().replace(microsecond=0),
            reason=reason,
        )

    def _hand_over_rerouted(
        self, dispatch_id: str, made: Rerouted, source: BinaryIO, held: Held
    ) -> Sent:
        """Hand over a new header, and the payload that is here already and is not copied.

        It is read once, for the hash of the whole envelope, which a slip names.
        """
        source.seek(made.payload_at)
        if held.file is None:  # both are small, and lie in rows
            body = made.header + source.read()
            part, envelope = None, Body(sha256(body).hexdigest(), len(body))
        else:
            part = replace(held.beyond(made.payload_at), head=made.header)
            body, envelope = None, digest(self._blobs, part)
        slip = slip_for_rerouting(
            made.manifest,
            made.addendum,
            dispatch_id=dispatch_id,
            envelope_sha256=envelope.sha256,
            envelope_size=envelope.size,
        )
        return self._hand_over(slip, made.manifest, None, body=body, rerouted=part)

    def _numbered(
        self,
        heading: Heading,
        destinations: Sequence[Destination],
        people: People,
        issue: Callable[[Sequence[Destination]], Sent],
    ) -> Sent:
        """Take numbers, then issue; what fails cancels them, and everyone is told."""
        intent = self._intend(heading, destinations, people)
        numbered = departures.numbered(destinations, intent.numbers)
        try:
            return issue(numbered)
        except BaseException:
            # Refused when the COMMIT went through and only its answer was lost: then it has left.
            with suppress(ServiceError):
                self._cancel(heading.id)
            raise

    def recover(self, before: datetime) -> list[str]:
        """Cancel the departures that an interruption left open before an instant; tell everyone."""
        with self._journal.act("bureau_recover") as connection:
            left = departures.recover(connection, before=before, now=clock.now())
        self.announce_cancellations()
        return left

    def announce_cancellations(self) -> int:
        """Tell each addressee of the cancelled numbers that it was not told of; returns how many.

        A cancelled number counts as used: once told, nobody chases it (ACP 127 paragraph 424b).
        """
        with reading(self._engine) as connection:
            before = departures.unannounced(connection, self._post)
        if not before:
            return 0
        voice = self._voice()
        letters = {number: voice.compose(CANCELLED, self._of(number)) for number in before}
        with self._journal.act("bureau_announce") as connection:
            untold = departures.unannounced(connection, self._post)
            directory = read_directory(connection)
            told = [letters[number] for number in untold if number in letters]
            for letter in told:
                speaking.file(connection, directory, self._post, letter)
        return len(told)

    def _of(self, number: departures.NumberRecord) -> SeriesReference:
        return SeriesReference(self._post, number.post, number.epoch, number.number)

    def _intend(
        self, heading: Heading, destinations: Sequence[Destination], people: People
    ) -> departures.Intent:
        now = clock.now()
        departure = departures.Departure(
            dispatch_id=heading.id,
            origin=self._post,
            kind=heading.kind,
            level=heading.label.level,
            drafter=people.drafter,
            authority=people.authority,
            subject=seal_text(heading.subject, self.card),
            posts=tuple(each.card.post for each in destinations if each.role != COPY),
        )
        with self._journal.act("bureau_number", heading.id) as connection:
            return departures.intend(
                connection,
                departure,
                epoch=incarnations.epoch(connection, now.year),
                directory=read_directory(connection),
                now=now,
            )

    def _issue(
        self,
        heading: Heading,
        destinations: Sequence[Destination],
        message: Content,
        attachments: Sequence[Attachment],
        draft: drafts.Draft | None,
        digests: Sequence[str],
    ) -> Sent:
        with self._blobs.spool() as spool:
            sealed = encipher(
                heading, destinations, message, attachments, signer=self._hands, sink=spool
            )
            for part, signed in zip(sealed.manifest.parts, digests, strict=False):
                if signed and part.sha256 != signed:
                    raise ServiceError("TEXT_CHANGED", name=part.name)
            envelope = spool.keep()
        slip = slip_for(
            sealed.manifest, envelope_sha256=envelope.sha256, envelope_size=envelope.size
        )
        return self._hand_over(slip, sealed.manifest, draft)

    def _hand_over(
        self,
        slip: Slip,
        manifest: Manifest,
        draft: drafts.Draft | None,
        *,
        body: bytes | None = None,
        rerouted: Held | None = None,
    ) -> Sent:
        signed = sign_slip(slip, self._custodian.sign_slip)
        with self._journal.act("bureau_send", slip.dispatch_id) as connection:
            directory = read_directory(connection)
            recorded = departures.issue(
                connection,
                judge(signed, directory, default_scheme(), caller=self._post),
                body,
                manifest.hash,
                directory=directory,
                service=self._sealer.service,
                stored=self._blobs.size if rerouted is None else partial(self._held, rerouted),
                now=clock.now(),
                rerouted=rerouted,
            )
            [(_, receipt)] = self._sealer.seal(connection, [recorded])
            if draft is not None:
                _discard(connection, draft)
        return Sent(slip, manifest, recorded.statement.register, receipt)

    def _held(self, rerouted: Held, _sha256: str) -> int | None:
        return rerouted.size(self._blobs)

    def _cancel(self, dispatch_id: str) -> None:
        with self._journal.act("bureau_cancel", dispatch_id) as connection:
            departures.cancel(connection, dispatch_id, FAILED, clock.now())
        self.announce_cancellations()

    def _voice(self) -> Voice:
        return Voice(self.card, self._custodian.sign_service_message)

    # --- opening ----------------------------------------------------------------------------

    def open(self, dispatch_id: str, folder: Path) -> Arrival:
        """Decipher what arrived over the wire; see `reception.Reception.open`."""
        return self._reception.open(dispatch_id, folder)

    def receive(self, file: Path, folder: Path) -> Arrival:
        """Decipher what arrived in a bag; see `reception.Reception.receive`."""
        return self._reception.receive(file, folder)

    def missing(self) -> list[openings.Missing]:
        """Return the numbers that are missing in the series to this bureau."""
        with reading(self._engine) as connection:
            return openings.missing_numbers(connection, self._post)

    def chase(self) -> speaking.Chase:
        """Ask for the repetition of what is missing and was not asked for yet.

        Raises:
            KeysError: the custodian refuses; nothing was asked.
        """
        with reading(self._engine) as connection:
            missing = speaking.due(connection, read_directory(connection), self._post)
        voice = self._voice()
        letters = {number: voice.compose(REPEAT_REQUEST, number) for number in missing}
        with self._journal.act("bureau_chase") as connection:
            return speaking.chase(connection, read_directory(connection), self._post, letters)

    def unseal(self, ciphertext: bytes) -> str:
        """Open a text that was sealed to this bureau (`sealed.seal_text`).

        Raises:
            KeysError: it was not, or the custodian refuses.
        """
        with self._journal.effect("bureau_unseal"):
            return self._custodian.open_sealed(ciphertext).decode("utf-8")


def _require_unnamed(head: Head, destinations: Sequence[Destination]) -> None:
    """Refuse before numbers are taken. Raises ServiceError REROUTING_NAMED."""
    added = (entry for each in head.reroutings for entry in each.addendum.to)
    named = {entry.fingerprint for entry in (*head.manifest.to, *added)}
    for each in destinations:
        if each.card.fingerprint in named:
            raise ServiceError("REROUTING_NAMED", post=each.card.post)


def _discard(connection: Connection, draft: drafts.Draft) -> None:
    # Saving it first proves that it is the edition that was read.
    drafts.save(
        connection,
        draft.draft_id,
        draft.drafter,
        draft.body,
        edition=draft.edition,
        now=clock.now(),
    )
    drafts.discard(connection, draft.draft_id, draft.drafter)
