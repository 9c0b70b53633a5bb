"""The custodian's officers against a robbed service: real worker, real keys, each attack by name.

Whoever robbed the service's process talks to the custodian as the service does and sees everything
that officers send. They hold no officer's security key.
"""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from keys.acts import (
    ActExecuted,
    ActMalformed,
    ActNotInForce,
    ApprovalOfAnother,
    ApproverNotCleared,
    ApproverNotInForce,
    ApproversNotDistinct,
    ApproverWithoutFunction,
    approval_challenge,
)
from keys.age.files import encrypt
from keys.custody import Custodian, open_custodian
from keys.custody.clock import SteadyClock, system_clock
from keys.custody.core import Custody
from keys.custody.errors import (
    ChallengeUnknown,
    GrantMissing,
    KeyUnknown,
    OfficersNotFounded,
    OriginUnsafe,
)
from keys.custody.grants import Wanted
from keys.custody.log_keys import HeadInMemory
from keys.custody.officers import Officers
from keys.custody.roll_file import RollFile
from keys.custody.store import open_store, read_credential
from keys.errors import Refusal
from keys.passkeys import PasskeyCounterBack, PasskeyInvalid, PasskeyUnverified, RelyingParty
from tests.keys.custody.conftest import Founded
from tests.support.authenticator import Alterations, SecurityKey
from tests.support.intents import grant_of, granted
from tests.support.officers import (
    CELL,
    CLERK,
    GENERAL,
    PARTY,
    SECURITY,
    Hours,
    Ministry,
    admission,
    found_ministry,
    revocation,
    shown,
    whole_now,
)


def test_two_officers_admit_a_third_through_the_worker(
    worker_of: Custodian, ministry: Ministry
) -> None:
    act = admission(ministry.new_keys(worker_of))

    first = ministry.signed(worker_of, act, SECURITY)
    assert first == {"state": "open", "approved": [SECURITY], "version": 0}
    assert "OFF-000009" not in shown(worker_of)
    second = ministry.signed(worker_of, act, GENERAL, key=1)

    assert second == {"state": "executed", "approved": [SECURITY, GENERAL], "version": 1}
    admitted = shown(worker_of)["OFF-000009"]
    assert admitted["functions"] == ["CIPHER-CLERK"]
    assert admitted["passkeys"] == act.parameters["passkeys"]
    assert json.loads(worker_of.officers())["open"] == []


def test_signatures_survive_a_restart_and_challenges_do_not(
    founded: Founded, ministry: Ministry, start_worker: Callable[..., Any]
) -> None:
    RollFile(founded.store, read_credential(founded.credential)).write(ministry.roll)
    path = founded.store.parent / "custodian.sock"
    started = start_worker(founded, path)
    client = open_custodian(started.uri, lambda _: b"")
    act = admission(ministry.new_keys(client))
    ministry.signed(client, act, SECURITY)
    nonce = client.officer_challenge()
    started.process.kill()
    started.process.wait()
    start_worker(founded, path)

    with pytest.raises(ChallengeUnknown):
        ministry.signed(client, act, GENERAL, nonce=nonce)
    assert ministry.signed(client, act, GENERAL)["state"] == "executed"
    client.close()


def test_a_robbed_service_enrols_no_officers_of_its_own(
    custodian: Custodian, ministry: Ministry
) -> None:
    """It has keys of a listed model, and no officer: nobody signs for them."""
    robber = found_ministry(whole_now())
    stolen = Ministry(ministry.maker, ministry.roll, robber.keys)
    act = admission(ministry.new_keys(custodian), parameters={"functions": ["SECURITY-OFFICER"]})

    for signer in (SECURITY, GENERAL):
        with pytest.raises(KeyUnknown):
            stolen.signed(custodian, act, signer)
    assert set(shown(custodian)) == set(ministry.keys)


