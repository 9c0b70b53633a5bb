"""An officer announces a bag: one departure of theirs, what tells of this bag, once."""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from cipher_service.access.acts import Gate
from cipher_service.audit.journal import Journal
from cipher_service.directory.register import read_directory
from cipher_service.dispatches import departures
from cipher_service.dispatches.bureau import HeadquartersBureau
from cipher_service.dispatches.office.outgoing import Outgoing
from cipher_service.dispatches.office.sending import SendingDesk
from cipher_service.dispatches.sealed import seal_text
from cipher_service.dispatches.sealing import ReceiptSealer
from cipher_service.errors import ServiceError
from cipher_service.pouches import rectified_notices, rectifying, repository, signing, views
from cipher_service.pouches.announcing import (
    ABANDONED,
    Announced,
    Announcing,
    subject_of,
    telling,
)
from cipher_service.pouches.announcing_desk import AnnouncingDesk
from cipher_service.pouches.office import Office, seated
from cipher_service.pouches.rectifying import Correction
from cipher_service.pouches.signing import Kept
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.tables.headquarters import intent
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody.grants import SIGN, Grant
from keys.custody.intents import request_digest
from keys.dispatch import Prepared, prepare
from keys.slip_agreement import slip_for
from keys.slips import sign_slip
from tests.support.ministry import HEADQUARTERS, custody
from tests.support.office import PouchBureau


class Announcer:
    """The registrar's acts on a bag that two persons sealed, each in a transaction of its own."""

    def __init__(self, bureau: PouchBureau, folder: Path) -> None:
        self.bureau, self.kept = bureau, bureau.closed()
        self.seal = self.kept.sealed.manifest.seal
        sealer, blobs = ReceiptSealer(custody(), HEADQUARTERS), Blobs(folder)
        outgoing = Outgoing(sealer, blobs)
        others = SendingDesk(outgoing, HEADQUARTERS, Gate())
        self.desk = AnnouncingDesk(self._seated, outgoing, others, now=lambda: bureau.now)

    def _seated(self, connection: Connection) -> Office:
        bureau = self.bureau
        return seated(connection, HEADQUARTERS, bureau.office.gate, lambda: bureau.now, custody())

    def act(self, name: str, officer: str, **payload: Any) -> Any:
        with unit_of_work(self.bureau.engine) as connection:
            return self.desk.acts()[name](connection, officer, payload)

    def begin(self, officer: str, kept: Kept | None = None) -> Prepared:
        """Begin, and make the manifest as the page does; of another bag where one is given."""
        kept, own = kept or self.kept, custody().card()
        subject = seal_text(subject_of(kept.sealed.manifest), own)
        begun = self.act("bag_announce", officer, seal=self.seal, subject=subject)
        with reading(self.bureau.engine) as connection:
            card = read_directory(connection).card_in_force("PARIS").card
        told = telling(kept, begun["departure"], self.bureau.now, receiver=card, own=own)
        numbers = [departures.Number(*each) for each in begun["numbers"]]
        destinations = departures.numbered(told.destinations, numbers)
        return prepare(told.heading, destinations, told.text, told.attachments, sender=own)

    def tell(self) -> None:
        """Announce the bag."""
        chief = self.bureau.chief
        self.act("bag_announced", chief, **self.signed(self.begin(chief)))

    def rectify(self, weight: int = 9400) -> str:
        """Put the bag right by two; give the rectification's number."""
        correction = Correction((f"weight={weight}",), "Transcription")
        bureau = self.bureau
        issued = rectifying.rectify(
            bureau.office, self.seal, correction, by=bureau.chief, second=bureau.second
        )
        self.file = issued.file
        return issued.statement.number

    def begin_rectified(self, officer: str, number: str, ordinal: int = 1) -> Prepared:
        """Begin, and make the manifest as the page does."""
        manifest, own = self.kept.sealed.manifest, custody().card()
        subject = seal_text(rectified_notices.subject_of(number), own)
        about = {"seal": self.seal, "ordinal": ordinal, "subject": subject}
        begun = self.act("bag_rectified_announce", officer, **about)
        with reading(self.bureau.engine) as connection:
            card = read_directory(connection).card_in_force("PARIS").card
        told = rectified_notices.telling(
            self.file,
            number,
            begun["departure"],
            self.bureau.now,
            bag=manifest.bag,
            bag_class=manifest.bag_class,
            receiver=card,
            own=own,
        )
        numbers = [departures.Number(*each) for each in begun["numbers"]]
        destinations = departures.numbered(told.destinations, numbers)
        return prepare(told.heading, destinations, told.text, told.attachments, sender=own)

    def signed(self, prepared: Prepared) -> dict[str, Any]:
        sink = BytesIO()
        prepared.write(custody().sign_manifest(prepared.manifest.encode()), sink)
        body = sink.getvalue()
        slip = slip_for(
            prepared.manifest, envelope_sha256=sha256(body).hexdigest(), envelope_size=len(body)
        )
        made = sign_slip(slip, custody().sign_slip)
        return {
            "seal": self.seal,
            "slip": made.statement,
            "signature": made.signature,
            "manifest_hash": prepared.manifest.hash,
            "body": body,
        }

    def intents(self) -> list[str]:
        with reading(self.bureau.engine) as connection:
            order = select(intent.c.state).order_by(intent.c.register_number)
            return list(connection.scalars(order))


