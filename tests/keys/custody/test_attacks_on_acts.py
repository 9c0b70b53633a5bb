"""Gate 10: each act that the custodian verifies, under each of the twelve attacks. None passes.

The service is robbed: it carries what it likes, to a custodian that has its own roll, keys and
clock. `tests/cipher_service/identity/test_shared_acts.py` tries the acts that the service verifies.
"""

import json
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keys.act_rules import ANYONE, RULES
from keys.acts import (
    Act,
    ActExecuted,
    ActNotInForce,
    ActOutdated,
    ApprovalOfAnother,
    ApproverNotInForce,
    ApproversNotDistinct,
    ApproverWithoutFunction,
    approval_challenge,
)
from keys.custody import found
from keys.custody.admission import KINDS as ON_OFFICERS
from keys.custody.book import Book, BookFile
from keys.custody.core import Custody
from keys.custody.errors import ChallengeUnknown
from keys.custody.log_keys import HeadInMemory
from keys.custody.officers import Officers
from keys.custody.orders import KINDS as ON_KEYS
from keys.custody.roll_file import RollFile
from keys.custody.rotation import Terminal
from keys.custody.store import open_store, read_credential
from keys.errors import Refusal
from keys.passkeys import PasskeyInvalid
from tests.support.authenticator import Alterations, SecurityKey
from tests.support.officers import (
    CELL,
    CLERK,
    GENERAL,
    KEEPER_A,
    KEEPER_B,
    PARTY,
    SECURITY,
    Hours,
    Ministry,
    admission,
    found_ministry,
    key_act,
    officer_act,
    revocation,
    whole_now,
)

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
AUDITOR = "OFF-000007"
FUNCTIONS = {
    SECURITY: "SECURITY-OFFICER",
    GENERAL: "SECRETARY-GENERAL",
    CELL: "CHIEF-CNTC",
    CLERK: "CIPHER-CLERK",
    KEEPER_A: "CUSTODIAN-A",
    KEEPER_B: "CUSTODIAN-B",
    AUDITOR: "AUDITOR",
}
CREWS = {
    "officer.admit": (SECURITY, GENERAL),
    "officer.rearm": (SECURITY, CELL),
    "officer.revoke": (CELL,),
    "key.destroy": (KEEPER_A, KEEPER_B, GENERAL),
    "key.keep": (KEEPER_B, CELL),
}
"""Who signs each act, the proposer first; AUDITOR has a seat in none that needs a function."""
BUREAU = "bureau/MINREX"


@dataclass
class Desk:
    """A custodian, one act, and whom it needs."""

    kind: str
    custody: Custody
    ministry: Ministry
    hours: Hours
    act: Act

    @property
    def crew(self) -> tuple[str, ...]:
        return CREWS[self.kind]

    def sign(self, signer: str, act: Act | None = None, **how: Any) -> str:
        """One officer's signature; the state that the act is in afterwards."""
        return str(self.ministry.signed(self.custody, act or self.act, signer, **how)["state"])

    def all_but_last(self) -> None:
        for signer in self.crew[:-1]:
            assert self.sign(signer) == "open"

    def effects(self) -> tuple[Any, Any]:
        """What acts change: the roll and the orders on keys."""
        roll = json.loads(self.custody.officers())["officers"]
        return roll, Book.parse(self.custody.key_versions()).orders

    def revoke(self, officer: str) -> None:
        assert self.sign(AUDITOR, revocation(officer, AUDITOR)) == "executed"

    def response(self, signer: str, act: Act, nonce: bytes) -> bytes:
        return self.ministry.keys[signer][0].get(approval_challenge(nonce, act.digest), PARTY)


def act_of(kind: str, custody: Custody, ministry: Ministry) -> Act:
    """A new act of a kind, which can be done as the roll and the keys are."""
    proposer = CREWS[kind][0]
    if kind == "officer.admit":
        return admission(ministry.new_keys(custody), proposer=proposer)
    if kind == "officer.rearm":
        keys = {"passkeys": ministry.new_keys(custody)}
        return officer_act(kind, CLERK, proposer, keys, rank=4)
    if kind == "officer.revoke":
        return revocation(CLERK, proposer)
    book = Book.parse(custody.key_versions())
    version, orders = book.find(BUREAU, 1), book.orders_on(BUREAU, 1)
    at = len(version.history) + len(orders) + sum(each.kept is not None for each in orders)
    if kind == "key.keep":
        return key_act(kind, proposer, {"number": 1, "order": orders[-1].act}, version=at)
    named = {
        "number": 1,
        "fingerprint": version.fingerprint,
        "end_of_life": version.end_of_life,
    }
    return key_act(kind, proposer, named, version=at)