def test_a_robbed_service_signs_under_no_officer_s_name(
    custodian: Custodian, ministry: Ministry
) -> None:
    """It sends an officer's credential id with a signature of its own key."""
    robber = SecurityKey(ministry.maker)
    act = admission(ministry.new_keys(custodian))
    victim = ministry.keys[SECURITY][0].credential_id
    stolen = Ministry(ministry.maker, ministry.roll, {SECURITY: (robber,)})

    with pytest.raises(PasskeyInvalid):
        stolen.signed(custodian, act, SECURITY, changes=Alterations(credential_id=victim))


def test_a_robbed_service_reuses_no_answer(custodian: Custodian, ministry: Ministry) -> None:
    """The same answer again, and the same challenge with a new answer."""
    act = admission(ministry.new_keys(custodian))
    nonce = custodian.officer_challenge()
    response = ministry.keys[SECURITY][0].get(approval_challenge(nonce, act.digest), PARTY)
    custodian.approve_act(act.encoded, nonce, response)

    with pytest.raises(ChallengeUnknown):
        custodian.approve_act(act.encoded, nonce, response)
    with pytest.raises(ChallengeUnknown):
        ministry.signed(custodian, act, GENERAL, nonce=nonce)
    with pytest.raises(PasskeyInvalid):
        custodian.approve_act(act.encoded, custodian.officer_challenge(), response)
    with pytest.raises(ChallengeUnknown):
        custodian.approve_act(act.encoded, bytes(32), response)


def test_a_challenge_is_used_up_by_a_wrong_answer(custodian: Custodian, ministry: Ministry) -> None:
    act = admission(ministry.new_keys(custodian))
    nonce = custodian.officer_challenge()
    with pytest.raises(PasskeyUnverified):
        ministry.signed(custodian, act, SECURITY, nonce=nonce, changes=Alterations(flags=1))
    with pytest.raises(ChallengeUnknown):
        ministry.signed(custodian, act, SECURITY, nonce=nonce)


def test_a_challenge_ends_after_300_seconds(
    custodian: Custodian, ministry: Ministry, hours: Hours
) -> None:
    act = admission(ministry.new_keys(custodian))
    late, backwards = custodian.officer_challenge(), custodian.officer_challenge()
    hours.now += timedelta(seconds=300)
    with pytest.raises(ChallengeUnknown):
        ministry.signed(custodian, act, SECURITY, nonce=late)
    hours.now -= timedelta(seconds=301)
    with pytest.raises(ChallengeUnknown):
        ministry.signed(custodian, act, SECURITY, nonce=backwards)


def test_a_robbed_service_exchanges_no_parameters(custodian: Custodian, ministry: Ministry) -> None:
    """The officer signed the digest of another act than the one that is sent."""
    keys = ministry.new_keys(custodian, 4)
    act = admission(keys[:2])
    swapped = admission(keys[2:], id=act.id)
    nonce = custodian.officer_challenge()
    response = ministry.keys[SECURITY][0].get(approval_challenge(nonce, act.digest), PARTY)

    with pytest.raises(PasskeyInvalid):
        custodian.approve_act(swapped.encoded, nonce, response)
    ministry.signed(custodian, act, SECURITY)
    with pytest.raises(ApprovalOfAnother):
        ministry.signed(custodian, swapped, GENERAL)


def test_an_answer_for_the_service_s_site_is_none_for_the_custodian(
    custodian: Custodian, ministry: Ministry
) -> None:
    """The custodian has its own RP ID and origins: sign-in answers are worth nothing here."""
    act = admission(ministry.new_keys(custodian))
    for party in (
        RelyingParty("chiffre.example.cm", PARTY.origins),
        RelyingParty(PARTY.id, ("https://chiffre.example.cm",)),
    ):
        nonce = custodian.officer_challenge()
        response = ministry.keys[SECURITY][0].get(approval_challenge(nonce, act.digest), party)
        with pytest.raises(PasskeyInvalid):
            custodian.approve_act(act.encoded, nonce, response)


