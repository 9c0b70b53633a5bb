"""The bureau speaks: repetitions asked once, cancelled numbers told, drafts that leave or stay."""

import threading

import pytest
from sqlalchemy import select, update

from cipher_service import clock
from cipher_service.audit.journal import Journal
from cipher_service.directory import enrolment
from cipher_service.dispatches import departures, drafts, openings, speaking
from cipher_service.dispatches.bureau import HeadquartersBureau, People
from cipher_service.dispatches.openings import Opening
from cipher_service.dispatches.sealed import seal_text
from cipher_service.errors import ServiceError
from cipher_service.references import new_id, series_epoch
from cipher_service.storage.tables.dispatches import service_message
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.dispatch import Destination
from keys.manifest import COPY, Heading, Label
from keys.service_messages import CANCELLED, REPEAT_REQUEST, SeriesReference
from tests.support.ministry import EPOCH, HEADQUARTERS, Ministry, custody, post_keys


@pytest.fixture
def bureau(ministry: Ministry) -> HeadquartersBureau:
    return HeadquartersBureau(
        ministry.engine,
        ministry.blobs,
        ministry.custodian,
        HEADQUARTERS,
        Journal(ministry.engine, "ministry.example/audit", "account/test"),
    )


def arrive(ministry: Ministry, origin: str, number: int) -> None:
    """Let a dispatch be opened at headquarters."""
    opening = Opening(
        receiver=HEADQUARTERS,
        dispatch_id=new_id(clock.now()),
        manifest_hash=f"{number:064x}",
        origin=origin,
        fingerprint=post_keys(origin).card.fingerprint,
        epoch=EPOCH,
        number=number,
        level="SECRET",
        subject=seal_text("Objet", custody().card()),
    )
    with unit_of_work(ministry.engine) as connection:
        openings.admit(connection, opening, ministry.now)


def heard(ministry: Ministry, post: str) -> list[speaking.Heard]:
    with reading(ministry.engine) as connection:
        return list(speaking.heard(connection, ministry.directory, post))


def requests(ministry: Ministry, post: str) -> list[int]:
    """The numbers whose repetition a post was asked for, in order of arrival."""
    return [
        each.message.series.number
        for each in heard(ministry, post)
        if each.message.kind == REPEAT_REQUEST and each.message.series is not None
    ]