@pytest.fixture(scope="module")
def ministry() -> Ministry:
    return found_ministry(whole_now(), FUNCTIONS)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, ministry: Ministry) -> Path:
    """A folder with a store that has officers, and whose first edition was succeeded."""
    folder = tmp_path_factory.mktemp("founded")
    found(folder / "custody", folder / "wrapping", "MINREX", START, END)
    credential = read_credential(folder / "wrapping")
    RollFile(folder / "custody", credential).write(ministry.roll)
    Terminal(folder / "custody", credential).rotate(whole_now(), END, whole_now())
    return folder


@pytest.fixture(params=sorted(CREWS))
def desk(request: pytest.FixtureRequest, store: Path, ministry: Ministry, tmp_path: Path) -> Desk:
    folder, kind, hours = tmp_path / "store", request.param, Hours()
    shutil.copytree(store, folder)
    credential = read_credential(folder / "wrapping")
    keys = open_store(folder / "custody", credential)
    custody = Custody(
        keys.service,
        keys.secret,
        HeadInMemory(),
        Officers(RollFile(folder / "custody", credential), hours),
        book=BookFile(folder / "custody", credential),
    )
    if kind == "key.keep":
        order = act_of("key.destroy", custody, ministry)
        for signer in CREWS["key.destroy"]:
            ministry.signed(custody, order, signer)
    return Desk(kind, custody, ministry, hours, act_of(kind, custody, ministry))


Blow = Callable[[], object]


def _self(desk: Desk) -> Blow:
    desk.all_but_last()
    return lambda: desk.sign(desk.crew[0])


def _same_person_by_another_key(desk: Desk) -> Blow:
    desk.all_but_last()
    return lambda: desk.sign(desk.crew[0], key=1)


def _delegate(desk: Desk) -> Blow:
    """The custodian knows no mandates: who stands in for another can only lend them a key."""
    desk.all_but_last()
    last = desk.crew[-1]
    victim = desk.ministry.keys[last][0].credential_id
    lent = replace(desk.ministry, keys={last: (SecurityKey(desk.ministry.maker),)})
    named = Alterations(credential_id=victim)
    return lambda: lent.signed(desk.custody, desk.act, last, changes=named)


def _expired(desk: Desk) -> Blow:
    desk.all_but_last()
    desk.hours.now = desk.act.expires
    return lambda: desk.sign(desk.crew[-1])


def _too_early(desk: Desk) -> Blow:
    later = desk.hours.now + timedelta(seconds=1)
    span = desk.act.expires - desk.act.not_before
    early = replace(desk.act, not_before=later, expires=later + span)
    return lambda: desk.sign(desk.crew[0], early)


def _replay(desk: Desk) -> Blow:
    """An answer serves once, even one that was brought with another act than its own."""
    nonce = desk.custody.officer_challenge()
    signed = desk.response(desk.crew[0], desk.act, nonce)
    if len(desk.crew) > 1:
        desk.custody.approve_act(desk.act.encoded, nonce, signed)
    else:
        other = replace(desk.act, reason="Autre chose")
        with pytest.raises(PasskeyInvalid):
            desk.custody.approve_act(other.encoded, nonce, signed)
    return lambda: desk.custody.approve_act(desk.act.encoded, nonce, signed)


def _parameters(desk: Desk) -> Blow:
    """What was signed is another act than the one that is brought."""
    desk.all_but_last()
    nonce = desk.custody.officer_challenge()
    signed = desk.response(desk.crew[-1], replace(desk.act, reason="Autre chose"), nonce)
    return lambda: desk.custody.approve_act(desk.act.encoded, nonce, signed)


def _parameters_after_a_signature(desk: Desk) -> Blow:
    """The last officer is shown other contents, under the name that the others signed."""
    desk.all_but_last()
    return lambda: desk.sign(desk.crew[-1], replace(desk.act, reason="Autre chose"))


def _version(desk: Desk) -> Blow:
    """The same was done meanwhile, by another act."""
    desk.all_but_last()
    rival = act_of(desk.kind, desk.custody, desk.ministry)
    assert [desk.sign(signer, rival) for signer in desk.crew][-1] == "executed"
    return lambda: desk.sign(desk.crew[-1])