@pytest.fixture
def announcer(bureau: PouchBureau, tmp_path: Path) -> Announcer:
    return Announcer(bureau, tmp_path)


def refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(ServiceError) as told:
        act()
    assert told.value.code == code


def test_a_bag_is_announced_once_by_who_began_it(announcer: Announcer) -> None:
    chief, agent = announcer.bureau.chief, announcer.bureau.agent
    prepared = announcer.begin(chief)
    named = {"dispatch_id": prepared.manifest.id, "request": "-"}
    assert announcer.act("sign_manifest.intend", chief, **named) == {}
    refused("INTENT_NOT_OPEN", lambda: announcer.act("sign_slip.intend", agent, **named))
    told = announcer.signed(prepared)
    refused("INTENT_NOT_OPEN", lambda: announcer.act("bag_announced", agent, **told))
    spoilt = {**told, "body": told["body"] + b"0"}
    refused("ENVELOPE_MISMATCH", lambda: announcer.act("bag_announced", chief, **spoilt))
    assert announcer.act("bag_announced", chief, **told)["register"]
    with reading(announcer.bureau.engine) as connection:
        assert signing.unannounced(connection) == []
        assert signing.being_announced(connection) == []
    refused("BAG_ANNOUNCED", lambda: announcer.act("bag_announced", chief, **told))
    refused("BAG_ANNOUNCED", lambda: announcer.begin(chief))
    refused("BAG_ANNOUNCED", lambda: announcer.act("sign_manifest.intend", chief, **named))
    assert announcer.intents() == ["issued"]


def test_two_at_once_leave_one_announcement_and_no_open_number(announcer: Announcer) -> None:
    chief, agent = announcer.bureau.chief, announcer.bureau.agent
    first, second = announcer.begin(chief), announcer.begin(agent)
    refused(
        "INTENT_NOT_OPEN", lambda: announcer.act("bag_announced", chief, **announcer.signed(first))
    )
    announcer.act("bag_announced", agent, **announcer.signed(second))
    assert announcer.intents() == ["cancelled", "issued"]