class TestChasing:
    def test_each_missing_number_is_asked_of_its_origin_once(
        self, ministry: Ministry, bureau: HeadquartersBureau
    ) -> None:
        arrive(ministry, "PARIS", 3)
        arrive(ministry, "LOME", 2)
        asked = [(each.origin, each.number) for each in bureau.chase().asked]
        assert asked == [("LOME", 1), ("PARIS", 1), ("PARIS", 2)]
        arrive(ministry, "PARIS", 1)
        again = bureau.chase()
        assert again.asked == ()
        assert [(each.origin, each.number) for each in again.awaited] == [
            ("LOME", 1),
            ("PARIS", 2),
        ]
        assert requests(ministry, "PARIS") == [1, 2]
        assert requests(ministry, "LOME") == [1]

    def test_two_officers_who_chase_at_once_ask_once(
        self, ministry: Ministry, bureau: HeadquartersBureau
    ) -> None:
        arrive(ministry, "LOME", 6)
        asked: list[SeriesReference] = []
        start = threading.Barrier(2)

        def work() -> None:
            start.wait()
            asked.extend(bureau.chase().asked)

        officers = [threading.Thread(target=work) for _ in range(2)]
        for officer in officers:
            officer.start()
        for officer in officers:
            officer.join()
        assert [each.number for each in asked] == [1, 2, 3, 4, 5]
        assert requests(ministry, "LOME") == [1, 2, 3, 4, 5]

    def test_one_wild_number_does_not_ask_a_billion_times(
        self, ministry: Ministry, bureau: HeadquartersBureau, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(speaking, "CHASE_MOST", 3)
        arrive(ministry, "PARIS", 2**31 - 1)
        assert [(len(each.asked), each.more) for each in (bureau.chase(), bureau.chase())] == [
            (3, True),
            (3, True),
        ]
        assert requests(ministry, "PARIS") == [1, 2, 3, 4, 5, 6]

    def test_a_post_out_of_service_is_not_asked_and_holds_nobody_up(
        self, ministry: Ministry, bureau: HeadquartersBureau
    ) -> None:
        arrive(ministry, "PARIS", 2)
        arrive(ministry, "LOME", 2)
        with unit_of_work(ministry.engine) as connection:
            enrolment.suspend(connection, "LOME", clock.now())
        chased = bureau.chase()
        assert [each.origin for each in chased.asked] == ["PARIS"]
        assert chased.silent == ("LOME",)


class TestListening:
    def test_a_message_that_was_altered_at_rest_is_not_believed(
        self, ministry: Ministry, bureau: HeadquartersBureau
    ) -> None:
        arrive(ministry, "PARIS", 2)
        bureau.chase()
        [told] = heard(ministry, "PARIS")
        assert told.verified
        assert told.message.series == SeriesReference("PARIS", HEADQUARTERS, EPOCH, 1)
        with unit_of_work(ministry.engine) as connection:
            body = connection.scalar(select(service_message.c.body))
            altered = bytes(body or b"").replace(b'"number":1', b'"number":9')
            connection.execute(update(service_message).values(body=altered))
        [told] = heard(ministry, "PARIS")
        assert not told.verified


class TestDrafts:
    @pytest.fixture
    def kept(self, ministry: Ministry) -> drafts.Draft:
        body = seal_text("Objet\nTexte", custody().card())
        with unit_of_work(ministry.engine) as connection:
            drafts.begin(connection, "D1", "A. Ndongo", body, ministry.now)
            return drafts.read(connection, "D1", "A. Ndongo")

    def send(self, ministry: Ministry, bureau: HeadquartersBureau, kept: drafts.Draft) -> str:
        now = clock.now().replace(microsecond=0)
        heading = Heading(
            id=new_id(now),
            kind="telegram",
            label=Label(ministry.scheme.policy, "SECRET", (), (), None),
            dtg=now,
            created=now,
            expires=None,
            subject="Objet",
            references=(),
            in_reply_to=None,
        )
        to = [
            Destination(post_keys("PARIS").card, "ROUTINE", None),
            Destination(bureau.card, "ROUTINE", None, COPY),
        ]
        people = People("A. Ndongo", "SG")
        return bureau.send(heading, to, b"Texte", [], people, kept).manifest.id

    def test_what_has_left_is_no_draft_any_more(
        self, ministry: Ministry, bureau: HeadquartersBureau, kept: drafts.Draft
    ) -> None:
        assert bureau.unseal(kept.body) == "Objet\nTexte"
        self.send(ministry, bureau, kept)
        with reading(ministry.engine) as connection:
            assert drafts.drafts_of(connection, "A. Ndongo") == []

    def test_an_edition_saved_meanwhile_stops_the_departure_and_is_kept(
        self, ministry: Ministry, bureau: HeadquartersBureau, kept: drafts.Draft
    ) -> None:
        newer = seal_text("Objet\nMieux", custody().card())
        with unit_of_work(ministry.engine) as connection:
            drafts.save(connection, "D1", "A. Ndongo", newer, edition=1, now=ministry.now)
        with pytest.raises(ServiceError, match="DRAFT_CHANGED"):
            self.send(ministry, bureau, kept)
        epoch = series_epoch(clock.now().year)
        with reading(ministry.engine) as connection:
            assert bytes(drafts.read(connection, "D1", "A. Ndongo").body) == newer
            [number] = departures.numbers(connection, HEADQUARTERS, "PARIS", epoch)
        assert number.state == "cancelled"
        assert [each.message.kind for each in heard(ministry, "PARIS")] == [CANCELLED]
