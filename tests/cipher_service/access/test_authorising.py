"""Rights are given by two who sign with their keys, and taken by one; each with its entry."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.access.authorising import Authorising
from cipher_service.directory import authorisations, officers
from cipher_service.directory.authorisations import Clearance
from cipher_service.directory.officers import Window
from cipher_service.errors import ServiceError
from cipher_service.identity import shared_acts
from cipher_service.identity.approvals import Approvals
from cipher_service.identity.officer_commands import OfficerDesk
from cipher_service.storage.tables import officers as books
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys import canonical
from keys.acts import Act, approval_challenge
from keys.errors import Refusal
from tests.support.signing_in import (
    NOW,
    PARTY,
    SITE,
    Enrolled,
    add_officer,
    enrol,
    load_ministry,
    signed_in,
)

YEAR = Window(NOW - timedelta(days=1), NOW + timedelta(days=300))
ENDS = clock.text(NOW + timedelta(days=100))
CLEARED = {"level": "SECRET", "caveats": [], "trained_until": ENDS, "act": "DEC-7"}
CONFIDED = {"role": "CIPHER-CLERK", "act": "DEC-8"}


@dataclass
class House:
    """Officers with functions and keys, and the desks that they reach."""

    engine: Engine
    now: datetime = NOW
    held: dict[str, Enrolled] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rights = Authorising(Gate(), lambda: self.now)
        self.signing = Approvals(
            lambda: SITE, self.rights.executors(), {}, "https://console", "log", lambda: self.now
        )
        desk = OfficerDesk(lambda: SITE, lambda: self.now)
        self.commands = {
            **self.signing.handlers(),
            **desk.guarded({**self.rights.acts(), **self.signing.acts()}),
        }

    def hire(self, role: str, level: str = "TRES-SECRET") -> Enrolled:
        known = enrol(self.engine)
        with unit_of_work(self.engine) as connection:
            connection.execute(
                books.function_held.insert().values(
                    officer=known.number, role=role, post="MINREX", **YEAR.columns(), act="DEC-1"
                )
            )
            authorisations.habilitate(
                connection,
                known.number,
                Clearance(level, (), YEAR, NOW + timedelta(days=300)),
                act="DEC-2",
                proposer=None,
                grantor=None,
                now=NOW,
            )
        self.held[role] = known
        return known

    def do(self, who: str, command: str, **payload: Any) -> Any:
        """Do an act as an officer who is signed in."""
        known = self.held[who]
        message = {
            "officer": known.number,
            "session": signed_in(self.engine, known.keys[0], self.now),
            "act": payload,
        }
        with unit_of_work(self.engine) as connection:
            return self.commands[command](connection, message)

    def propose(self, who: str, command: str, subject: str, **asked: Any) -> str:
        payload = {"officer": subject, "starts": "", "ends": ENDS, "reason": "Relève", "back": "/"}
        return str(self.do(who, command, **{**payload, **asked})["ticket"])

    def sign(self, role: str, ticket: str) -> dict[str, Any]:
        """Sign what stands behind a ticket, on the page where officers sign."""
        with unit_of_work(self.engine) as connection:
            shown = self.commands["approval_show"](connection, {"ticket": ticket})
        challenge = approval_challenge(shown["nonce"], Act.parse(shown["body"]).digest)
        answer = {
            "ticket": ticket,
            "nonce": shown["nonce"],
            "response": self.held[role].keys[0].get(challenge, PARTY),
        }
        with unit_of_work(self.engine) as connection:
            done: dict[str, Any] = self.commands["approval_sign"](connection, answer)
        return done

    def then(self, role: str, act: str) -> dict[str, Any]:
        """Sign as another person what was proposed."""
        return self.sign(role, self.do(role, "act_ask", act=act, back="/"))

    def entries(self, act: str) -> list[dict[str, Any]]:
        with reading(self.engine) as connection:
            records = connection.scalars(select(audit_entry.c.record).order_by(audit_entry.c.seq))
            said = [canonical.decode(bytes(record)) for record in records]
        return [each for each in said if each.get("act") == act]

    def functions(self, number: str) -> set[str]:
        with reading(self.engine) as connection:
            return {each.role for each in officers.functions(connection, number, self.now)}

    def level(self, number: str) -> str | None:
        with reading(self.engine) as connection:
            found = authorisations.habilitation(connection, number, self.now)
        return None if found is None else found.level


@pytest.fixture
def house(engine: Engine) -> House:
    load_ministry(engine)
    there = House(engine)
    for role in ("SECURITY-OFFICER", "SECRETARY-GENERAL", "CHIEF-CNTC", "DEPUTY-DIRECTOR"):
        there.hire(role)
    return there


def test_two_give_an_habilitation_and_one_takes_it_away(house: House) -> None:
    new = add_officer(house.engine)
    first = house.sign(
        "SECURITY-OFFICER",
        house.propose("SECURITY-OFFICER", "habilitation_propose", new, **CLEARED),
    )
    assert first["outcome"] == "waiting"
    assert house.level(new) is None
    with pytest.raises(ServiceError, match="UNKNOWN_ACT"):
        house.then("CHIEF-CNTC", first["act"])  # to CONFIDENTIEL only
    house.now = NOW + timedelta(minutes=10)
    assert house.then("SECRETARY-GENERAL", first["act"])["outcome"] == "done"
    assert house.level(new) == "SECRET"
    with reading(house.engine) as connection:
        found = authorisations.habilitation(connection, new, house.now)
    assert found is not None
    assert found.starts == clock.text(house.now), "what was signed late did not hold before"
    assert found.proposer == house.held["SECURITY-OFFICER"].number
    [entry] = house.entries(first["act"])
    assert entry["action"] == "habilitation_grant"
    assert entry["actor"] == house.held["SECRETARY-GENERAL"].number
    assert entry["resource"] == new
    assert "habilitation-grant" in entry["policies"]
    with pytest.raises(ServiceError, match="NOT_ALLOWED"):
        house.do("CHIEF-CNTC", "habilitation_propose", officer=new, **_rest(CLEARED))
    with unit_of_work(house.engine) as connection, pytest.raises(Refusal, match="done already"):
        shared_acts.waiting(connection, first["act"])
    ruled = house.do("CHIEF-CNTC", "habilitation_withdraw", officer=new)
    assert ruled["decision"]["policies"] == ["persons-revoke"]
    assert house.level(new) is None


def test_a_function_is_confided_once_and_only_over_the_same_book(house: House) -> None:
    new = add_officer(house.engine)
    ask = ("SECURITY-OFFICER", "function_propose", new)
    acts = [house.sign(ask[0], house.propose(*ask, **CONFIDED))["act"] for _ in range(2)]
    assert house.then("SECRETARY-GENERAL", acts[0])["outcome"] == "done"
    assert house.functions(new) == {"CIPHER-CLERK"}
    with pytest.raises(ServiceError, match="ACT_OUTDATED"):
        house.then("SECRETARY-GENERAL", acts[1])
    with pytest.raises(ServiceError, match="DUTIES_SEPARATE"):
        house.propose(*ask, role="AUDITOR", act="DEC-9")
    with pytest.raises(ServiceError, match="FUNCTION_HELD"):
        house.propose(*ask, **CONFIDED)
    assert house.functions(new) == {"CIPHER-CLERK"}, "a trial leaves nothing"
    house.do("DEPUTY-DIRECTOR", "function_end", officer=new, role="CIPHER-CLERK")
    assert house.functions(new) == set()
    house.do("SECURITY-OFFICER", "officer_suspend", officer=new)
    with reading(house.engine) as connection:
        assert officers.read(connection, new).state == "suspended"
    with pytest.raises(ServiceError, match="NOT_HELD"):
        house.do("DEPUTY-DIRECTOR", "function_end", officer=new, role="CIPHER-CLERK")


def test_a_freeze_that_one_person_made_is_ended_by_two(house: House) -> None:
    frozen = house.hire("CIPHER-CLERK").number
    asked = ("SECURITY-OFFICER", "officer_resume_propose", frozen)
    with pytest.raises(ServiceError, match="OFFICER_NOT_SUSPENDED"):
        house.propose(*asked, ends="")
    house.do("CHIEF-CNTC", "officer_suspend", officer=frozen)
    with pytest.raises(ServiceError, match="NOT_ALLOWED"):
        house.propose("DEPUTY-DIRECTOR", "officer_resume_propose", frozen, ends="")
    acts = [house.sign(asked[0], house.propose(*asked, ends=""))["act"] for _ in range(2)]
    with reading(house.engine) as connection:
        assert officers.read(connection, frozen).state == "suspended", "one is not enough"
    with pytest.raises(ServiceError, match="UNKNOWN_ACT"):
        house.then("CHIEF-CNTC", acts[0])
    assert house.then("SECRETARY-GENERAL", acts[0])["outcome"] == "done"
    with reading(house.engine) as connection:
        assert officers.read(connection, frozen).state == "active"
    [entry] = house.entries(acts[0])
    assert (entry["action"], entry["resource"]) == ("officer_resume", frozen)
    # Frozen again: what was proposed for the first freeze ends no second one.
    house.now = NOW + timedelta(minutes=10)
    house.do("CHIEF-CNTC", "officer_suspend", officer=frozen)
    with pytest.raises(ServiceError, match="ACT_OUTDATED"):
        house.then("SECRETARY-GENERAL", acts[1])


def test_nobody_gives_a_right_to_themselves(house: House) -> None:
    for role, command, asked in (
        ("SECURITY-OFFICER", "habilitation_propose", CLEARED),
        ("SECURITY-OFFICER", "function_propose", {**CONFIDED, "role": "DIRECTOR"}),
        ("DEPUTY-DIRECTOR", "need_propose", {"kind": "post", "matter": "PARIS"}),
    ):
        with pytest.raises(ServiceError, match=r"NOT_ALLOWED|APPROVER_CONCERNED"):
            house.propose(role, command, house.held[role].number, **asked)
    general = house.held["SECRETARY-GENERAL"].number
    asking = ("SECURITY-OFFICER", "function_propose", general)
    ticket = house.propose(*asking, role="DIRECTOR", act="DEC-9")
    act = house.sign("SECURITY-OFFICER", ticket)["act"]
    with pytest.raises(ServiceError, match="UNKNOWN_ACT"):
        house.then("SECRETARY-GENERAL", act)


def test_whom_the_policies_no_longer_let_grants_nothing(house: House) -> None:
    """Between the second officer's page and the signature, the proposer was frozen."""
    new = add_officer(house.engine)
    asked = house.propose("SECURITY-OFFICER", "function_propose", new, **CONFIDED)
    act = house.sign("SECURITY-OFFICER", asked)["act"]
    ticket = house.do("SECRETARY-GENERAL", "act_ask", act=act, back="/")
    frozen = house.held["SECURITY-OFFICER"].number
    with unit_of_work(house.engine) as connection:
        officers.set_state(connection, frozen, "suspended", NOW)
    with pytest.raises(ServiceError, match="APPROVER_NOT_IN_FORCE") as refused:
        house.sign("SECRETARY-GENERAL", ticket)
    assert refused.value.facts["signer"] == house.held["SECRETARY-GENERAL"].number
    assert house.functions(new) == set()
    assert house.entries(act) == []


