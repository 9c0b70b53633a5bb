"""Gate 10: the acts of several persons but those on the custodian's roll, under twelve attacks.

None passes. They are those that the service executes, and the orders on keys, which the custodian
does and which have three seats. Real database, real security keys. The short form takes three kinds
of act, `make gates` all.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from cipher_service.directory import authorisations, officers
from cipher_service.directory.authorisations import Clearance
from cipher_service.directory.officers import Window
from cipher_service.errors import ServiceError
from cipher_service.identity import challenges, shared_acts
from cipher_service.identity.shared_acts import Signed
from cipher_service.storage.tables import acts as tables
from cipher_service.storage.tables import officers as books
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.act_rules import RULES
from keys.acts import (
    Act,
    ActExecuted,
    ActNotApproved,
    ActNotInForce,
    ActOutdated,
    ApproverConcerned,
    ApproverNotCleared,
    ApproverNotInForce,
    ApproversNotDistinct,
    ApproverWithoutFunction,
    approval_challenge,
)
from keys.custody.admission import KINDS as CUSTODIANS
from keys.errors import Refusal
from keys.passkeys import PasskeyInvalid
from tests.support import acts as workshop
from tests.support.signing_in import NOW, PARTY, SITE, Enrolled, enrol, load_ministry

EVERY = [
    (kind, least)
    for kind, rule in RULES.items()
    for least, seats in rule.seats
    if kind not in CUSTODIANS and len(seats) > 1
]
SHORT = [("dispatch.release", 0), ("habilitation.grant", 4), ("key.destroy", 0)]
TIMES = 200 if os.environ.get("GATES") == "full" else 1
KINDS = EVERY if os.environ.get("GATES") == "full" else SHORT
VERSION = 3


@dataclass
class Desk:
    """An act, the officers whom it needs, and what was done."""

    engine: Engine
    act: Act
    crew: list[Enrolled]
    done: list[Act]

    def signature(self, signer: Enrolled, act: Act | None = None, key: int = 0) -> Signed:
        with unit_of_work(self.engine) as connection:
            nonce = challenges.give(connection, "step-up", signer.number, NOW)
        challenge = approval_challenge(nonce, (act or self.act).digest)
        return Signed(signer.number, nonce, signer.keys[key].get(challenge, PARTY))

    def propose(self, act: Act | None = None, signed: Signed | None = None) -> None:
        act = act or self.act
        signed = signed or self.signature(self.crew[0], act)
        with unit_of_work(self.engine) as connection:
            shared_acts.propose(connection, act, signed, SITE, NOW, version=VERSION)

    def approve(self, signer: Enrolled, signed: Signed | None = None, **changes: Any) -> None:
        values = {"now": NOW, "version": VERSION, **changes}
        now = values.pop("now")
        signed = signed or self.signature(signer)
        with unit_of_work(self.engine) as connection:
            shared_acts.approve(connection, self.act.id, signed, SITE, now, **values)

    def approve_all(self) -> None:
        self.propose()
        for each in self.crew[1:]:
            self.approve(each)

    def execute(self, now: datetime = NOW, version: int = VERSION) -> None:
        with unit_of_work(self.engine) as connection:
            shared_acts.execute(
                connection,
                self.act.id,
                self.crew[0].number,
                now,
                version=version,
                perform=self.done.append,
            )

    def change(self, change: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        with unit_of_work(self.engine) as connection:
            change(connection, *arguments, **named)


def hired(engine: Engine, role: str) -> Enrolled:
    """A person with a function, cleared for everything, with two security keys."""
    enrolled = enrol(engine)
    year = Window(NOW - timedelta(days=1), NOW + timedelta(days=300))
    until = NOW + timedelta(days=300)
    with unit_of_work(engine) as connection:
        connection.execute(
            books.function_held.insert().values(
                officer=enrolled.number, role=role, post="MINREX", **year.columns(), act="DEC-1"
            )
        )
        authorisations.habilitate(
            connection,
            enrolled.number,
            Clearance("TRES-SECRET", (), year, until),
            act="DEC-2",
            proposer=None,
            grantor=None,
            now=NOW,
        )
    return enrolled


@pytest.fixture
def desk(request: pytest.FixtureRequest, engine: Engine) -> Desk:
    kind, rank = getattr(request, "param", SHORT[0])
    load_ministry(engine)
    crew = [hired(engine, min(seat)) for seat in RULES[kind].seats_at(rank)]
    act = workshop.act(kind, crew[0].number, rank=rank, not_before=NOW, expires=_expiry(kind))
    return Desk(engine, act, crew, [])


def _expiry(kind: str) -> datetime:
    return NOW + timedelta(seconds=RULES[kind].seconds)


def _self(desk: Desk) -> None:
    desk.propose()
    desk.approve(desk.crew[0], desk.signature(desk.crew[0], key=1))


def _alone(desk: Desk) -> None:
    desk.propose()
    desk.execute()


def _same_person_twice(desk: Desk) -> None:
    desk.propose()
    desk.approve(desk.crew[-1])
    desk.approve(desk.crew[-1], desk.signature(desk.crew[-1], key=1))


def _delegate(desk: Desk) -> None:
    desk.approve_all()
    with unit_of_work(desk.engine) as connection:
        connection.execute(
            books.mandate.insert().values(
                mandate_id="M-1",
                kind="signature",
                holder=desk.crew[-1].number,
                delegator=desk.crew[0].number,
                role="DRAFTER",
                post="MINREX",
                actions="[]",
                level="SECRET",
                starts="2026-03-01T00:00:00Z",
                ends="2026-04-01T00:00:00Z",
                act="DEC-3",
                evidence="{}",
                state="active",
                state_at="2026-03-01T00:00:00Z",
            )
        )
    desk.execute()


def _expired(desk: Desk) -> None:
    desk.approve_all()
    desk.execute(now=_expiry(desk.act.kind))


def _replay(desk: Desk) -> None:
    desk.propose()
    signed = desk.signature(desk.crew[-1])
    desk.approve(desk.crew[-1], signed)
    desk.approve(desk.crew[-1], signed)


def _parameters(desk: Desk) -> None:
    desk.propose()
    other = replace(desk.act, parameters={"what": "something else"})
    desk.approve(desk.crew[-1], desk.signature(desk.crew[-1], other))


def _parameters_in_the_database(desk: Desk) -> None:
    """Somebody who writes the database exchanges the act after it was signed."""
    desk.approve_all()
    other = replace(desk.act, parameters={"what": "something else"})
    with unit_of_work(desk.engine) as connection:
        connection.execute(tables.shared_act.update().values(body=other.encoded))
    desk.execute()


def _version(desk: Desk) -> None:
    desk.approve_all()
    desk.execute(version=VERSION + 1)


def _revoked(desk: Desk) -> None:
    desk.approve_all()
    desk.change(officers.set_state, desk.crew[-1].number, "suspended", NOW)
    desk.execute()


def _uncleared(desk: Desk) -> None:
    desk.approve_all()
    desk.change(authorisations.withdraw_habilitation, desk.crew[-1].number, NOW)
    desk.execute()


def _function_lost(desk: Desk) -> None:
    desk.approve_all()
    role = min(desk.act.seats[-1])
    desk.change(officers.end_function, desk.crew[-1].number, role, NOW)
    desk.execute()


def _wrong_role(desk: Desk) -> None:
    desk.propose()
    desk.approve(hired(desk.engine, "COURIER"))


def _cross_request(desk: Desk) -> None:
    desk.propose()
    other = replace(desk.act, id=workshop.ULIDS[1])
    desk.approve(desk.crew[-1], desk.signature(desk.crew[-1], other))


def _another_s_name(desk: Desk) -> None:
    desk.propose()
    mine = desk.signature(desk.crew[0])
    desk.approve(desk.crew[-1], replace(mine, officer=desk.crew[-1].number))


def _after_execution(desk: Desk) -> None:
    desk.approve_all()
    desk.execute()
    assert desk.done == [desk.act]
    desk.done.clear()
    desk.execute()


def _sign_after_execution(desk: Desk) -> None:
    desk.approve_all()
    desk.execute()
    desk.done.clear()
    desk.approve(desk.crew[-1], desk.signature(desk.crew[-1], key=1))


def _after_refusal(desk: Desk) -> None:
    desk.propose()
    last = desk.crew[-1].number
    desk.change(shared_acts.refuse, desk.act.id, last, "Sans objet", NOW, version=VERSION)
    desk.approve(desk.crew[-1])


ATTACKS: list[tuple[Callable[[Desk], None], tuple[type[Exception], ...]]] = [
    (_self, (ApproversNotDistinct,)),
    (_alone, (ActNotApproved,)),
    (_same_person_twice, (ApproversNotDistinct,)),
    (_delegate, (ApproversNotDistinct,)),
    (_expired, (ActNotInForce,)),
    (_replay, (ServiceError,)),
    (_parameters, (PasskeyInvalid,)),
    (_parameters_in_the_database, (Refusal,)),
    (_version, (ActOutdated,)),
    (_revoked, (ApproverNotInForce,)),
    (_uncleared, (ApproverNotCleared,)),
    (_function_lost, (ApproverWithoutFunction,)),
    (_wrong_role, (ApproverWithoutFunction, ApproverNotCleared)),
    (_cross_request, (PasskeyInvalid,)),
    (_another_s_name, (ServiceError,)),
    (_after_execution, (ActExecuted,)),
    (_sign_after_execution, (ActExecuted,)),
    (_after_refusal, (ServiceError,)),
]


@pytest.mark.parametrize("desk", KINDS, indirect=True, ids=lambda each: f"{each[0]}-{each[1]}")
@pytest.mark.parametrize(
    ("attack", "refusals"), ATTACKS, ids=[attack.__name__.strip("_") for attack, _ in ATTACKS]
)
def test_no_attack_passes(
    desk: Desk, attack: Callable[[Desk], None], refusals: tuple[type[Exception], ...]
) -> None:
    with pytest.raises(refusals):
        attack(desk)
    assert desk.done == []


@pytest.mark.parametrize("desk", KINDS, indirect=True, ids=lambda each: f"{each[0]}-{each[1]}")
def test_an_act_that_everybody_signed_is_done(desk: Desk) -> None:
    desk.approve_all()
    desk.execute()
    assert desk.done == [desk.act]


@pytest.mark.parametrize("_time", range(TIMES))
def test_fifty_executions_at_one_time_do_it_once(desk: Desk, _time: int) -> None:
    desk.approve_all()
    barrier = threading.Barrier(50)

    def run(_: int) -> str:
        barrier.wait()
        try:
            desk.execute()
        except ActExecuted:
            return "done already"
        return "done"

    with ThreadPoolExecutor(50) as pool:
        outcomes = list(pool.map(run, range(50)))
    assert sorted(outcomes) == ["done"] + ["done already"] * 49
    assert desk.done == [desk.act]


def test_an_effect_that_fails_leaves_the_act_to_be_done(desk: Desk) -> None:
    desk.approve_all()

    def fail(_: Act) -> None:
        raise RuntimeError("no paper")

    with pytest.raises(RuntimeError), unit_of_work(desk.engine) as connection:
        shared_acts.execute(
            connection, desk.act.id, desk.crew[0].number, NOW, version=VERSION, perform=fail
        )
    with reading(desk.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(tables.act_execution)) == 0
    desk.execute()
    assert desk.done == [desk.act]


def test_proposals_are_the_proposer_s_own_and_named_once(desk: Desk) -> None:
    with pytest.raises(ServiceError, match="OWN_PROPOSAL"):
        desk.propose(signed=desk.signature(desk.crew[1]))
    desk.propose()
    with pytest.raises(ServiceError, match="ACT_PROPOSED"):
        desk.propose()
    mine = replace(desk.act, id=workshop.ULIDS[1], subjects=(desk.crew[0].number,))
    with pytest.raises(ApproverConcerned):
        desk.propose(mine)
    custodians = workshop.act(
        "officer.revoke", desk.crew[0].number, not_before=NOW, expires=NOW + timedelta(minutes=9)
    )
    with pytest.raises(ServiceError, match="ACT_OF_CUSTODIAN"):
        desk.propose(custodians)


def test_a_refusal_says_why_and_an_unknown_act_is_unknown(desk: Desk) -> None:
    desk.propose()
    for act_id, reason, code in (
        (desk.act.id, " ", "REASON_MISSING"),
        (desk.act.id, "x" * 501, "REASON_MISSING"),
        (workshop.ULIDS[1], "Sans objet", "UNKNOWN_ACT"),
    ):
        with pytest.raises(ServiceError, match=code):
            desk.change(
                shared_acts.refuse, act_id, desk.crew[0].number, reason, NOW, version=VERSION
            )
    with reading(desk.engine) as connection:
        assert shared_acts.signers(connection, desk.act.id) == [desk.crew[0].number]