def test_one_officer_with_two_keys_is_one_person(custodian: Custodian, ministry: Ministry) -> None:
    act = admission(ministry.new_keys(custodian))
    ministry.signed(custodian, act, SECURITY, key=0)
    with pytest.raises(ApproversNotDistinct):
        ministry.signed(custodian, act, SECURITY, key=1)
    assert shown(custodian).keys() == ministry.keys.keys()


def test_an_act_is_done_once(custodian: Custodian, ministry: Ministry) -> None:
    act = admission(ministry.new_keys(custodian))
    ministry.signed(custodian, act, SECURITY)
    ministry.signed(custodian, act, GENERAL)
    for signer in (SECURITY, GENERAL):
        with pytest.raises(ActExecuted):
            ministry.signed(custodian, act, signer)


def test_fifty_last_signatures_do_an_act_once(worker_of: Custodian, ministry: Ministry) -> None:
    act = admission(ministry.new_keys(worker_of))
    ministry.signed(worker_of, act, SECURITY)
    key, barrier = ministry.keys[GENERAL][0], threading.Barrier(50)
    key.count = -1  # a key that does not count, so that no answer is refused for its counter
    answers = []
    for _ in range(50):
        nonce = worker_of.officer_challenge()
        key.count = -1
        answers.append((nonce, key.get(approval_challenge(nonce, act.digest), PARTY)))

    def bring(answer: tuple[bytes, bytes]) -> str:
        barrier.wait()
        try:
            outcome: str = json.loads(worker_of.approve_act(act.encoded, *answer))["state"]
        except Refusal as refusal:
            return refusal.code
        return outcome

    with ThreadPoolExecutor(50) as pool:
        outcomes = list(pool.map(bring, answers))
    assert sorted(outcomes) == ["ACT_EXECUTED"] * 49 + ["executed"]


def test_wrong_persons_sign_nothing(custodian: Custodian, ministry: Ministry) -> None:
    act = admission(ministry.new_keys(custodian))
    with pytest.raises(ApproverWithoutFunction):
        ministry.signed(custodian, act, CLERK)
    with pytest.raises(ApproverWithoutFunction):
        ministry.signed(custodian, act, CELL)
    assert json.loads(custodian.officers())["open"] == []


def test_nobody_admits_above_themselves(custodian: Custodian, ministry: Ministry) -> None:
    keys = ministry.new_keys(custodian)
    with pytest.raises(ApproverNotCleared):
        ministry.signed(custodian, admission(keys, parameters={"rank": 5}), SECURITY)
    low = admission(keys, parameters={"rank": 5}, rank=0)
    with pytest.raises(ActMalformed):
        ministry.signed(custodian, low, SECURITY)


def test_one_person_suffices_to_revoke_and_it_counts_at_once(
    custodian: Custodian, ministry: Ministry
) -> None:
    """P7; the signature that the revoked person gave before no longer counts either."""
    act = admission(ministry.new_keys(custodian))
    ministry.signed(custodian, act, SECURITY)

    outcome = ministry.signed(custodian, revocation(SECURITY, CLERK), CLERK)

    assert outcome == {"state": "executed", "approved": [CLERK], "version": 2}
    assert shown(custodian)[SECURITY]["revoked"] is True
    with pytest.raises(ApproverNotInForce):
        ministry.signed(custodian, revocation(GENERAL, SECURITY), SECURITY)
    assert ministry.signed(custodian, act, GENERAL) == {
        "state": "open",
        "approved": [GENERAL],
        "version": 0,
    }


def test_an_act_waits_no_longer_than_its_time(
    custodian: Custodian, ministry: Ministry, hours: Hours
) -> None:
    act = admission(ministry.new_keys(custodian))
    ministry.signed(custodian, act, SECURITY)
    hours.now += timedelta(hours=24)
    with pytest.raises(ActNotInForce):
        ministry.signed(custodian, act, GENERAL)
    assert json.loads(custodian.officers())["open"] == []