def test_nobody_else_has_anything_signed_for_a_bag(announcer: Announcer) -> None:
    bureau, desk = announcer.bureau, announcer.desk
    refused("NOT_ALLOWED", lambda: announcer.begin(bureau.courier))
    subject = seal_text("Valise", custody().card())
    unknown = {"seal": "0" * 32, "subject": subject}
    refused("CLOSING_UNKNOWN", lambda: announcer.act("bag_announce", bureau.chief, **unknown))
    prepared = announcer.begin(bureau.chief)
    manifest, number = prepared.manifest.encode(), prepared.manifest.id
    request = request_digest("sign_manifest", manifest)
    until = bureau.now + timedelta(minutes=4)

    def put(officer: str, about: str, uses: int = 1) -> None:
        grant = Grant(officer, SIGN, 3, number, about, uses, until)
        with reading(bureau.engine) as connection:
            desk.require_own(connection, officer, grant, manifest)

    put(bureau.chief, request)
    refused("FORM_REFUSED", lambda: put(bureau.chief, "0" * 64))
    refused("FORM_REFUSED", lambda: put(bureau.chief, request, 2))
    refused("INTENT_NOT_OPEN", lambda: put(bureau.agent, request))
    other = {"dispatch_id": "01KAMV6R8P3ZDFWQ5XJ9T2C4EK", "request": "-"}
    refused("NOT_FOUND", lambda: announcer.act("sign_manifest.intend", bureau.chief, **other))


