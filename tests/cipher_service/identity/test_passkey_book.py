"""Officers enrol two security keys by a link, sign in with one, and sign acts: nobody else does."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import Engine, select

from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.identity import challenges, passkey_book, sessions
from cipher_service.storage.tables import identity as tables
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.acts import approval_challenge
from keys.passkeys import PasskeyCounterBack, PasskeyInvalid, PasskeyUnverified, RelyingParty
from tests.support.authenticator import Alterations, SecurityKey
from tests.support.signing_in import (
    MAKER,
    NOW,
    PARTY,
    SITE,
    Enrolled,
    add_officer,
    enrol,
    load_ministry,
    registration,
    signed_in,
)

DIGEST = sha256(b"an act").digest()


@pytest.fixture
def ministry(engine: Engine) -> Engine:
    load_ministry(engine)
    return engine


@pytest.fixture
def clerk(ministry: Engine) -> Enrolled:
    return enrol(ministry)


def _officer_of(engine: Engine, token: str) -> str:
    with reading(engine) as connection:
        return sessions.find_session(connection, token, NOW).officer


def test_an_officer_enrols_two_keys_and_signs_in_with_each(
    ministry: Engine, clerk: Enrolled
) -> None:
    for key in clerk.keys:
        assert _officer_of(ministry, signed_in(ministry, key)) == clerk.number
    with reading(ministry) as connection:
        known = passkey_book.keys_of(connection, clerk.number)
    assert {key.credential_id for key in known} == {key.credential_id.hex() for key in clerk.keys}
    assert all(key.used is not None and key.revoked is None for key in known)


def test_the_database_holds_nothing_that_signs_anybody_in(
    ministry: Engine, clerk: Enrolled
) -> None:
    token = signed_in(ministry, clerk.keys[0])
    with unit_of_work(ministry) as connection:
        link = passkey_book.make_link(connection, clerk.number, NOW, by=None)
    with reading(ministry) as connection:
        kept = [*connection.scalars(select(tables.session.c.digest))]
        kept += connection.scalars(select(tables.enrolment_link.c.digest))
    assert token not in kept
    assert link not in kept
    for digest in kept:
        with pytest.raises(ServiceError, match="SESSION_ENDED"):
            _officer_of(ministry, digest)


def test_a_link_enrols_once(ministry: Engine) -> None:
    officer = add_officer(ministry)
    with unit_of_work(ministry) as connection:
        link = passkey_book.make_link(connection, officer, NOW, by=None)
    barrier = threading.Barrier(4)

    def use(_: int) -> str:
        made = [registration(ministry, officer, SecurityKey(MAKER)) for _ in range(2)]
        barrier.wait()
        try:
            with unit_of_work(ministry) as connection:
                passkey_book.enrol(connection, link, made, SITE, NOW)
        except ServiceError as refusal:
            return refusal.code
        return "enrolled"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(use, range(4))) == ["LINK_UNKNOWN"] * 3 + ["enrolled"]
    with reading(ministry) as connection:
        assert len(passkey_book.keys_of(connection, officer)) == 2


def test_a_link_that_is_old_or_replaced_enrols_nobody(ministry: Engine) -> None:
    officer = add_officer(ministry)
    with unit_of_work(ministry) as connection:
        first = passkey_book.make_link(connection, officer, NOW, by=None)
        second = passkey_book.make_link(connection, officer, NOW, by=None)
    later = NOW + passkey_book.LINK_LIFE
    with reading(ministry) as connection:
        assert passkey_book.officer_of_link(connection, second, NOW) == officer
        for link, now in ((first, NOW), (second, later), ("", NOW), ("\ud800", NOW)):
            with pytest.raises(ServiceError, match="LINK_UNKNOWN"):
                passkey_book.officer_of_link(connection, link, now)


def test_one_key_is_not_enough_and_one_key_is_not_two(ministry: Engine) -> None:
    officer = add_officer(ministry)
    with unit_of_work(ministry) as connection:
        link = passkey_book.make_link(connection, officer, NOW, by=None)
    key = SecurityKey(MAKER)
    one = registration(ministry, officer, key)
    twice = [registration(ministry, officer, key), registration(ministry, officer, key)]
    for made, code in (([one], "KEYS_NEEDED"), (twice, "KEY_TAKEN")):
        with pytest.raises(ServiceError, match=code), unit_of_work(ministry) as connection:
            passkey_book.enrol(connection, link, made, SITE, NOW)
    with reading(ministry) as connection:
        assert passkey_book.keys_of(connection, officer) == []
        assert passkey_book.officer_of_link(connection, link, NOW) == officer


def test_somebody_else_s_registration_is_not_taken(ministry: Engine) -> None:
    """A nonce belongs to the person for whom it was given, and to its purpose."""
    officer, other = add_officer(ministry), add_officer(ministry)
    with unit_of_work(ministry) as connection:
        link = passkey_book.make_link(connection, officer, NOW, by=None)
    made = [registration(ministry, each, SecurityKey(MAKER)) for each in (officer, other)]
    with pytest.raises(ServiceError, match="CHALLENGE_UNKNOWN"):  # noqa: SIM117  a unit is a block
        with unit_of_work(ministry) as connection:
            passkey_book.enrol(connection, link, made, SITE, NOW)


def test_enrolling_anew_takes_the_old_keys_and_sessions_away(
    ministry: Engine, clerk: Enrolled
) -> None:
    token = signed_in(ministry, clerk.keys[0])
    again = enrol(ministry, clerk.number)

    with pytest.raises(ServiceError, match="SESSION_ENDED"):
        _officer_of(ministry, token)
    with pytest.raises(ServiceError, match="KEY_UNKNOWN"):
        signed_in(ministry, clerk.keys[1])
    assert _officer_of(ministry, signed_in(ministry, again.keys[1])) == clerk.number


def test_an_answer_signs_in_once(ministry: Engine, clerk: Enrolled) -> None:
    with unit_of_work(ministry) as connection:
        nonce = challenges.give(connection, "sign-in", None, NOW)
    key = clerk.keys[0]
    answers = []
    for _ in range(8):
        key.count = -1  # a key that does not count: only the challenge tells the answers apart
        answers.append(key.get(challenges.asked("sign-in", nonce), PARTY))
    barrier = threading.Barrier(8)

    def bring(response: bytes) -> str:
        barrier.wait()
        try:
            with unit_of_work(ministry) as connection:
                passkey_book.sign_in(connection, nonce, response, SITE, NOW)
        except ServiceError as refusal:
            return refusal.code
        return "signed in"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(bring, answers)) == ["CHALLENGE_UNKNOWN"] * 7 + ["signed in"]


def test_a_challenge_ends_after_300_seconds(ministry: Engine, clerk: Enrolled) -> None:
    with unit_of_work(ministry) as connection:
        nonce = challenges.give(connection, "sign-in", None, NOW)
    response = clerk.keys[0].get(challenges.asked("sign-in", nonce), PARTY)
    late = NOW + timedelta(seconds=300)
    with pytest.raises(ServiceError, match="CHALLENGE_UNKNOWN"), unit_of_work(ministry) as unit:
        passkey_book.sign_in(unit, nonce, response, SITE, late)
    with unit_of_work(ministry) as connection:
        challenges.give(connection, "sign-in", None, late)
        assert len(connection.execute(select(tables.challenge)).all()) == 1


@pytest.mark.parametrize("state", ["suspended", "left"])
def test_who_may_not_act_does_not_sign_in(ministry: Engine, clerk: Enrolled, state: str) -> None:
    token = signed_in(ministry, clerk.keys[0])
    with unit_of_work(ministry) as connection:
        officers.set_state(connection, clerk.number, state, NOW)

    with pytest.raises(ServiceError, match="SESSION_ENDED"):
        _officer_of(ministry, token)
    with pytest.raises(ServiceError, match="KEY_UNKNOWN"):
        signed_in(ministry, clerk.keys[0])


def test_a_stranger_s_key_and_a_key_without_pin_sign_nobody_in(
    ministry: Engine, clerk: Enrolled
) -> None:
    with pytest.raises(ServiceError, match="KEY_UNKNOWN"):
        signed_in(ministry, SecurityKey(MAKER))
    victim = Alterations(credential_id=clerk.keys[0].credential_id)
    with pytest.raises(PasskeyInvalid):
        signed_in(ministry, SecurityKey(MAKER), changes=victim)
    with pytest.raises(PasskeyUnverified):
        signed_in(ministry, clerk.keys[0], changes=Alterations(flags=1))


def test_a_copied_key_is_noticed(ministry: Engine, clerk: Enrolled) -> None:
    signed_in(ministry, clerk.keys[0])
    clerk.keys[0].count = 0
    with pytest.raises(PasskeyCounterBack):
        signed_in(ministry, clerk.keys[0])


def test_a_revoked_key_ends_what_it_opened(ministry: Engine, clerk: Enrolled) -> None:
    token = signed_in(ministry, clerk.keys[0])
    name = clerk.keys[0].credential_id.hex()
    with unit_of_work(ministry) as connection:
        passkey_book.revoke_key(connection, clerk.number, name, NOW)

    with pytest.raises(ServiceError, match="SESSION_ENDED"):
        _officer_of(ministry, token)
    with pytest.raises(ServiceError, match="KEY_UNKNOWN"):
        signed_in(ministry, clerk.keys[0])
    assert signed_in(ministry, clerk.keys[1])
    other = add_officer(ministry)
    with pytest.raises(ServiceError, match="KEY_UNKNOWN"), unit_of_work(ministry) as connection:
        passkey_book.revoke_key(connection, other, name, NOW)


def _step_up(
    engine: Engine,
    officer: str,
    key: SecurityKey,
    *,
    signed: bytes = DIGEST,
    shown: bytes = DIGEST,
    party: RelyingParty = PARTY,
    purpose: str = "step-up",
) -> None:
    with unit_of_work(engine) as connection:
        nonce = challenges.give(connection, purpose, officer, NOW)
    response = key.get(approval_challenge(nonce, signed), party)
    with unit_of_work(engine) as connection:
        passkey_book.step_up(connection, officer, shown, nonce, response, site=SITE, now=NOW)


def test_an_officer_signs_exactly_the_act_that_is_done(ministry: Engine, clerk: Enrolled) -> None:
    other = enrol(ministry)
    _step_up(ministry, clerk.number, clerk.keys[1])

    with pytest.raises(PasskeyInvalid):
        _step_up(ministry, clerk.number, clerk.keys[0], shown=sha256(b"another").digest())
    with pytest.raises(ServiceError, match="KEY_UNKNOWN"):
        _step_up(ministry, clerk.number, other.keys[0])
    with pytest.raises(ServiceError, match="CHALLENGE_UNKNOWN"):
        _step_up(ministry, clerk.number, clerk.keys[0], purpose="enrol")
    elsewhere = RelyingParty("depositaire.example.cm", PARTY.origins)
    with pytest.raises(PasskeyInvalid):
        _step_up(ministry, clerk.number, clerk.keys[0], party=elsewhere)
