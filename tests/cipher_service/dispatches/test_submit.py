"""What is handed in: recorded once, numbered without a gap, receipted before it is acknowledged."""

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from cipher_service import clock
from cipher_service.directory import enrolment
from cipher_service.dispatches.lists import dispatch_of, small_body
from cipher_service.dispatches.sealing import ReceiptSealer
from cipher_service.dispatches.submission import judge
from cipher_service.errors import ServiceError
from cipher_service.storage.batch import Batches, Outcome, Request
from cipher_service.storage.blobs import SMALL
from cipher_service.storage.tables.dispatches import addressee, dispatch, envelope, receipt
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody.frames import listen
from keys.custody.remote import RemoteCustodian
from keys.custody.server import Server
from keys.errors import SignatureInvalid
from keys.merkle import ProofInvalid
from keys.receipts import read_submitted_receipt
from keys.slips import SeriesNumber, SignedSlip, Slip, sign_slip
from tests.support.ministry import HEADQUARTERS, Ministry, PostKeys, post_keys

BODY = b"age-encryption.org/v1\n" + bytes(range(256)) * 40


def rows(ministry: Ministry) -> tuple[int, ...]:
    with reading(ministry.engine) as connection:
        return tuple(
            int(connection.scalar(select(func.count()).select_from(table)) or 0)
            for table in (dispatch, envelope, addressee, receipt)
        )


def registers(ministry: Ministry) -> list[int]:
    with reading(ministry.engine) as connection:
        return list(
            connection.scalars(
                select(dispatch.c.register_number).order_by(dispatch.c.register_number)
            )
        )


