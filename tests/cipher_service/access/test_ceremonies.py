"""Ceremonies of keys: who may propose, what everyone signs, when one may be closed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from cipher_service import clock
from cipher_service.access import ceremonies
from cipher_service.access.ceremonies import Ceremony
from cipher_service.access.ceremony_desk import CeremonyDesk
from cipher_service.errors import ServiceError
from cipher_service.identity import challenges
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.acts import approval_challenge
from keys.custody import CustodyState
from keys.custody.errors import CustodianUnavailable
from keys.passkeys import PasskeyInvalid
from tests.support.cipher_office import Office
from tests.support.signing_in import PARTY, SITE, Enrolled, enrol

WHOLE = CustodyState(sealed=False, threshold=0, holders=(), offered=())
SPLIT = CustodyState(sealed=True, threshold=2, holders=("GARDE-A", "GARDE-B"), offered=())


class Custodian:
    """What answers for the custodian's terminal, which no process of the service reaches."""

    def __init__(self) -> None:
        self.now: CustodyState | None = WHOLE

    def state(self) -> CustodyState:
        if self.now is None:
            raise CustodianUnavailable("nobody answers")
        return self.now


class Hall:
    """Everyone who takes part."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        office = Office(engine, folder)
        self.engine = engine
        self.gate = office.gate
        self.a, self.b, self.chief, self.clerk = (
            office.hire(role)
            for role in ("CUSTODIAN-A", "CUSTODIAN-B", "CHIEF-CNTC", "CIPHER-CLERK")
        )
        self.custodian = Custodian()
        self.desk = CeremonyDesk(lambda: SITE, self.custodian, self.gate)  # type: ignore[arg-type]  # it asks only for the state
        self.wanted: dict[str, Any] = {
            "threshold": 2,
            "holders": [
                ["GARDE-A", self.clerk.number, "a1" * 32],
                ["GARDE-B", self.b.number, "b2" * 32],
            ],
            "second": self.b.number,
            "third": self.chief.number,
            "reason": "Un porteur est parti",
        }

    def act(self, who: Enrolled, name: str, **payload: Any) -> Any:
        act = {**self.desk.acts(), **self.desk.completed()}[name]
        with unit_of_work(self.engine) as connection:
            return act(connection, who.number, payload)

    def prepare(self, who: Enrolled | None = None, **changes: Any) -> str:
        made = self.act(who or self.a, "ceremony_prepare", **{**self.wanted, **changes})
        return str(made["ceremony"])

    def read(self, number: str) -> Ceremony:
        with reading(self.engine) as connection:
            return ceremonies.read(connection, number)

    def confirm(self, who: Enrolled, number: str, key: Enrolled | None = None) -> None:
        one = self.read(number)
        with unit_of_work(self.engine) as connection:
            nonce = challenges.give(connection, "step-up", who.number, clock.now())
        asked = approval_challenge(nonce, bytes.fromhex(one.fingerprint))
        response = (key or who).keys[0].get(asked, PARTY)
        self.act(who, "ceremony_confirm", act=one.body, nonce=nonce, response=response)


@pytest.fixture
def hall(engine: Engine, tmp_path: Path) -> Hall:
    return Hall(engine, tmp_path)


def refused(code: str, act: Callable[[], Any]) -> None:
    with pytest.raises(ServiceError) as told:
        act()
    assert told.value.code == code


def test_it_is_closed_once_everyone_signed_and_the_custodian_shows_it(hall: Hall) -> None:
    number = hall.prepare()
    for who in (hall.a, hall.b, hall.chief):
        hall.confirm(who, number)
    hall.confirm(hall.a, number)
    hall.custodian.now = SPLIT
    refused("CEREMONY_NOT_AGREED", lambda: hall.act(hall.a, "ceremony_close", ceremony=number))
    hall.confirm(hall.clerk, number)
    refused("NOT_FOUND", lambda: hall.act(hall.clerk, "ceremony_close", ceremony=number))
    hall.custodian.now = replace(SPLIT, threshold=1)
    refused("CEREMONY_NOT_DONE", lambda: hall.act(hall.a, "ceremony_close", ceremony=number))
    hall.custodian.now = SPLIT
    hall.act(hall.chief, "ceremony_close", ceremony=number)
    done = hall.read(number)
    assert (done.state, done.seen, done.ended_by) == ("done", True, hall.chief.number)
    assert done.participants == tuple(
        each.number for each in (hall.a, hall.b, hall.chief, hall.clerk)
    )
    with reading(hall.engine) as connection:
        assert len(ceremonies.signatures(connection, number)) == 4
    refused("CEREMONY_ENDED", lambda: hall.confirm(hall.a, number))
    again = hall.prepare()
    assert hall.read(again).before == "2/2 GARDE-A GARDE-B"
    for who in (hall.a, hall.b, hall.chief, hall.clerk):
        hall.confirm(who, again)
    hall.act(hall.a, "ceremony_close", ceremony=again)
    assert hall.read(again).seen is False


@pytest.mark.parametrize(
    ("state", "seen"),
    [(WHOLE, False), (SPLIT, True), (None, None)],
    ids=["as before", "other", "away"],
)
def test_one_person_ends_it_and_the_record_says_what_the_custodian_shows(
    hall: Hall, state: CustodyState | None, seen: bool | None
) -> None:
    number = hall.prepare()
    hall.custodian.now = state
    refused(
        "REASON_MISSING",
        lambda: hall.act(hall.clerk, "ceremony_abandon", ceremony=number, reason=" "),
    )
    hall.act(hall.clerk, "ceremony_abandon", ceremony=number, reason="Carte fausse")
    ended = hall.read(number)
    assert (ended.state, ended.seen, ended.end_reason) == ("abandoned", seen, "Carte fausse")
    hall.custodian.now = SPLIT
    refused("CEREMONY_ENDED", lambda: hall.act(hall.a, "ceremony_close", ceremony=number))


def test_who_takes_part_or_watches_looks_at_it_and_nobody_else(hall: Hall) -> None:
    looked = {"ceremony": hall.prepare(), "route": "ceremonies/1"}
    for who in (hall.a, hall.b, hall.chief):
        hall.act(who, "ceremony_read", **looked)
    stranger = enrol(hall.engine)
    refused("NOT_FOUND", lambda: hall.act(stranger, "ceremony_read", **looked))
    hall.act(stranger, "ceremony_read", ceremony=None, route="ceremonies")  # a list of nothing
    unknown = {**looked, "ceremony": "01KXNOSUCHDXSPATCHXXXXXXX0"}
    refused("NOT_FOUND", lambda: hall.act(hall.chief, "ceremony_read", **unknown))


def test_who_takes_no_part_and_who_signs_something_else_are_refused(hall: Hall) -> None:
    number = hall.prepare()
    other = hall.prepare(reason="Une autre")
    body = hall.read(other).body
    with unit_of_work(hall.engine) as connection:
        nonce = challenges.give(connection, "step-up", hall.a.number, clock.now())
    asked = approval_challenge(nonce, bytes.fromhex(hall.read(number).fingerprint))
    response = hall.a.keys[0].get(asked, PARTY)
    with pytest.raises(PasskeyInvalid):
        hall.act(hall.a, "ceremony_confirm", act=body, nonce=nonce, response=response)
    refused(
        "FORM_REFUSED",
        lambda: hall.act(
            hall.a,
            "ceremony_confirm",
            act=body.replace(b'"threshold":2', b'"threshold":3'),
            nonce=nonce,
            response=response,
        ),
    )
    refused("KEY_UNKNOWN", lambda: hall.confirm(hall.a, number, key=hall.b))
    assert hall.read(number).confirmed == hall.read(other).confirmed == {}


def test_only_a_custodian_of_keys_with_the_other_and_a_third_may_propose(hall: Hall) -> None:
    refused("NOT_ALLOWED", lambda: hall.prepare(hall.clerk))
    refused("NOT_ALLOWED", lambda: hall.prepare(hall.chief))
    refused("NOT_ALLOWED", lambda: hall.prepare(second=hall.clerk.number))
    refused("NOT_ALLOWED", lambda: hall.prepare(third=hall.b.number))
    refused("NOT_ALLOWED", lambda: hall.prepare(second=hall.a.number))


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": 1},
        {"threshold": 3},
        {"holders": []},
        {"reason": "deux\nlignes"},
        {"reason": "x" * 501},
        {"reason": ""},
    ],
)
def test_a_sharing_that_could_not_be_is_not_proposed(hall: Hall, change: dict[str, Any]) -> None:
    refused("CEREMONY_MALFORMED", lambda: hall.prepare(**change))


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, "GARDE-A"), (0, "garde b"), (1, "the clerk"), (1, "nobody"), (2, "a1" * 32), (2, "short")],
)
def test_holders_differ_are_in_service_and_have_whole_cards(
    hall: Hall, place: int, value: str
) -> None:
    line = ["GARDE-B", hall.b.number, "b2" * 32]
    line[place] = {"the clerk": hall.clerk.number, "nobody": "OFF-999999"}.get(value, value)
    code = "UNKNOWN_OFFICER" if value == "nobody" else "CEREMONY_MALFORMED"
    refused(code, lambda: hall.prepare(holders=[hall.wanted["holders"][0], line]))


def test_it_outlives_a_restart_and_a_day(hall: Hall) -> None:
    number = hall.prepare()
    hall.confirm(hall.a, number)
    fresh = CeremonyDesk(
        lambda: SITE,
        hall.custodian,  # type: ignore[arg-type]  # it asks only for the state
        hall.gate,
        lambda: clock.now() + timedelta(days=1),
    )
    with unit_of_work(hall.engine) as connection:
        fresh.abandon(connection, hall.b.number, {"ceremony": number, "reason": "Demain"})
    assert set(hall.read(number).confirmed) == {hall.a.number}