def test_the_counter_of_a_key_is_kept_even_when_its_act_is_refused(
    custodian: Custodian, ministry: Ministry
) -> None:
    act = admission(ministry.new_keys(custodian))
    with pytest.raises(ApproverWithoutFunction):
        ministry.signed(custodian, act, CLERK)
    ministry.keys[CLERK][0].count = 0
    with pytest.raises(PasskeyCounterBack):
        ministry.signed(custodian, act, CLERK)


def test_the_custodian_reads_its_own_clock() -> None:
    now = system_clock()
    assert now.microsecond == 0
    assert abs(now - whole_now()) < timedelta(minutes=1)


def test_a_clock_that_is_set_back_brings_nothing_to_life_again(
    custodian: Custody, founded: Founded, ministry: Ministry, hours: Hours
) -> None:
    """Nobody asked meanwhile, so that the custodian never saw grant and challenge end."""
    running = [0.0]
    clock = SteadyClock(hours, lambda: running[0])
    credential = read_credential(founded.credential)
    steady = Custody(
        custodian.service,
        custodian.secret,
        HeadInMemory(),
        Officers(RollFile(founded.store, credential), clock),
    )
    act = revocation(GENERAL, SECURITY)
    nonce, token = steady.officer_challenge(), granted(ministry, steady, grant_of(CLERK))
    began = clock()
    hours.now += timedelta(hours=2)
    ended = clock()
    hours.now -= timedelta(hours=2)

    assert clock() == ended == began + timedelta(hours=2)
    with pytest.raises(ChallengeUnknown):
        ministry.signed(steady, act, SECURITY, nonce=nonce)
    wanted = Wanted("open", 0, None, "0" * 64)
    with pytest.raises(GrantMissing):
        steady._roll.require_grant(token, wanted)
    # Set back without a look between: time goes on from where it was.
    token = granted(ministry, steady, grant_of(CLERK, expires=ended + timedelta(minutes=10)))
    assert steady._roll.require_grant(token, wanted) == CLERK
    hours.now -= timedelta(days=400)
    running[0] += 600.0
    with pytest.raises(GrantMissing):
        steady._roll.require_grant(token, wanted)
    hours.now = ended + timedelta(days=1)
    assert clock() == hours.now


def test_production_serves_no_officers_who_sign_without_tls(
    founded: Founded, ministry: Ministry
) -> None:
    credential = read_credential(founded.credential)
    file = RollFile(founded.store, credential)
    origins = (*PARTY.origins, "http://localhost:8443")
    file.write(replace(ministry.roll, party=replace(PARTY, origins=origins), founded=False))
    draft = encrypt(b"Brouillon", [founded.founding.card.recipient])
    # Before the ceremony is over it starts, and afterwards it serves nobody.
    running = open_store(founded.store, credential, production=True)
    file.write(replace(ministry.roll, party=replace(PARTY, origins=origins)))
    assert not running.state().founded
    for ask in (running.officer_challenge, running.officers, lambda: running.open_sealed(draft)):
        with pytest.raises(OriginUnsafe, match="localhost"):
            ask()
    with pytest.raises(OriginUnsafe):
        open_store(founded.store, credential, production=True)
    assert open_store(founded.store, credential).state().founded
    assert len(Officers(file, whole_now).challenge()) == 32
    file.write(ministry.roll)
    assert len(running.officer_challenge()) == 32
    assert open_store(founded.store, credential, production=True).state().founded


def test_there_are_no_officers_before_the_founding(
    founded: Founded, hours: Hours, lome: Custody
) -> None:
    credential = read_credential(founded.credential)
    file = RollFile(founded.store, credential)
    before = Officers(file, hours)
    for ask in (before.challenge, before.listing, lome.officers, lome.officer_challenge):
        with pytest.raises(OfficersNotFounded):
            ask()
    file.write(found_ministry(hours.now, founded=False).roll)
    with pytest.raises(OfficersNotFounded):
        before.challenge()
