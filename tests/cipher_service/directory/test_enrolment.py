"""A card comes in by a one-time code, waits for its comparison, and is superseded by the next."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, select

from cipher_service import clock
from cipher_service.directory import controlled, enrolment
from cipher_service.directory.controlled_keys import designation, record_of
from cipher_service.directory.organisation import default_organisation
from cipher_service.directory.organisation_book import load
from cipher_service.directory.register import Directory, DirectoryReader, read_directory
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.directory import enrolment_code
from cipher_service.storage.unit_of_work import reading, unit_of_work
from tests.support.ministry import PostKeys, custody, post_keys


@pytest.fixture
def loaded(engine: Engine) -> Engine:
    with unit_of_work(engine) as connection:
        load(connection, default_organisation(), clock.now())
    return engine


def code_for(engine: Engine, post: str = "PARIS") -> str:
    with unit_of_work(engine) as connection:
        return enrolment.issue_code(connection, post, clock.now())


def enrol(
    engine: Engine, code: str, keys_of: PostKeys, now: datetime | None = None
) -> enrolment.Enrolment:
    with unit_of_work(engine) as connection:
        return enrolment.enrol(connection, code, keys_of.card, keys_of.api_key, now or clock.now())


def activate(engine: Engine, keys_of: PostKeys) -> None:
    with unit_of_work(engine) as connection:
        enrolment.activate(connection, keys_of.code, keys_of.card.fingerprint, clock.now())


def directory_of(engine: Engine) -> Directory:
    with reading(engine) as connection:
        return read_directory(connection)


def test_from_code_to_service(loaded: Engine) -> None:
    paris = post_keys("PARIS")
    done = enrol(loaded, code_for(loaded), paris)
    assert done == enrolment.Enrolment("PARIS", "pending", paris.card.fingerprint)
    waiting = directory_of(loaded)
    assert waiting.posts["PARIS"].state == "pending"
    assert waiting.posts["PARIS"].fingerprint is None
    with pytest.raises(ServiceError, match="POST_NOT_ACTIVE"):
        waiting.card_in_force("PARIS")
    activate(loaded, paris)
    activate(loaded, paris)  # the officer presses twice
    now = directory_of(loaded)
    assert now.card_in_force("PARIS").card == paris.card
    assert now.api_keys[paris.api.thumbprint()].state == "active"


def test_the_code_itself_is_nowhere_in_the_database(loaded: Engine) -> None:
    code = code_for(loaded)
    with reading(loaded) as connection:
        row = connection.execute(select(enrolment_code)).one()
    assert code not in str(row)


def test_a_code_is_for_one_card_once(loaded: Engine) -> None:
    code = code_for(loaded)
    enrol(loaded, code, post_keys("PARIS"))
    with pytest.raises(ServiceError, match="ENROLMENT_REFUSED"):
        enrol(loaded, code, PostKeys("PARIS"))


def test_a_lost_answer_is_given_again(loaded: Engine) -> None:
    code, paris = code_for(loaded), post_keys("PARIS")
    assert enrol(loaded, code, paris) == enrol(loaded, code, paris)


def test_wrong_codes_teach_nothing(loaded: Engine) -> None:
    code, paris = code_for(loaded), post_keys("PARIS")
    late = clock.now() + enrolment.CODE_LIFE
    attempts: list[Callable[[], object]] = [
        lambda: enrol(loaded, code, post_keys("LOME")),  # another post's
        lambda: enrol(loaded, code, paris, late),  # expired
        lambda: enrol(loaded, code.lower(), paris),
        lambda: enrol(loaded, "0000-0000-0000-0000-0000", paris),
        lambda: enrol(loaded, code, PostKeys("NOWHERE")),
    ]
    for attempt in attempts:
        with pytest.raises(ServiceError, match=r"^ENROLMENT_REFUSED$"):
            attempt()
    assert enrol(loaded, code, paris).state == "pending"  # and none of it used the code up


def test_a_new_code_stops_the_old_one(loaded: Engine) -> None:
    old, new = code_for(loaded), code_for(loaded)
    with pytest.raises(ServiceError, match="ENROLMENT_REFUSED"):
        enrol(loaded, old, post_keys("PARIS"))
    enrol(loaded, new, post_keys("PARIS"))


def test_ten_thieves_of_one_code_are_one_too_many_nine_times(loaded: Engine) -> None:
    code, start = code_for(loaded), threading.Barrier(10)
    thieves = [PostKeys("PARIS") for _ in range(10)]
    won: list[str] = []

    def steal(thief: PostKeys) -> None:
        start.wait()
        try:
            enrol(loaded, code, thief)
        except ServiceError:
            return
        won.append(thief.card.fingerprint)

    threads = [threading.Thread(target=steal, args=(thief,)) for thief in thieves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_the_next_edition_supersedes_the_last(loaded: Engine) -> None:
    first = post_keys("PARIS")
    second = PostKeys("PARIS", edition=2, previous=first.card.fingerprint)
    enrol(loaded, code_for(loaded), first)
    activate(loaded, first)
    enrol(loaded, code_for(loaded), second)
    between = directory_of(loaded)
    assert between.card_in_force("PARIS").card == first.card  # until it was compared
    activate(loaded, second)
    after = directory_of(loaded)
    assert [card.edition for card in after.cards_of("PARIS")] == [2, 1]
    assert after.api_keys[first.api.thumbprint()].state == "superseded"
    assert after.card_in_force("PARIS").card == second.card


def test_an_edition_never_goes_back(loaded: Engine) -> None:
    first = post_keys("PARIS")
    enrol(loaded, code_for(loaded), first)
    activate(loaded, first)
    with pytest.raises(ServiceError, match="CARD_EDITION_STALE"):
        enrol(loaded, code_for(loaded), PostKeys("PARIS"))
    with pytest.raises(ServiceError, match="CARD_KNOWN"):
        enrol(loaded, code_for(loaded), first)


def test_a_second_attempt_replaces_a_card_still_waiting(loaded: Engine) -> None:
    mistaken, right = PostKeys("PARIS"), PostKeys("PARIS")
    enrol(loaded, code_for(loaded), mistaken)
    enrol(loaded, code_for(loaded), right)
    with pytest.raises(ServiceError, match="CARD_NOT_PENDING"):
        activate(loaded, mistaken)
    activate(loaded, right)


def test_a_card_outside_its_validity_does_not_enter(loaded: Engine) -> None:
    paris = post_keys("PARIS")
    with unit_of_work(loaded) as connection:
        code = enrolment.issue_code(connection, "PARIS", paris.card.valid_until)
    with pytest.raises(ServiceError, match="CARD_NOT_IN_FORCE"):
        enrol(loaded, code, paris, paris.card.valid_until)


def test_one_api_key_serves_one_post(loaded: Engine) -> None:
    lome, paris = PostKeys("LOME"), post_keys("PARIS")
    lome.api = paris.api
    enrol(loaded, code_for(loaded), paris)
    with pytest.raises(ServiceError, match="KEY_KNOWN"):
        enrol(loaded, code_for(loaded, "LOME"), lome)


def test_a_suspended_post_is_out_of_service_until_it_is_resumed(loaded: Engine) -> None:
    paris = post_keys("PARIS")
    enrol(loaded, code_for(loaded), paris)
    activate(loaded, paris)
    with unit_of_work(loaded) as connection:
        enrolment.suspend(connection, "PARIS", clock.now())
        assert enrolment.enrolment(connection, "PARIS").state == "suspended"
    with pytest.raises(ServiceError, match="POST_NOT_ACTIVE"):
        directory_of(loaded).active_post("PARIS")
    with unit_of_work(loaded) as connection:
        enrolment.resume(connection, "PARIS", clock.now())
    assert directory_of(loaded).active_post("PARIS").fingerprint == paris.card.fingerprint


def test_a_withdrawn_card_is_used_by_nobody(loaded: Engine) -> None:
    paris = post_keys("PARIS")
    enrol(loaded, code_for(loaded), paris)
    activate(loaded, paris)
    with unit_of_work(loaded) as connection:
        enrolment.withdraw(connection, "PARIS", paris.card.fingerprint, clock.now())
    after = directory_of(loaded)
    assert after.posts["PARIS"].state == "absent"
    assert after.cards_of("PARIS") == []
    assert after.api_keys[paris.api.thumbprint()].state == "withdrawn"
    with pytest.raises(ServiceError, match="NOT_FOUND"), unit_of_work(loaded) as connection:
        enrolment.withdraw(connection, "PARIS", "0" * 64, clock.now())


def test_the_ministrys_own_card_needs_no_code(loaded: Engine) -> None:
    card = custody().card()
    for _ in range(2):
        with unit_of_work(loaded) as connection:
            enrolment.install(connection, card, clock.now())
    assert directory_of(loaded).card_in_force("MINREX").card == card


def test_each_key_that_comes_into_force_enters_the_register_of_controlled_items_once(
    loaded: Engine,
) -> None:
    card = custody().card()
    for _ in range(2):
        with unit_of_work(loaded) as connection:
            enrolment.install(connection, card, clock.now())
    with unit_of_work(loaded) as connection:
        named = designation("MINREX", 1, card.fingerprint)
        (item,) = (each for each in controlled.items(connection) if each.designation == named)
        assert (item.kind, item.holder, item.state) == ("key", "MINREX", "held")
        assert record_of(connection, named) is None


def test_posts_that_are_not_there(loaded: Engine) -> None:
    def each(connection: Connection) -> None:
        now = clock.now()
        for act in (
            lambda: enrolment.issue_code(connection, "NOWHERE", now),
            lambda: enrolment.activate(connection, "NOWHERE", "0" * 64, now),
            lambda: enrolment.suspend(connection, "NOWHERE", now),
            lambda: enrolment.resume(connection, "NOWHERE", now),
        ):
            with pytest.raises(ServiceError, match="UNKNOWN_POST"):
                act()
        for post in ("NOWHERE", "PARIS"):
            with pytest.raises(ServiceError, match="NOT_FOUND"):
                enrolment.enrolment(connection, post)

    with unit_of_work(loaded) as connection:
        each(connection)


def test_a_code_can_be_read_aloud(loaded: Engine) -> None:
    code = code_for(loaded)
    assert [len(group) for group in code.split("-")] == [4] * 5
    assert not set("ILOU") & set(code)
    with unit_of_work(loaded) as connection:
        short = enrolment.issue_code(connection, "LOME", clock.now(), timedelta(minutes=1))
    with pytest.raises(ServiceError, match="ENROLMENT_REFUSED"):
        enrol(loaded, short, post_keys("LOME"), clock.now() + timedelta(minutes=2))


def test_a_transaction_sees_its_own_change_of_the_directory_and_its_undoing(
    loaded: Engine,
) -> None:
    reader, paris = DirectoryReader(), post_keys("PARIS")
    enrol(loaded, code_for(loaded), paris)
    with unit_of_work(loaded) as connection:
        before = reader.current(connection)
        assert reader.current(connection) is before
        change = connection.begin_nested()
        enrolment.activate(connection, "PARIS", paris.card.fingerprint, clock.now())
        assert reader.current(connection).posts["PARIS"].state == "active"
        change.rollback()
        assert reader.current(connection).posts["PARIS"].state == "pending"


def test_the_next_transaction_sees_what_another_process_changed(loaded: Engine) -> None:
    reader, paris = DirectoryReader(), post_keys("PARIS")
    enrol(loaded, code_for(loaded), paris)
    with reading(loaded) as connection:
        assert reader.current(connection).posts["PARIS"].state == "pending"
    activate(loaded, paris)
    with reading(loaded) as connection:
        assert reader.current(connection).posts["PARIS"].state == "active"
