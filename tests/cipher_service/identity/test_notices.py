"""What a person is told of their keys and sign-ins, as the registrar writes it into the log."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from cipher_service.audit.recorder import Recorder
from cipher_service.identity import challenges, notices, passkey_book
from cipher_service.identity.officer_commands import OfficerDesk
from cipher_service.storage.batch import Batches, Outcome, Request
from cipher_service.storage.unit_of_work import reading, unit_of_work
from tests.support.authenticator import HONEST, PRESENT, Alterations, SecurityKey
from tests.support.signing_in import MAKER, NOW, PARTY, SITE, Enrolled, enrol, load_ministry

UNVERIFIED = Alterations(flags=PRESENT)


class Desk:
    """The officers' commands with their log, and a clock that is set."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = NOW
        commands = OfficerDesk(lambda: SITE, lambda: self.now)
        recorder = Recorder("log.example/notices", lambda: self.now)
        self.batches = Batches(engine, commands.handlers(), recorder.before_commit)

    def run(self, command: str, payload: Any) -> Outcome:
        return self.batches.run([Request(command, payload)])[0]

    def refused(self, key: SecurityKey, changes: Alterations = HONEST) -> str:
        refusal = self.sign_in(key, changes).refusal
        assert refusal is not None
        return refusal.code

    def sign_in(self, key: SecurityKey, changes: Alterations = HONEST) -> Outcome:
        nonce = self.run("officer_ask", None).result
        response = key.get(challenges.asked("sign-in", nonce), PARTY, changes)
        return self.run("officer_sign_in", {"nonce": nonce, "response": response})

    def told(self, since: datetime, officer: str | None = None) -> Sequence[tuple[str, str, str]]:
        with reading(self.engine) as connection:
            found = notices.notices(connection, since, officer=officer)
        assert [one.at for one in found] == sorted((one.at for one in found), reverse=True)
        return [(one.officer, one.kind, one.by) for one in found]


@pytest.fixture
def desk(engine: Engine) -> Desk:
    load_ministry(engine)
    return Desk(engine)


@pytest.fixture
def clerk(desk: Desk) -> Enrolled:
    """Enrolled the day before, so that this is told no more."""
    return enrol(desk.engine, now=NOW - timedelta(days=1))


def test_a_refused_sign_in_is_told_to_whose_key_it_was(desk: Desk, clerk: Enrolled) -> None:
    other = enrol(desk.engine, now=NOW - timedelta(days=1))
    stranger = SecurityKey(MAKER)
    for _ in range(2):
        assert desk.sign_in(clerk.keys[0]).refusal is None
    assert desk.told(NOW) == []
    assert desk.refused(stranger) == "KEY_UNKNOWN"
    assert desk.told(NOW) == [], "a key that is nobody's says nothing of anybody"
    assert desk.refused(clerk.keys[0], UNVERIFIED) == "PASSKEY_UNVERIFIED"
    assert desk.told(NOW) == [(clerk.number, notices.TRIED, "-")]
    assert desk.told(NOW, other.number) == []
    assert desk.sign_in(clerk.keys[1]).refusal is None
    both = [(clerk.number, notices.AFTER_REFUSAL, clerk.number), (clerk.number, notices.TRIED, "-")]
    assert desk.told(NOW) == desk.told(NOW, clerk.number) == both
    assert desk.sign_in(clerk.keys[1]).refusal is None
    assert desk.told(NOW) == both
    assert desk.told(NOW + timedelta(seconds=1)) == []


def test_a_key_that_was_taken_away_is_told_when_it_is_tried(desk: Desk, clerk: Enrolled) -> None:
    session = desk.sign_in(clerk.keys[0]).result["session"]
    payload = {"officer": clerk.number, "session": session}
    lost = clerk.keys[1].credential_id.hex()
    assert desk.run("officer_revoke_key", {**payload, "act": {"key": lost}}).refusal is None
    assert desk.told(NOW) == [(clerk.number, notices.CHANGED, "-")]
    assert desk.refused(clerk.keys[1]) == "KEY_UNKNOWN"
    assert (clerk.number, notices.TRIED, "-") in desk.told(NOW, clerk.number)


def test_a_long_absence_is_told_and_a_first_time_is_none(desk: Desk, clerk: Enrolled) -> None:
    assert desk.sign_in(clerk.keys[0]).refusal is None
    desk.now = NOW + notices.ABSENCE - timedelta(days=1)
    assert desk.sign_in(clerk.keys[0]).refusal is None
    assert desk.told(NOW) == []
    desk.now += notices.ABSENCE + timedelta(days=1)
    assert desk.sign_in(clerk.keys[0]).refusal is None
    assert desk.told(desk.now) == [(clerk.number, notices.AFTER_ABSENCE, clerk.number)]


def test_it_is_told_since_the_session_before(desk: Desk, clerk: Enrolled) -> None:
    def since() -> datetime | None:
        with reading(desk.engine) as connection:
            return notices.since_last(connection, clerk.number)

    assert since() is None
    desk.sign_in(clerk.keys[0])
    assert since() is None
    desk.now += timedelta(days=1)
    desk.sign_in(clerk.keys[0], UNVERIFIED)
    desk.now += timedelta(days=1)
    desk.sign_in(clerk.keys[0])
    assert since() == NOW
    kinds = [kind for _, kind, _ in desk.told(since() or desk.now, clerk.number)]
    assert kinds == [notices.AFTER_REFUSAL, notices.TRIED]


def test_keys_and_links_are_told_whatever_made_them(desk: Desk) -> None:
    clerk = enrol(desk.engine)
    told = [(clerk.number, notices.CHANGED, "-")] * 3
    assert desk.told(NOW) == told, "a link, and two keys by it"
    with unit_of_work(desk.engine) as connection:
        passkey_book.make_link(connection, clerk.number, NOW, by=clerk.number)
    assert (clerk.number, notices.CHANGED, clerk.number) in desk.told(NOW, clerk.number)
