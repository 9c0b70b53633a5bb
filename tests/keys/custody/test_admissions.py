"""What acts on officers do to the custodian's roll, and how exactly they say it."""

from datetime import timedelta
from typing import Any

import pytest

from keys import canonical
from keys.acts import ActMalformed, ActOutdated, ApproverConcerned, ApproverNotInForce
from keys.custody import Custodian
from keys.custody.challenges import registration_challenge
from keys.custody.errors import (
    ActNotOfCustodian,
    ChallengeUnknown,
    KeyNotAttested,
    KeyUnknown,
    TooMuchWaiting,
)
from keys.errors import Refusal
from keys.passkeys import PasskeyInvalid
from tests.support.acts import act as service_act
from tests.support.authenticator import Maker, SecurityKey
from tests.support.officers import (
    CELL,
    CLERK,
    PARTY,
    SECURITY,
    Hours,
    Ministry,
    admission,
    officer_act,
    revocation,
    shown,
    whole_now,
)


def test_one_stolen_key_is_revoked_by_its_owner(custodian: Custodian, ministry: Ministry) -> None:
    stolen = canonical.text_from_bytes(ministry.keys[CLERK][1].credential_id)
    ministry.signed(custodian, revocation(CLERK, CLERK, stolen), CLERK)

    assert len(shown(custodian)[CLERK]["passkeys"]) == 1
    with pytest.raises(KeyUnknown):
        ministry.signed(custodian, revocation(CELL, CLERK), CLERK, key=1)
    again = revocation(CLERK, CLERK, stolen, version=2)
    with pytest.raises(ActOutdated):
        ministry.signed(custodian, again, CLERK)
    last = canonical.text_from_bytes(ministry.keys[CLERK][0].credential_id)
    ministry.signed(custodian, revocation(CLERK, CLERK, last, version=2), CLERK)
    assert shown(custodian)[CLERK]["revoked"] is True


def test_who_lost_their_keys_is_armed_again_by_two_others(
    custodian: Custodian, ministry: Ministry
) -> None:
    ministry.signed(custodian, revocation(CLERK, CELL), CELL)
    act = officer_act(
        "officer.rearm",
        CLERK,
        SECURITY,
        {"passkeys": ministry.new_keys(custodian)},
        version=2,
        rank=4,
    )
    with pytest.raises(ApproverNotInForce):
        ministry.signed(custodian, act, CLERK)
    ministry.signed(custodian, act, SECURITY)
    ministry.signed(custodian, act, CELL)

    armed = shown(custodian)[CLERK]
    assert (armed["revoked"], armed["version"]) == (False, 3)
    assert armed["passkeys"] == act.parameters["passkeys"]
    with pytest.raises(KeyUnknown):
        ministry.signed(custodian, revocation(CELL, CLERK), CLERK)


def test_nobody_arms_themselves(custodian: Custodian, ministry: Ministry) -> None:
    keys = ministry.new_keys(custodian)
    act = officer_act("officer.rearm", SECURITY, SECURITY, {"passkeys": keys}, rank=4)
    with pytest.raises(ApproverConcerned):
        ministry.signed(custodian, act, SECURITY)