class TestRecorded:
    def test_the_receipt_is_the_ministrys_and_of_this_dispatch(self, ministry: Ministry) -> None:
        slip = ministry.slip("PARIS", [("MINREX", 1), ("LOME", 1)], BODY, copy=True)
        answer = ministry.submit(slip, BODY)
        statement = ministry.receipt(answer)
        statement.require_for(slip)
        assert statement.register == answer["register"] == "2026/000001"
        assert statement.received_at == ministry.now
        assert answer["created"] is True

    def test_every_byte_comes_back(self, ministry: Ministry) -> None:
        slip = ministry.slip("PARIS", [("MINREX", 1)], BODY)
        ministry.submit(slip, BODY)
        with reading(ministry.engine) as connection:
            record = dispatch_of(connection, "MINREX", slip.dispatch_id)
            assert small_body(connection, record) == BODY
        assert record.slip == slip.encode()
        assert not record.stored

    def test_the_same_submission_again_gives_the_same_receipt(self, ministry: Ministry) -> None:
        slip = ministry.slip("PARIS", [("MINREX", 1)], BODY)
        first, second = ministry.submit(slip, BODY), ministry.submit(slip, BODY)
        assert second["receipt"] == first["receipt"]
        assert (first["created"], second["created"]) == (True, False)
        assert rows(ministry) == (1, 1, 1, 1)
        next_one = ministry.submit(ministry.slip("PARIS", [("MINREX", 2)], BODY), BODY)
        assert next_one["register"] == "2026/000002"  # the repetition took no number

    def test_the_same_submission_twice_in_one_batch_too(self, ministry: Ministry) -> None:
        payload = ministry.judged(ministry.slip("PARIS", [("MINREX", 1)], BODY)).to_payload(BODY)
        first, second = ministry.run(("submit", payload), ("submit", payload))
        assert ministry.answer(first)["receipt"] == ministry.answer(second)["receipt"]
        assert rows(ministry) == (1, 1, 1, 1)

    def test_a_batch_has_one_root_and_each_receipt_stands_alone(self, ministry: Ministry) -> None:
        slips = [ministry.slip("PARIS", [("MINREX", n)], BODY) for n in range(1, 8)]
        outcomes = ministry.run(
            *(("submit", ministry.judged(slip).to_payload(BODY)) for slip in slips)
        )
        for slip, outcome in zip(slips, outcomes, strict=True):
            ministry.receipt(ministry.answer(outcome)).require_for(slip)

    def test_a_receipt_does_not_pass_for_another(self, ministry: Ministry) -> None:
        answer = ministry.submit(ministry.slip("PARIS", [("MINREX", 1)], BODY), BODY)
        altered = answer["receipt"].replace(b"2026/000001", b"2026/000002")
        with pytest.raises((ProofInvalid, SignatureInvalid)):
            read_submitted_receipt(altered, ministry.custodian.service_key())

    def test_a_large_envelope_stays_in_the_blob_store(self, ministry: Ministry) -> None:
        body = b"x" * (SMALL + 1)
        slip = ministry.slip("PARIS", [("MINREX", 1)], body)
        with ministry.blobs.spool() as spool:
            spool.write(body)
            spool.keep()
        ministry.submit(slip, None)
        with reading(ministry.engine) as connection:
            assert dispatch_of(connection, "PARIS", slip.dispatch_id).stored

    def test_numbers_may_arrive_in_any_order(self, ministry: Ministry) -> None:
        for number in (3, 1, 2):  # FLASH overtakes
            ministry.submit(ministry.slip("PARIS", [("MINREX", number)], BODY), BODY)
        assert rows(ministry)[0] == 3

    def test_two_origins_and_two_addressees_have_their_own_series(self, ministry: Ministry) -> None:
        ministry.submit(ministry.slip("PARIS", [("MINREX", 1), ("LOME", 1)], BODY), BODY)
        ministry.submit(ministry.slip("LOME", [("MINREX", 1), ("PARIS", 1)], BODY), BODY)
        assert rows(ministry)[2] == 4

    def test_each_year_has_its_own_register(self, ministry: Ministry) -> None:
        first = ministry.submit(ministry.slip("PARIS", [("MINREX", 1)], BODY), BODY)
        ministry.now = datetime(2027, 1, 1, tzinfo=UTC)
        second = ministry.submit(ministry.slip("PARIS", [("MINREX", 2)], BODY), BODY)
        assert (first["register"], second["register"]) == ("2026/000001", "2027/000001")

    def test_a_superseded_card_still_receives(self, ministry: Ministry) -> None:
        """What was sealed to the old card while the new one came in is not lost."""
        slip = ministry.slip("PARIS", [("LOME", 1)], BODY)
        old = post_keys("LOME")
        new = PostKeys("LOME", edition=2, previous=old.card.fingerprint)
        with unit_of_work(ministry.engine) as connection:
            code = enrolment.issue_code(connection, "LOME", clock.now())
            enrolment.enrol(connection, code, new.card, new.api_key, clock.now())
            enrolment.activate(connection, "LOME", new.card.fingerprint, clock.now())
        assert ministry.submit(slip, BODY)["created"]


