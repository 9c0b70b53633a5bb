"""Released dispatches leave on an officer's key, before a custodian that has officers."""

from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from cipher_service import clock
from cipher_service.administration.officer_keys import KeyInHand, Signer, signer_of
from cipher_service.audit.journal import Journal
from cipher_service.audit.warrants import Session, WarrantedCustodian
from cipher_service.directory.register import read_directory
from cipher_service.dispatches import departures, speaking
from cipher_service.dispatches.bureau import HeadquartersBureau
from cipher_service.dispatches.office import compositions, departing
from cipher_service.dispatches.office.addressing import addressed
from cipher_service.dispatches.office.departing import SYSTEM, Departing
from cipher_service.dispatches.sealed import seal_text
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.dispatches import dispatch, receipt
from cipher_service.storage.tables.headquarters import intent
from cipher_service.storage.unit_of_work import reading
from keys.custody.clock import system_clock
from keys.custody.core import Custody
from keys.custody.errors import GrantMissing, GrantOfAnother
from keys.custody.grants import OPEN, SIGN, Grant
from keys.custody.intents import request_digest
from keys.custody.log_keys import HeadInMemory
from keys.custody.officers import Officers
from keys.custody.protocol import Custodian
from keys.custody.roll_file import RollFile
from keys.dispatch import Prepared, prepare
from keys.service_messages import CANCELLED
from keys.slip_agreement import slip_for
from keys.slips import SignedSlip, sign_slip
from tests.support.cipher_office import LOG, Office
from tests.support.ministry import HEADQUARTERS
from tests.support.sample_roll import founded_roll, officer_of
from tests.support.signing_in import PARTY, SITE

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@dataclass
class Founded:
    """An office whose custodian has its officers on a roll."""

    office: Office
    custodian: Custodian
    departing: Departing

    def asking(self, who: str) -> WarrantedCustodian:
        """The custodian, with this officer and their security key at hand."""

        def answer(_signer: Signer, challenge: bytes) -> bytes:
            return self.office.of[who].keys[0].get(challenge, PARTY)

        number = self.office.of[who].number
        key = KeyInHand(self.custodian, signer_of(self.custodian, number), answer)
        return WarrantedCustodian(self.custodian, self.office.engine, LOG, number, key)

    def depart(self, number: str, who: str = "CHIEF") -> Prepared:
        """Number a released dispatch and make its manifest, as the page does."""
        office = self.office
        with reading(office.engine) as connection:
            known = compositions.read(connection, number)
            directory = read_directory(connection)
        subject, _, text = self.asking(who).open_sealed(known.content.body).decode().partition("\n")
        begun = office.act(
            who, "dispatch_depart", dispatch_id=number, digest=known.digest,
            subject=seal_text(subject, office.card),
        )  # fmt: skip
        heading, to = addressed(
            known.content,
            begun["departure"],
            subject,
            directory=directory,
            own=office.card,
            created=clock.now().replace(microsecond=0),
        )
        numbers = [departures.Number(*each) for each in begun["numbers"]]
        return prepare(heading, departures.numbered(to, numbers), text.encode(), sender=office.card)

    def sealed(self, prepared: Prepared, who: str = "CHIEF") -> tuple[SignedSlip, bytes]:
        """Have the custodian sign on this officer's key."""
        asking, sink = self.asking(who), BytesIO()
        prepared.write(asking.sign_manifest(prepared.manifest.encode()), sink)
        body = sink.getvalue()
        slip = slip_for(
            prepared.manifest, envelope_sha256=sha256(body).hexdigest(), envelope_size=len(body)
        )
        return sign_slip(slip, asking.sign_slip), body

    def leave(self, number: str, prepared: Prepared, signed: SignedSlip, body: bytes) -> Any:
        return self.office.act(
            "CHIEF", "dispatch_leave", dispatch_id=number, slip=signed.statement,
            signature=signed.signature, manifest_hash=prepared.manifest.hash, body=body,
        )  # fmt: skip

    def books(self) -> tuple[list[str], int]:
        """How the intents stand, in their order, and how many dispatches there are."""
        with reading(self.office.engine) as connection:
            states = connection.scalars(select(intent.c.state).order_by(intent.c.register_number))
            return list(states), len(connection.execute(select(dispatch.c.seq)).all())


@pytest.fixture
def founded(engine: Engine, tmp_path: Path) -> Founded:
    office = Office(engine, tmp_path)
    store = tmp_path / "roll"
    store.mkdir(mode=0o700)
    with reading(engine) as connection:
        people = [officer_of(connection, one.number, clock.now()) for one in office.of.values()]
    file = RollFile(store, b"0" * 64)
    file.write(founded_roll(people, PARTY, SITE.policy))
    keys = office.ministry.custodian
    custodian = Custody(keys.service, keys.secret, HeadInMemory(), Officers(file, system_clock))
    journal = Journal(engine, LOG, SYSTEM)
    warranted = WarrantedCustodian(custodian, engine, LOG, SYSTEM)
    bureau = HeadquartersBureau(engine, office.ministry.blobs, warranted, HEADQUARTERS, journal)
    return Founded(office, custodian, Departing(engine, bureau, journal))


def refused(code: str, founded: Founded, who: str, name: str, **payload: Any) -> None:
    with pytest.raises(ServiceError) as told:
        founded.office.act(who, name, **payload)
    assert told.value.code == code