def test_a_change_of_the_person_voids_the_signatures(
    custodian: Custodian, ministry: Ministry
) -> None:
    keys = ministry.new_keys(custodian)
    act = officer_act("officer.rearm", CLERK, SECURITY, {"passkeys": keys}, rank=4)
    ministry.signed(custodian, act, SECURITY)
    ministry.signed(custodian, revocation(CLERK, CELL), CELL)
    with pytest.raises(ActOutdated):
        ministry.signed(custodian, act, CELL)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"resource": "officer/OFF-000008"}, ActMalformed),
        ({"resource": "post/OFF-000009"}, ActMalformed),
        ({"resource": "officer/off.9"}, ActMalformed),
        ({"subjects": ("OFF-000009", "OFF-000010")}, ActMalformed),
        ({"authors": (CELL,)}, ActMalformed),
        ({"parameters": {"more": 1}}, ActMalformed),
        ({"parameters": {"name": "two\nlines"}}, ActMalformed),
        ({"parameters": {"functions": []}}, ActMalformed),
        ({"parameters": {"ends": "2020-01-01T00:00:00Z"}}, ActMalformed),
        ({"parameters": {"passkeys": []}}, ActMalformed),
        ({"subject": SECURITY, "version": 1}, ApproverConcerned),
        ({"subject": CLERK, "version": 1}, ActOutdated),
        ({"version": 1}, ActOutdated),
    ],
)
def test_an_admission_says_exactly_what_it_does(
    custodian: Custodian, ministry: Ministry, change: dict[str, Any], refusal: type[Refusal]
) -> None:
    act = admission(ministry.new_keys(custodian), **change)
    with pytest.raises(refusal):
        ministry.signed(custodian, act, SECURITY)


def test_only_keys_that_were_registered_here_are_admitted(
    custodian: Custodian, ministry: Ministry
) -> None:
    registered = ministry.new_keys(custodian)
    other = {**registered[0], "id": "AAAA"}
    for passkeys in ([registered[0], other], [registered[0], registered[0]]):
        with pytest.raises(KeyNotAttested):
            ministry.signed(custodian, admission(passkeys), SECURITY)


def test_a_registered_key_waits_a_day(
    custodian: Custodian, ministry: Ministry, hours: Hours
) -> None:
    keys = ministry.new_keys(custodian)
    hours.now += timedelta(hours=24)
    with pytest.raises(KeyNotAttested):
        ministry.signed(custodian, admission(keys, now=hours.now), SECURITY)


def test_a_key_is_registered_once_and_by_its_challenge(
    custodian: Custodian, ministry: Ministry
) -> None:
    key = SecurityKey(ministry.maker)
    nonce = custodian.officer_challenge()
    response = key.create(registration_challenge(nonce), PARTY)
    custodian.register_officer_key(nonce, response)
    with pytest.raises(ChallengeUnknown):
        custodian.register_officer_key(nonce, response)
    again = custodian.officer_challenge()
    with pytest.raises(KeyUnknown):
        custodian.register_officer_key(again, key.create(registration_challenge(again), PARTY))
    other = custodian.officer_challenge()
    with pytest.raises(PasskeyInvalid):
        custodian.register_officer_key(other, SecurityKey(ministry.maker).create(other, PARTY))
    foreign = custodian.officer_challenge()
    with pytest.raises(PasskeyInvalid):
        custodian.register_officer_key(
            foreign, SecurityKey(Maker()).create(registration_challenge(foreign), PARTY)
        )


def test_other_acts_are_not_the_custodian_s(custodian: Custodian, ministry: Ministry) -> None:
    start = whole_now() - timedelta(minutes=1)
    act = service_act(
        "policy.change", CELL, version=0, not_before=start, expires=start + timedelta(hours=1)
    )
    with pytest.raises(ActNotOfCustodian):
        ministry.signed(custodian, act, CELL)
    absent = revocation("OFF-000099", CELL, version=0)
    with pytest.raises(ActOutdated):
        ministry.signed(custodian, absent, CELL)


def test_what_waits_is_bounded(custodian: Custodian, ministry: Ministry) -> None:
    """A robbed service, or an officer, fills neither memory nor disk."""
    keys = ministry.new_keys(custodian, 64)
    with pytest.raises(TooMuchWaiting):
        ministry.new_keys(custodian, 1)
    for number in range(64):
        subject = f"OFF-{100 + number:06d}"
        ministry.signed(custodian, admission(keys[:2], subject), SECURITY)
    with pytest.raises(TooMuchWaiting):
        ministry.signed(custodian, admission(keys[:2], "OFF-000500"), SECURITY)
    first = custodian.officer_challenge()
    for _ in range(1024):
        custodian.officer_challenge()
    with pytest.raises(ChallengeUnknown):
        custodian.register_officer_key(first, b"{}")