def test_a_need_to_know_is_given_by_one_below_confidentiel_and_else_by_two(house: House) -> None:
    drafter, general = house.hire("DRAFTER", "NON-PROTEGE").number, house.hire("MINISTER")
    assert general.number
    ask = ("DEPUTY-DIRECTOR", "need_propose")
    alone = house.sign(ask[0], house.propose(*ask, drafter, kind="post", matter="PARIS", ends=""))
    assert alone["outcome"] == "done"
    cleared = house.hire("DIRECTOR").number
    first = house.sign(ask[0], house.propose(*ask, cleared, kind="file", matter="F-1"))
    assert first["outcome"] == "waiting"
    assert house.then("MINISTER", first["act"])["outcome"] == "done"
    with reading(house.engine) as connection:
        [known] = authorisations.needs(connection, cleared, NOW)
    assert (known.kind, known.matter, known.reason) == ("file", "F-1", "Relève")
    house.do("SECURITY-OFFICER", "need_end", officer=cleared, matter="F-1")
    with pytest.raises(ServiceError, match="NOT_FOUND"):
        house.do("SECURITY-OFFICER", "need_end", officer=cleared, matter="F-1")


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("need_propose", {"kind": "dispatch", "matter": "01KAMV6R8P3ZDFWQ5XJ9T2C4EN"}, "NOT_FOUND"),
    ("need_propose", {"kind": "post", "matter": "NOWHERE"}, "UNKNOWN_POST"),
    ("need_propose", {"kind": "room", "matter": "X"}, "UNKNOWN_KIND"),
    ("need_propose", {"kind": "file", "matter": " "}, "MATTER_MISSING"),
    ("need_propose", {"kind": "file", "matter": "F", "reason": " "}, "REASON_MISSING"),
    ("need_propose", {"kind": "file", "matter": "F", "starts": "soon"}, "DAY_MALFORMED"),
    ("habilitation_propose", {**CLEARED, "reason": " "}, "ACT_MALFORMED"),
    ("habilitation_propose", {**CLEARED, "ends": ""}, "WINDOW_OPEN"),
    ("habilitation_propose", {**CLEARED, "level": "HAUT"}, "UNKNOWN_LEVEL"),
    ("habilitation_propose", {**CLEARED, "act": ""}, "ACT_MISSING"),
    ("function_propose", {**CONFIDED, "role": "KING"}, "UNKNOWN_ROLE"),
    ("function_propose", {**CONFIDED, "role": "HEAD-OF-POST"}, "ROLE_ELSEWHERE"),
]


def test_what_could_not_be_done_is_refused_before_anybody_signs(house: House) -> None:
    new = add_officer(house.engine)
    for command, asked, code in REFUSED:
        who = "DEPUTY-DIRECTOR" if command == "need_propose" else "SECURITY-OFFICER"
        with pytest.raises(ServiceError, match=code):
            house.propose(who, command, new, **asked)
    with reading(house.engine) as connection:
        assert shared_acts.open_acts(connection, NOW) == []


def _rest(right: dict[str, Any]) -> dict[str, Any]:
    return {"starts": "", "ends": ENDS, "reason": "Relève", "back": "/", **right}