class TestRefusedInTheBooks:
    """Refusals that only the registrar can know; each leaves nothing, not even a number."""

    @pytest.fixture
    def before(self, ministry: Ministry) -> Slip:
        slip = ministry.slip("PARIS", [("MINREX", 1)], BODY)
        ministry.submit(slip, BODY)
        return slip

    def refused(self, ministry: Ministry, slip: Slip, body: bytes | None = BODY) -> ServiceError:
        before = rows(ministry)
        with pytest.raises(ServiceError) as caught:
            ministry.submit(slip, body)
        assert rows(ministry) == before
        # The next one takes the very next number: the refused one took none.
        ministry.submit(ministry.slip("PARIS", [("MINREX", 99)], BODY), BODY)
        assert registers(ministry) == list(range(1, before[0] + 2))
        return caught.value

    def test_another_content_under_a_known_id(self, ministry: Ministry, before: Slip) -> None:
        other = replace(before, addressees=ministry.slip("PARIS", [("MINREX", 2)], BODY).addressees)
        refusal = self.refused(ministry, other)
        assert refusal.code == "DUPLICATE_ID"
        assert refusal.facts == {"dispatch_id": before.dispatch_id}

    def test_another_posts_dispatch_under_a_known_id(
        self, ministry: Ministry, before: Slip
    ) -> None:
        other = ministry.slip("LOME", [("MINREX", 1)], BODY, dispatch_id=before.dispatch_id)
        assert self.refused(ministry, other).code == "DUPLICATE_ID"

    def test_a_number_that_another_dispatch_bears(self, ministry: Ministry, before: Slip) -> None:
        refusal = self.refused(ministry, ministry.slip("PARIS", [("LOME", 1), ("MINREX", 1)], BODY))
        assert refusal.code == "DUPLICATE_NUMBER"
        assert refusal.facts == {
            "post": "MINREX",
            "epoch": 202600,
            "number": 1,
            "dispatch_id": before.dispatch_id,
        }

    def test_a_post_that_does_not_exist(self, ministry: Ministry, before: Slip) -> None:
        nowhere = replace(before.addressees[0], post="NOWHERE", series=SeriesNumber(202600, 5))
        other = replace(before, dispatch_id="0" * 26, addressees=(nowhere,))
        assert self.refused(ministry, other).code == "UNKNOWN_POST"

    def test_a_post_that_is_not_in_service(self, ministry: Ministry, before: Slip) -> None:
        absent = replace(before.addressees[0], post="BERLIN", series=SeriesNumber(202600, 5))
        other = replace(before, dispatch_id="0" * 26, addressees=(absent,))
        assert self.refused(ministry, other).code == "POST_NOT_ACTIVE"

    def test_an_addressee_under_a_card_that_is_not_its_own(
        self, ministry: Ministry, before: Slip
    ) -> None:
        entry = replace(
            before.addressees[0],
            fingerprint=post_keys("LOME").card.fingerprint,
            series=SeriesNumber(202600, 5),
        )
        other = replace(before, dispatch_id="0" * 26, addressees=(entry,))
        assert self.refused(ministry, other).code == "ADDRESSEE_CARD_NOT_CURRENT"

    @pytest.mark.usefixtures("before")
    def test_an_addressee_under_a_card_that_was_withdrawn(self, ministry: Ministry) -> None:
        slip = ministry.slip("PARIS", [("LOME", 1)], BODY)
        old = post_keys("LOME")
        new = PostKeys("LOME", edition=2, previous=old.card.fingerprint)
        with unit_of_work(ministry.engine) as connection:
            enrolment.withdraw(connection, "LOME", old.card.fingerprint, clock.now())
            code = enrolment.issue_code(connection, "LOME", clock.now())
            enrolment.enrol(connection, code, new.card, new.api_key, clock.now())
            enrolment.activate(connection, "LOME", new.card.fingerprint, clock.now())
        assert self.refused(ministry, slip).code == "ADDRESSEE_CARD_NOT_CURRENT"

    @pytest.mark.usefixtures("before")
    def test_an_envelope_of_another_size(self, ministry: Ministry) -> None:
        slip = ministry.slip("PARIS", [("MINREX", 2)], BODY)
        assert self.refused(ministry, slip, BODY[:-1]).code == "ENVELOPE_MISMATCH"

    @pytest.mark.usefixtures("before")
    def test_an_envelope_that_never_reached_the_store(self, ministry: Ministry) -> None:
        slip = ministry.slip("PARIS", [("MINREX", 2)], BODY)
        assert self.refused(ministry, slip, None).code == "ENVELOPE_MISMATCH"

    def test_a_post_suspended_after_it_was_judged(self, ministry: Ministry) -> None:
        payload = ministry.judged(ministry.slip("PARIS", [("MINREX", 1)], BODY)).to_payload(BODY)
        with unit_of_work(ministry.engine) as connection:
            enrolment.suspend(connection, "PARIS", clock.now())
        with pytest.raises(ServiceError, match="POST_NOT_ACTIVE"):
            ministry.answer(ministry.run(("submit", payload))[0])
        assert rows(ministry) == (0, 0, 0, 0)