def test_what_two_released_leaves_on_the_key_of_an_officer(founded: Founded) -> None:
    office = founded.office
    number = office.released()
    assert founded.departing.round() == []
    assert founded.books() == ([], 0)
    # Nobody but who is awaited, and whom they ask.
    for who in ("CLERK", "DRAFTER"):
        with pytest.raises(ServiceError, match="NOT_"):
            founded.depart(number, who)
    prepared = founded.depart(number)
    signed, body = founded.sealed(prepared)
    assert founded.leave(number, prepared, signed, body)["register"]
    with reading(office.engine) as connection:
        known = compositions.read(connection, number)
        [kind] = connection.scalars(select(receipt.c.kind))
    assert (known.state, known.assigned, kind) == ("left", "", "submitted")
    assert founded.books() == (["issued"], 1)
    with pytest.raises(ServiceError, match="NOT_"):
        founded.leave(number, prepared, signed, body)
    assert founded.books() == (["issued"], 1)


def test_what_is_cut_short_at_any_step_leaves_once_and_every_number_is_told(
    founded: Founded, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = founded.office
    number = office.released()
    first = founded.depart(number)  # killed before the signature: begun again by hand
    second = founded.depart(number)
    signed = founded.sealed(second)  # killed after the signature: ended by the round
    assert founded.departing.round() == []
    assert founded.books() == (["cancelled", "open"], 0)
    monkeypatch.setattr(departing, "ABANDONED", timedelta(0))
    founded.departing.round()
    assert founded.books() == (["cancelled", "cancelled"], 0)
    with reading(office.engine) as connection:
        heard = list(speaking.heard(connection, office.ministry.directory, "PARIS"))
    assert [(each.message.kind, each.verified) for each in heard] == [(CANCELLED, True)] * 2
    # What was signed for a cancelled number leaves no more, the dispatch does.
    with pytest.raises(ServiceError, match="INTENT_NOT_OPEN"):
        founded.leave(number, second, *signed)
    with pytest.raises(ServiceError, match="INTENT_MISMATCH"):
        founded.leave(number, first, *founded.sealed(first))
    third = founded.depart(number)
    founded.leave(number, third, *founded.sealed(third))
    founded.departing.round()
    assert founded.books() == (["cancelled", "cancelled", "issued"], 1)


@sqlite_only
def test_what_was_released_is_sent_by_another_or_given_back(founded: Founded) -> None:
    office = founded.office
    number, clerk = office.released(), office.of["CLERK"].number
    minister = office.of["MINISTER"].number
    refused("PARTY_UNKNOWN", founded, "CHIEF", "dispatch_redirect", dispatch_id=number, to=minister)
    office.act("CHIEF", "dispatch_redirect", dispatch_id=number, to=clerk)
    founded.depart(number, "CLERK")
    reason = office.showing.sealed_text("Le poste est fermé.")
    refused("NOT_AWAITED", founded, "DRAFTER", "dispatch_withdraw", dispatch_id=number)
    office.act("CLERK", "dispatch_refuse", dispatch_id=number, reason=reason)
    with reading(office.engine) as connection:
        assert compositions.read(connection, number).state == "draft"
    assert founded.books() == (["cancelled"], 0)


@sqlite_only
def test_a_robbed_console_has_nothing_signed_without_an_officer(founded: Founded) -> None:
    office = founded.office
    number = office.released()
    prepared, chief = founded.depart(number), office.of["CHIEF"].number
    manifest = prepared.manifest.encode()

    def signed(**tokens: bytes) -> None:
        granting = Session(chief, tokens)
        asking = WarrantedCustodian(founded.custodian, office.engine, LOG, chief, granting)
        asking.sign_manifest(manifest)

    with pytest.raises(GrantMissing):
        signed()
    with pytest.raises(GrantMissing):
        signed(sign=b"0" * 32)
    # The grants that an officer gave for something else serve nothing.
    key = founded.asking("CHIEF")._granting
    assert key is not None
    with pytest.raises(GrantOfAnother):
        signed(sign=key.token(OPEN, "0" * 64, None))
    with pytest.raises(GrantOfAnother):
        signed(sign=key.token(SIGN, request_digest("sign_manifest", b"{}"), prepared.manifest.id))
    # Nor does the registrar put before an officer what is no departure of theirs, or hand over what
    # two persons did not release.
    given = {"nonce": b"", "party": "", "credentials": [], "back": "/", "beside": manifest}
    until = clock.now().replace(microsecond=0) + timedelta(minutes=4)
    request = request_digest("sign_manifest", manifest)
    for who, about, code in (("CHIEF", "0" * 64, "FORM_REFUSED"), ("DEPUTY", request, "NOT_FOUND")):
        officer, identifier = office.of[who].number, prepared.manifest.id
        grant = Grant(officer, SIGN, 3, identifier, about, 1, until)
        refused(code, founded, who, "grant_ask", grant=grant.encoded, **given)
    slip, body = founded.sealed(prepared)
    lowered = SignedSlip(replace(slip.slip, level="CONFIDENTIEL"), slip.signature)
    for wrong, envelope in ((lowered, body), (slip, body + b"0")):
        with pytest.raises(ServiceError, match=r"INTENT_MISMATCH|ENVELOPE_MISMATCH"):
            founded.leave(number, prepared, wrong, envelope)
    assert founded.books() == (["open"], 0)
