"""A token is used once: one winner, whoever else holds it."""

import threading
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from cipher_service.client.transport_tokens import proof
from cipher_service.identity.tokens import read_proof
from cipher_service.storage.replay import claim, claim_all, claim_of, forget_expired
from cipher_service.storage.unit_of_work import unit_of_work
from keys.jws import ApiKey

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = int(NOW.timestamp()) + 60


def test_the_second_use_is_told(engine: Engine) -> None:
    token = claim_of("https://ministry.example", "jti-1")
    with unit_of_work(engine) as connection:
        assert claim(connection, [(token, LATER)]) == [True]
    with unit_of_work(engine) as connection:
        assert claim(connection, [(token, LATER)]) == [False]


def test_another_expiry_does_not_make_a_token_new(engine: Engine) -> None:
    token = claim_of("key", "jti-2")
    with unit_of_work(engine) as connection:
        assert claim(connection, [(token, LATER)]) == [True]
        assert not claim_all(connection, [(token, LATER + 1)])
    with unit_of_work(engine) as connection:
        assert claim(connection, [(token, LATER - 1)]) == [False]


def test_a_batch_tells_each_one_apart(engine: Engine) -> None:
    first, second = claim_of("i", "1"), claim_of("i", "2")
    with unit_of_work(engine) as connection:
        assert claim(connection, [(first, LATER), (second, LATER), (first, LATER)]) == [
            True,
            True,
            False,
        ]


def test_two_issuers_may_use_one_jti(engine: Engine) -> None:
    with unit_of_work(engine) as connection:
        assert claim(connection, [(claim_of("ab", "c"), LATER), (claim_of("a", "bc"), LATER)]) == [
            True,
            True,
        ]


def test_names_that_begin_with_their_time_lie_in_its_order() -> None:
    key, url = ApiKey.generate(), "https://ministry.example/v1/dispatches"
    made = [
        proof(key, method="POST", url=url, at=NOW + timedelta(milliseconds=step), token=None)
        for step in range(20)
    ]
    claims = [claim_of("key", read_proof(each, now=NOW).jti) for each in made]
    assert claims == sorted(claims)
    assert {len(each) for each in claims} == {38}


def test_a_time_in_front_makes_no_name_new(engine: Engine) -> None:
    name = "019ac0de0000-" + "A" * 24
    claims = [(claim_of("key", name), LATER), (claim_of("key", name), LATER + 1)]
    with unit_of_work(engine) as connection:
        assert claim(connection, claims) == [True, False]
    others = {claim_of("key", name[:12] + "-" + "B" * 24), claim_of("yek", name)}
    assert len(others | {claims[0][0]}) == 3


def test_twenty_at_once_have_one_winner(engine: Engine) -> None:
    token, wins, start = claim_of("i", "race"), [], threading.Barrier(20)

    def use() -> None:
        start.wait()
        with unit_of_work(engine) as connection:
            wins.extend(claim(connection, [(token, LATER)]))

    users = [threading.Thread(target=use) for _ in range(20)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert sorted(wins) == [False] * 19 + [True]


def test_only_expired_claims_are_forgotten(engine: Engine) -> None:
    old, young = claim_of("i", "old"), claim_of("i", "young")
    with unit_of_work(engine) as connection:
        claim(connection, [(old, LATER - 61), (young, LATER)])
        assert forget_expired(connection, NOW) == 1
        assert claim(connection, [(young, LATER)]) == [False]