class TestRefusedByJudgement:
    """Refusals that need no books: the registrar never sees these."""

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda slip: replace(slip, level="SEKRET"), "UNKNOWN_LEVEL"),
            (lambda slip: with_entry(slip, precedence="SOON"), "UNKNOWN_PRECEDENCE"),
            (lambda slip: with_entry(slip, precedence="Z"), "UNKNOWN_PRECEDENCE"),
            (
                lambda slip: numbered(slip, 202600, 2**31),
                "NUMBER_OUT_OF_RANGE",
            ),
            (lambda slip: numbered(slip, 10**6, 1), "NUMBER_OUT_OF_RANGE"),
            (lambda slip: numbered(slip, 2026, 1), "NUMBER_OUT_OF_RANGE"),
            (lambda slip: with_entry(slip, role="copy", series=None), "COPY_NOT_OWN"),
            (lambda slip: with_entry(slip, post="PARIS"), "ADDRESSED_TO_SELF"),
            (lambda slip: with_entry(slip, post="PARIS", role="copy", series=None), "NO_ADDRESSEE"),
            (lambda slip: replace(slip, origin_card="0" * 64), "CARD_NOT_CURRENT"),
        ],
    )
    def test_what_the_slip_says(
        self, ministry: Ministry, change: Callable[[Slip], Slip], code: str
    ) -> None:
        slip = change(ministry.slip("PARIS", [("MINREX", 1)], BODY))
        with pytest.raises(ServiceError, match=code):
            ministry.judged(slip)

    def test_a_slip_of_another_post(self, ministry: Ministry) -> None:
        signed = sign_slip(
            ministry.slip("LOME", [("MINREX", 1)], BODY), post_keys("LOME").sign_slip
        )
        with pytest.raises(ServiceError, match="ORIGIN_NOT_CALLER"):
            judge(signed, ministry.directory, ministry.scheme, caller="PARIS")

    def test_a_forged_signature(self, ministry: Ministry) -> None:
        slip = ministry.slip("PARIS", [("MINREX", 1)], BODY)
        forged = SignedSlip(slip, post_keys("LOME").sign_slip(slip.encode()))
        with pytest.raises(ServiceError, match="SIGNATURE_INVALID"):
            judge(forged, ministry.directory, ministry.scheme, caller="PARIS")


def numbered(slip: Slip, epoch: int, number: int) -> Slip:
    return with_entry(slip, series=SeriesNumber(epoch, number))


def with_entry(slip: Slip, **changes: Any) -> Slip:
    return replace(slip, addressees=(replace(slip.addressees[0], **changes),))


class TestAtOnce:
    def test_twenty_connections_with_one_id_have_one_winner(self, ministry: Ministry) -> None:
        """Not through the registrar: as if two services wrote to one database."""
        payload = ministry.judged(ministry.slip("PARIS", [("MINREX", 1)], BODY)).to_payload(BODY)
        answers = at_once(ministry, [payload] * 20)
        assert [answer["created"] for answer in answers].count(True) == 1
        assert len({answer["receipt"] for answer in answers}) == 1
        assert rows(ministry) == (1, 1, 1, 1)

    def test_twenty_dispatches_with_one_number_have_one_winner(self, ministry: Ministry) -> None:
        payloads = [
            ministry.judged(ministry.slip("PARIS", [("MINREX", 1)], BODY)).to_payload(BODY)
            for _ in range(20)
        ]
        answers = at_once(ministry, payloads)
        assert (
            sorted(str(answer) for answer in answers if "code" in answer)
            == [str({"code": "DUPLICATE_NUMBER"})] * 19
        )
        assert registers(ministry) == [1]

    def test_fifty_writers_leave_a_register_without_gap(self, ministry: Ministry) -> None:
        """Every third is refused for its number; the register still counts 1, 2, 3, ..."""
        payloads = [
            ministry.judged(
                ministry.slip("PARIS", [("MINREX", 1 if turn % 3 == 0 else turn + 1)], BODY)
            ).to_payload(BODY)
            for turn in range(50)
        ]
        answers = at_once(ministry, payloads)
        done = [answer for answer in answers if "code" not in answer]
        assert len(done) == 50 - 16
        assert registers(ministry) == list(range(1, len(done) + 1))