def _revoked(desk: Desk) -> Blow:
    desk.all_but_last()
    desk.revoke(desk.crew[-1])
    return lambda: desk.sign(desk.crew[-1])


def _wrong_role(desk: Desk) -> Blow:
    desk.all_but_last()
    return lambda: desk.sign(AUDITOR)


def _cross_request(desk: Desk) -> Blow:
    """A signature under another act of the kind."""
    desk.all_but_last()
    nonce = desk.custody.officer_challenge()
    other = act_of(desk.kind, desk.custody, desk.ministry)
    signed = desk.response(desk.crew[-1], other, nonce)
    return lambda: desk.custody.approve_act(desk.act.encoded, nonce, signed)


def _after_execution(desk: Desk) -> Blow:
    assert [desk.sign(signer) for signer in desk.crew][-1] == "executed"
    return lambda: desk.sign(desk.crew[-1], key=1)


SEVERAL: list[tuple[Callable[[Desk], Blow], type[Refusal]]] = [
    (_self, ApproversNotDistinct),
    (_same_person_by_another_key, ApproversNotDistinct),
    (_wrong_role, ApproverWithoutFunction),
    (_parameters_after_a_signature, ApprovalOfAnother),
]
"""Attacks on what takes several persons; to revoke, anybody suffices."""
ALL: list[tuple[Callable[[Desk], Blow], type[Refusal]]] = [
    (_delegate, PasskeyInvalid),
    (_expired, ActNotInForce),
    (_too_early, ActNotInForce),
    (_replay, ChallengeUnknown),
    (_parameters, PasskeyInvalid),
    (_version, ActOutdated),
    (_revoked, ApproverNotInForce),
    (_cross_request, PasskeyInvalid),
    (_after_execution, ActExecuted),
]


CASES = [
    pytest.param(kind, attack, refusal, id=f"{kind}-{attack.__name__.strip('_')}")
    for kind, crew in sorted(CREWS.items())
    for attack, refusal in [*(SEVERAL if len(crew) > 1 else []), *ALL]
]
TAKES_SEVERAL = sorted(kind for kind, crew in CREWS.items() if len(crew) > 1)


@pytest.mark.parametrize(("desk", "attack", "refusal"), CASES, indirect=["desk"])
def test_no_attack_passes(
    desk: Desk, attack: Callable[[Desk], Blow], refusal: type[Refusal]
) -> None:
    blow = attack(desk)
    before = desk.effects()
    with pytest.raises(refusal):
        blow()
    assert desk.effects() == before


@pytest.mark.parametrize("desk", TAKES_SEVERAL, indirect=True)
def test_a_signature_counts_no_more_once_its_maker_is_revoked(desk: Desk) -> None:
    """Not only at the signing: the last signature, too, finds the first ones void."""
    desk.all_but_last()
    desk.revoke(desk.crew[0])
    before = desk.effects()
    assert desk.sign(desk.crew[-1]) == "open"
    assert desk.effects() == before


def test_the_crew_s_signatures_do_it_until_the_last_second(desk: Desk) -> None:
    desk.all_but_last()
    before = desk.effects()
    desk.hours.now = desk.act.expires - timedelta(seconds=1)
    assert desk.sign(desk.crew[-1]) == "executed"
    assert desk.effects() != before


def test_fifty_last_signatures_do_it_once(desk: Desk) -> None:
    desk.all_but_last()
    key, start = desk.ministry.keys[desk.crew[-1]][0], threading.Barrier(50)
    counted, answers = key.count, []
    for _ in range(50):
        key.count = -1  # a key that does not count: no answer is refused for its counter
        nonce = desk.custody.officer_challenge()
        answers.append((nonce, desk.response(desk.crew[-1], desk.act, nonce)))
    key.count = counted

    def bring(answer: tuple[bytes, bytes]) -> str:
        start.wait()
        try:
            return str(json.loads(desk.custody.approve_act(desk.act.encoded, *answer))["state"])
        except Refusal as refusal:
            return refusal.code

    with ThreadPoolExecutor(50) as pool:
        outcomes = sorted(pool.map(bring, answers))
    assert outcomes == ["ACT_EXECUTED"] * 49 + ["executed"]


def test_every_act_that_the_custodian_verifies_is_attacked() -> None:
    assert set(CREWS) == ON_OFFICERS | ON_KEYS
    anybody = [kind for kind in CREWS if RULES[kind].seats == ((0, (ANYONE,)),)]
    assert anybody == [kind for kind, crew in CREWS.items() if len(crew) == 1]
