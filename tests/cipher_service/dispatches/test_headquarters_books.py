"""The bureau's own books: numbers before signatures, openings after verification, drafts sealed."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from cipher_service import clock
from cipher_service.dispatches import departures, drafts, openings
from cipher_service.dispatches.departures import Departure, Intent
from cipher_service.dispatches.openings import Admission, Missing, Opening
from cipher_service.dispatches.sealed import TEXT_MAX, seal_text
from cipher_service.dispatches.service import Recorded
from cipher_service.dispatches.submission import Submission
from cipher_service.errors import ServiceError
from cipher_service.references import new_id
from cipher_service.storage.tables.headquarters import annulled, draft, intent
from cipher_service.storage.unit_of_work import reading, unit_of_work
from tests.support.ministry import EPOCH, HEADQUARTERS, Ministry, custody, post_keys

BODY = b"age-encryption.org/v1\n0123456789"
SUBJECT = "Négociations sur la délimitation maritime"


def departure(posts: tuple[str, ...] = ("PARIS", "LOME")) -> Departure:
    return Departure(
        dispatch_id=new_id(clock.now()),
        origin=HEADQUARTERS,
        kind="telegram",
        level="SECRET",
        drafter="A. Ndongo",
        authority="B. Mbarga",
        subject=seal_text(SUBJECT, custody().card()),
        posts=posts,
    )


def intend(ministry: Ministry, what: Departure | None = None) -> Intent:
    directory = ministry.directory
    with unit_of_work(ministry.engine) as connection:
        return departures.intend(
            connection,
            what or departure(),
            epoch=EPOCH,
            directory=directory,
            now=ministry.now,
        )


def submission(ministry: Ministry, intended: Intent) -> Submission:
    to = [(number.post, number.number) for number in intended.numbers]
    return ministry.judged(
        ministry.slip(HEADQUARTERS, to, BODY, dispatch_id=intended.dispatch_id, copy=True)
    )


def issue(ministry: Ministry, what: Submission, manifest_hash: str = "a" * 64) -> Recorded:
    directory = ministry.directory
    with unit_of_work(ministry.engine) as connection:
        recorded = departures.issue(
            connection,
            what,
            BODY,
            manifest_hash,
            directory=directory,
            service=ministry.sealer.service,
            stored=ministry.blobs.size,
            now=ministry.now,
        )
        if recorded.created:
            ministry.sealer.seal(connection, [recorded])
        return recorded


def series(ministry: Ministry, post: str = "PARIS") -> list[tuple[int, str, str | None]]:
    with reading(ministry.engine) as connection:
        lines = departures.numbers(connection, HEADQUARTERS, post, EPOCH)
    return [(line.number, line.state, line.reason) for line in lines]


class TestDepartures:
    def test_numbers_are_allotted_then_issued(self, ministry: Ministry) -> None:
        intended = intend(ministry)
        assert [(n.post, n.number, n.previous) for n in intended.numbers] == [
            ("PARIS", 1, None),
            ("LOME", 1, None),
        ]
        assert intended.register == "2026/000001"
        assert series(ministry) == [(1, "allotted", None)]
        recorded = issue(ministry, submission(ministry, intended))
        assert recorded.created
        assert series(ministry) == [(1, "issued", None)]

    def test_the_next_number_names_the_manifest_issued_last(self, ministry: Ministry) -> None:
        issue(ministry, submission(ministry, intend(ministry)), "b" * 64)
        assert [n.previous for n in intend(ministry).numbers] == ["b" * 64, "b" * 64]

    def test_a_cancelled_number_stays_visible_and_is_not_used_again(
        self, ministry: Ministry
    ) -> None:
        intended = intend(ministry)
        for _ in range(2):
            with unit_of_work(ministry.engine) as connection:
                departures.cancel(connection, intended.dispatch_id, "WITHDRAWN", ministry.now)
        assert series(ministry) == [(1, "cancelled", "WITHDRAWN")]
        assert intend(ministry).numbers[0].number == 2
        with pytest.raises(ServiceError, match="INTENT_NOT_OPEN"):
            issue(ministry, submission(ministry, intended))

    def test_who_was_not_told_of_a_cancelled_number(self, ministry: Ministry) -> None:
        intended = intend(ministry)
        with unit_of_work(ministry.engine) as connection:
            departures.cancel(connection, intended.dispatch_id, "WITHDRAWN", ministry.now)
            assert [n.post for n in departures.unannounced(connection, HEADQUARTERS)] == [
                "LOME",
                "PARIS",
            ]
            told = {"receiver": "LOME", "origin": HEADQUARTERS, "epoch": EPOCH, "number": 1}
            connection.execute(
                insert(annulled).values(**told, message_id="m", recorded_at="2026-11-22T12:00:00Z")
            )
            assert [n.post for n in departures.unannounced(connection, HEADQUARTERS)] == ["PARIS"]

    def test_an_interrupted_departure_is_cancelled_at_start(self, ministry: Ministry) -> None:
        left, issued = intend(ministry), intend(ministry)
        issue(ministry, submission(ministry, issued))
        ministry.now += timedelta(minutes=10)
        intend(ministry)  # under way
        with unit_of_work(ministry.engine) as connection:
            recovered = departures.recover(
                connection, before=ministry.now - timedelta(minutes=5), now=ministry.now
            )
        assert recovered == [left.dispatch_id]
        assert series(ministry) == [
            (1, "cancelled", "INTERRUPTED"),
            (2, "issued", None),
            (3, "allotted", None),
        ]

    def test_issuing_again_gives_what_was_given(self, ministry: Ministry) -> None:
        what = submission(ministry, intend(ministry))
        first, second = issue(ministry, what), issue(ministry, what)
        assert (first.created, second.created) == (True, False)
        assert second.receipt is not None
        assert first.statement == second.statement

    def test_a_slip_with_other_numbers_is_refused(self, ministry: Ministry) -> None:
        intended = intend(ministry)
        wrong = replace(
            intended, numbers=tuple(replace(n, number=n.number + 1) for n in intended.numbers)
        )
        with pytest.raises(ServiceError, match="INTENT_MISMATCH"):
            issue(ministry, submission(ministry, wrong))
        fewer = replace(intended, numbers=intended.numbers[:1])
        with pytest.raises(ServiceError, match="INTENT_MISMATCH"):
            issue(ministry, submission(ministry, fewer))
        assert series(ministry) == [(1, "allotted", None)]

    def test_nothing_is_issued_without_an_intent(self, ministry: Ministry) -> None:
        unknown = replace(intend(ministry), dispatch_id=new_id(ministry.now))
        with pytest.raises(ServiceError, match="INTENT_NOT_OPEN"):
            issue(ministry, submission(ministry, unknown))
        with (
            pytest.raises(ServiceError, match="INTENT_NOT_OPEN"),
            unit_of_work(ministry.engine) as connection,
        ):
            departures.cancel(connection, unknown.dispatch_id, "WITHDRAWN", ministry.now)

    @pytest.mark.parametrize(
        ("posts", "code"),
        [
            ((), "NO_ADDRESSEE"),
            (("PARIS", "NOWHERE"), "UNKNOWN_POST"),
            (("PARIS", "BERLIN"), "POST_NOT_ACTIVE"),
            ((HEADQUARTERS,), "ADDRESSED_TO_SELF"),
        ],
    )
    def test_a_departure_to_nobody_takes_no_number(
        self, ministry: Ministry, posts: tuple[str, ...], code: str
    ) -> None:
        with pytest.raises(ServiceError, match=code):
            intend(ministry, departure(posts))
        assert intend(ministry).numbers[0].number == 1

    def test_one_id_is_one_departure(self, ministry: Ministry) -> None:
        what = departure()
        intend(ministry, what)
        with pytest.raises(ServiceError, match="DUPLICATE_ID"):
            intend(ministry, what)
        assert series(ministry) == [(1, "allotted", None)]

    def test_twenty_officers_at_once_leave_a_series_without_gap(self, ministry: Ministry) -> None:
        start, numbers = threading.Barrier(20), []

        def work() -> None:
            start.wait()
            numbers.append(intend(ministry).numbers[0].number)

        officers = [threading.Thread(target=work) for _ in range(20)]
        for officer in officers:
            officer.start()
        for officer in officers:
            officer.join()
        assert sorted(numbers) == list(range(1, 21))

    def test_the_subject_is_legible_to_the_custodian_only(self, ministry: Ministry) -> None:
        intend(ministry)
        with reading(ministry.engine) as connection:
            sealed = connection.scalar(select(intent.c.subject))
        assert sealed is not None
        assert SUBJECT.encode() not in bytes(sealed)
        assert custody().open_sealed(bytes(sealed)).decode() == SUBJECT


def opening(number: int, *, origin: str = "PARIS", manifest_hash: str | None = None) -> Opening:
    return Opening(
        receiver=HEADQUARTERS,
        dispatch_id=new_id(clock.now()),
        manifest_hash=manifest_hash or f"{number:064x}",
        origin=origin,
        fingerprint=post_keys(origin).card.fingerprint,
        epoch=EPOCH,
        number=number,
        level="SECRET",
        subject=seal_text(SUBJECT, custody().card()),
    )


def admit(ministry: Ministry, what: Opening) -> Admission:
    with unit_of_work(ministry.engine) as connection:
        return openings.admit(connection, what, ministry.now)


def missing(ministry: Ministry) -> list[Missing]:
    with reading(ministry.engine) as connection:
        return openings.missing_numbers(connection, HEADQUARTERS)


class TestOpenings:
    def test_opening_again_changes_nothing(self, ministry: Ministry) -> None:
        what = opening(1)
        assert admit(ministry, what) == Admission("2026/000001", created=True)
        assert admit(ministry, what) == Admission("2026/000001", created=False)

    def test_a_replay_with_other_content_is_named(self, ministry: Ministry) -> None:
        what = opening(1)
        admit(ministry, what)
        with pytest.raises(ServiceError, match="REPLAYED"):
            admit(ministry, replace(what, manifest_hash="f" * 64))

    def test_a_number_used_twice_is_named(self, ministry: Ministry) -> None:
        admit(ministry, opening(1))
        with pytest.raises(ServiceError, match="NUMBER_REUSED") as refused:
            admit(ministry, opening(1))
        assert refused.value.facts == {"origin": "PARIS", "epoch": EPOCH, "number": 1}
        assert admit(ministry, opening(2)).register == "2026/000002"  # no number was lost

    def test_any_order_is_normal_and_what_lies_between_is_missing(self, ministry: Ministry) -> None:
        for number in (2, 7, 4):
            admit(ministry, opening(number))
        admit(ministry, opening(2, origin="LOME"))
        assert missing(ministry) == [
            Missing("LOME", EPOCH, 1, 1),
            Missing("PARIS", EPOCH, 1, 1),
            Missing("PARIS", EPOCH, 3, 3),
            Missing("PARIS", EPOCH, 5, 6),
        ]
        admit(ministry, opening(3))
        assert Missing("PARIS", EPOCH, 3, 3) not in missing(ministry)

    def test_what_waits_in_the_inbox_is_not_missing(self, ministry: Ministry) -> None:
        ministry.submit(ministry.slip("PARIS", [(HEADQUARTERS, 1)], BODY), BODY)
        admit(ministry, opening(2))
        assert missing(ministry) == []

    def test_a_cancelled_number_is_not_missing_and_cannot_be_opened(
        self, ministry: Ministry
    ) -> None:
        cancelled = {"receiver": HEADQUARTERS, "origin": "PARIS", "epoch": EPOCH, "number": 1}
        with unit_of_work(ministry.engine) as connection:
            connection.execute(
                insert(annulled).values(**cancelled, message_id="m", recorded_at="-")
            )
        admit(ministry, opening(2))
        assert missing(ministry) == []
        with pytest.raises(ServiceError, match="NUMBER_CANCELLED"):
            admit(ministry, opening(1))

    def test_a_jump_to_the_highest_number_costs_one_line(self, ministry: Ministry) -> None:
        admit(ministry, opening(2**31 - 1))
        assert missing(ministry) == [Missing("PARIS", EPOCH, 1, 2**31 - 2)]

    def test_an_older_epoch_can_be_left_out(self, ministry: Ministry) -> None:
        admit(ministry, replace(opening(2), epoch=202500))
        with reading(ministry.engine) as connection:
            assert openings.missing_numbers(connection, HEADQUARTERS, since_epoch=EPOCH) == []
            assert len(openings.missing_numbers(connection, HEADQUARTERS)) == 1


class TestDrafts:
    def test_a_draft_is_kept_sealed(self, ministry: Ministry) -> None:
        card = custody().card()
        with unit_of_work(ministry.engine) as connection:
            drafts.begin(connection, "d1", "ndongo", seal_text("Projet", card), ministry.now)
            text = seal_text("Projet corrigé", card)
            assert drafts.save(connection, "d1", "ndongo", text, edition=1, now=ministry.now) == 2
            held = drafts.read(connection, "d1", "ndongo")
            assert custody().open_sealed(held.body).decode() == "Projet corrigé"
            assert [one.draft_id for one in drafts.drafts_of(connection, "ndongo")] == ["d1"]
            assert b"Projet" not in bytes(connection.execute(select(draft.c.body)).scalar_one())

    def test_two_officers_do_not_overwrite_each_other(self, ministry: Ministry) -> None:
        with unit_of_work(ministry.engine) as connection:
            drafts.begin(connection, "d1", "ndongo", b"1", ministry.now)
            drafts.save(connection, "d1", "ndongo", b"2", edition=1, now=ministry.now)
            with pytest.raises(ServiceError, match="DRAFT_CHANGED"):
                drafts.save(connection, "d1", "ndongo", b"3", edition=1, now=ministry.now)
            assert drafts.read(connection, "d1", "ndongo").body == b"2"

    def test_another_officers_draft_does_not_exist(self, ministry: Ministry) -> None:
        with unit_of_work(ministry.engine) as connection:
            drafts.begin(connection, "d1", "ndongo", b"1", ministry.now)
            with pytest.raises(ServiceError, match="NOT_FOUND"):
                drafts.read(connection, "d1", "mbarga")
            with pytest.raises(ServiceError, match="NOT_FOUND"):
                drafts.save(connection, "d1", "mbarga", b"2", edition=1, now=ministry.now)
            with pytest.raises(ServiceError, match="NOT_FOUND"):
                drafts.discard(connection, "d1", "mbarga")
            drafts.discard(connection, "d1", "ndongo")
            assert drafts.drafts_of(connection, "ndongo") == []

    def test_a_text_that_is_no_draft_is_refused(self) -> None:
        with pytest.raises(ValueError, match="at most"):
            seal_text("x" * (TEXT_MAX + 1), custody().card())