def at_once(ministry: Ministry, payloads: list[dict[str, object]]) -> list[dict[str, object]]:
    answers: list[dict[str, object]] = []
    start = threading.Barrier(len(payloads))

    def submit(payload: dict[str, object]) -> None:
        start.wait()
        outcome = ministry.run(("submit", payload))[0]
        answers.append(
            {"code": outcome.refusal.code} if outcome.refusal is not None else outcome.result
        )

    threads = [threading.Thread(target=submit, args=(payload,)) for payload in payloads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_without_its_custodian_the_ministry_accepts_nothing(
    ministry: Ministry, tmp_path: Path
) -> None:
    sealer = ReceiptSealer(ministry.custodian, HEADQUARTERS)
    sealer._custodian = RemoteCustodian(tmp_path / "nobody.sock")  # its process died
    batches = Batches(ministry.engine, ministry.desk.handlers(), sealer.before_commit)
    payload = ministry.judged(ministry.slip("PARIS", [("MINREX", 1)], BODY)).to_payload(BODY)
    outcome = batches.run([Request("submit", payload)])[0]
    assert outcome.refusal is not None
    assert outcome.refusal.code == "UNAVAILABLE"
    assert rows(ministry) == (0, 0, 0, 0)
    # Once it is back, the very same submission is accepted, under the first number.
    assert ministry.answer(ministry.run(("submit", payload))[0])["register"] == "2026/000001"


def test_what_fails_while_the_custodian_signs_undoes_all_and_leaves_the_custodian_usable(
    ministry: Ministry, tmp_path: Path
) -> None:
    failing = [True, False]

    def meanwhile(_connection: Connection, _outcomes: Sequence[Outcome]) -> None:
        if failing.pop(0):
            raise ZeroDivisionError

    payload = ministry.judged(ministry.slip("PARIS", [("MINREX", 1)], BODY)).to_payload(BODY)
    custody, path = ministry.custodian, tmp_path / "door.sock"
    door = Server(custody, listen(path, mode=0o600), frozenset({os.geteuid()}))
    serving = threading.Thread(target=door.serve, daemon=True)
    serving.start()
    with closing(RemoteCustodian(path)) as remote:
        sealer = ReceiptSealer(remote, HEADQUARTERS, meanwhile)
        batches = Batches(ministry.engine, ministry.desk.handlers(), sealer.before_commit)
        kept = list(remote._idle)
        (failed,) = batches.run([Request("submit", payload)])
        assert failed.refusal is not None
        assert rows(ministry) == (0, 0, 0, 0)
        (done,) = batches.run([Request("submit", payload)])
        given = read_submitted_receipt(done.result["receipt"], custody.service_key())
        assert given.register == "2026/000001"
        assert remote._idle == kept, "the one connection served both"
    door.stop()
    serving.join()


def test_nothing_legible_of_a_subject_is_in_a_payload(ministry: Ministry) -> None:
    """The slip has no subject; the registrar and its log see codes, numbers and hashes (P10)."""
    payload = ministry.judged(ministry.slip("PARIS", [("MINREX", 1)], BODY)).to_payload(BODY)
    assert set(payload) == {
        "slip", "signature", "dispatch_id", "origin", "origin_card", "kind", "level", "caveats",
        "dtg", "sha256", "size", "lines", "body",
    }  # fmt: skip
    assert payload["sha256"] == hashlib.sha256(BODY).hexdigest()