def test_what_was_cut_short_is_ended_by_the_round(
    announcer: Announcer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bureau = announcer.bureau
    journal = Journal(bureau.engine, "log.example/office", "account/tests")
    cipher = HeadquartersBureau(bureau.engine, Blobs(tmp_path), custody(), HEADQUARTERS, journal)
    monkeypatch.setattr(HeadquartersBureau, "founded", True)
    announcing = Announcing(bureau.office, cipher)
    first = announcer.begin(bureau.chief)
    assert announcing.round() == []
    assert announcer.intents() == ["open"], "its officer may still sign"
    bureau.now += ABANDONED + timedelta(minutes=1)
    assert announcing.round() == []
    assert announcer.intents() == ["cancelled"]
    refused(
        "INTENT_NOT_OPEN",
        lambda: announcer.act("bag_announced", bureau.chief, **announcer.signed(first)),
    )
    announcer.act("bag_announced", bureau.chief, **announcer.signed(announcer.begin(bureau.chief)))
    assert announcer.intents() == ["cancelled", "issued"]


def test_a_rectification_is_announced_once_by_who_began_it(announcer: Announcer) -> None:
    bureau = announcer.bureau
    chief, agent = bureau.chief, bureau.agent
    number = announcer.rectify()
    announcer.tell()
    unknown = {"seal": announcer.seal, "ordinal": 2, "subject": b""}
    refused(
        "RECTIFICATION_UNKNOWN", lambda: announcer.act("bag_rectified_announce", chief, **unknown)
    )
    refused("NOT_ALLOWED", lambda: announcer.begin_rectified(bureau.courier, number))
    first, second = (announcer.begin_rectified(each, number) for each in (agent, chief))
    told = {"ordinal": 1, **announcer.signed(second)}
    over = {"ordinal": 1, **announcer.signed(first)}
    refused("INTENT_NOT_OPEN", lambda: announcer.act("bag_rectified_announced", agent, **over))
    named = {"dispatch_id": second.manifest.id, "request": "-"}
    assert announcer.act("sign_manifest.intend", chief, **named) == {}
    refused("INTENT_NOT_OPEN", lambda: announcer.act("sign_slip.intend", agent, **named))
    assert announcer.act("bag_rectified_announced", chief, **told)["register"]
    with reading(bureau.engine) as connection:
        assert rectifying.untold(connection, [announcer.seal]) == []
    again = "RECTIFICATION_ANNOUNCED"
    refused(again, lambda: announcer.act("bag_rectified_announced", chief, **told))
    refused(again, lambda: announcer.begin_rectified(chief, number))
    refused(again, lambda: announcer.act("sign_manifest.intend", chief, **named))
    assert announcer.intents() == ["issued", "cancelled", "issued"]


def test_no_rectification_is_announced_before_its_bag(announcer: Announcer, tmp_path: Path) -> None:
    bureau, chief = announcer.bureau, announcer.bureau.chief
    number = announcer.rectify()
    refused("RECTIFICATION_BEFORE_BAG", lambda: announcer.begin_rectified(chief, number))
    assert announcer.intents() == [], "no number is taken"
    journal = Journal(bureau.engine, "log.example/office", "account/tests")
    cipher = HeadquartersBureau(bureau.engine, Blobs(tmp_path), custody(), HEADQUARTERS, journal)

    def by_command() -> list[Announced]:
        seals, pair = [announcer.seal], {"by": chief, "authority": bureau.second}
        return rectified_notices.announce_all(bureau.office, cipher, seals, **pair)

    refused("RECTIFICATION_BEFORE_BAG", by_command)
    with reading(bureau.engine) as connection:
        assert len(rectifying.untold(connection, [])) == 1
    announcer.tell()
    begun = announcer.begin_rectified(chief, number)
    # What tells of the rectification does not count for the bag, nor the other way about.
    told = {"ordinal": 1, **announcer.signed(begun)}
    refused("BAG_ANNOUNCED", lambda: announcer.act("bag_announced", chief, **told))
    announcer.act("bag_rectified_announced", chief, **told)
    assert by_command() == [], "it was told"


def test_rectifications_are_announced_in_their_order_and_the_lists_tell_which_are_not(
    announcer: Announcer,
) -> None:
    bureau, chief = announcer.bureau, announcer.bureau.chief
    first, first_file = announcer.rectify(), announcer.file
    second = announcer.rectify(9500)

    def untold() -> tuple[str, ...]:
        (line,) = views.under_way(bureau.office, by=chief)
        assert views.journey(bureau.office, announcer.seal, by=chief).line == line
        assert line.pressing or not line.untold
        return line.untold

    assert untold() == (first, second)
    announcer.tell()
    refused("RECTIFICATION_NOT_NEXT", lambda: announcer.begin_rectified(chief, second, 2))
    assert announcer.intents() == ["issued"], "of the bag alone"
    announcer.file, second_file = first_file, announcer.file
    told = {"ordinal": 1, **announcer.signed(announcer.begin_rectified(chief, first))}
    over = {**told, "ordinal": 2}
    refused(
        "RECTIFICATION_NOT_NEXT", lambda: announcer.act("bag_rectified_announced", chief, **over)
    )
    announcer.act("bag_rectified_announced", chief, **told)
    assert untold() == (second,)
    announcer.file = second_file
    then = announcer.signed(announcer.begin_rectified(chief, second, 2))
    announcer.act("bag_rectified_announced", chief, ordinal=2, **then)
    assert untold() == ()


def test_a_bag_whose_rectification_was_not_told_stays_in_the_list_after_its_discharge(
    announcer: Announcer,
) -> None:
    bureau = announcer.bureau

    def listed() -> list[str]:
        return [line.stage for line in views.under_way(bureau.office, by=bureau.chief)]

    number = announcer.rectify()
    announcer.tell()
    with unit_of_work(bureau.engine) as connection:
        repository.change_closing(connection, announcer.seal, stage="accounted")
    assert listed() == ["accounted"]
    told = {"ordinal": 1, **announcer.signed(announcer.begin_rectified(bureau.chief, number))}
    announcer.act("bag_rectified_announced", bureau.chief, **told)
    assert listed() == []


def test_a_rectification_s_announcement_cut_short_is_ended_by_the_round(
    announcer: Announcer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bureau = announcer.bureau
    journal = Journal(bureau.engine, "log.example/office", "account/tests")
    cipher = HeadquartersBureau(bureau.engine, Blobs(tmp_path), custody(), HEADQUARTERS, journal)
    monkeypatch.setattr(HeadquartersBureau, "founded", True)
    announcer.tell()
    begun = announcer.begin_rectified(bureau.chief, announcer.rectify())
    bureau.now += ABANDONED + timedelta(minutes=1)
    assert Announcing(bureau.office, cipher).round() == []
    assert announcer.intents() == ["issued", "cancelled"]
    late = {"ordinal": 1, **announcer.signed(begun)}
    refused(
        "INTENT_NOT_OPEN", lambda: announcer.act("bag_rectified_announced", bureau.chief, **late)
    )
