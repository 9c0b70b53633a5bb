"""A set of policies is proved before the transaction that adopts it, for it and that moment."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from cipher_service.access import comparing, proven
from cipher_service.access.acts import Gate
from cipher_service.access.adoption import adopt
from cipher_service.access.comparing import compare, kept
from cipher_service.access.deployed import deployed
from cipher_service.access.policies import Policies, default_policies, read_policies
from cipher_service.access.policy_change import PolicyChange
from cipher_service.access.proven import Proofs
from cipher_service.directory import authorisations
from cipher_service.directory.authorisations import Clearance
from cipher_service.directory.officers import Window
from cipher_service.errors import ServiceError
from cipher_service.identity.approvals import Approvals
from cipher_service.identity.officer_commands import OfficerDesk
from cipher_service.identity.shared_acts import waiting
from cipher_service.storage.tables import officers as books
from cipher_service.storage.tables.access import policy_comparison
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.acts import Act, approval_challenge
from tests.support.signing_in import NOW, PARTY, SITE, Enrolled, enrol, load_ministry, signed_in

SHIPPED = default_policies()
SAME = read_policies(f"{SHIPPED.text}\n// Read again by DEC-7.\n")
BROKEN = read_policies(
    f"""{SHIPPED.text}
@id("ministry-wide-open")
permit (principal is Officer, action == Action::"read", resource is Dispatch);
"""
)
PARTS = ("broken", "opened", "closed")
YEAR = Window(NOW - timedelta(days=1), NOW + timedelta(days=300))


@dataclass
class House:
    """The Head of the Cell and the Secretary-General, and the desk at which they sign."""

    engine: Engine
    held: dict[str, Enrolled] = field(default_factory=dict)
    proofs: Proofs = field(default_factory=lambda: Proofs(lambda: NOW))

    def __post_init__(self) -> None:
        self.change = PolicyChange(Gate(), self.proofs, lambda: NOW)
        executors = {proven.KIND: self.change.executor()}
        self.signing = Approvals(lambda: SITE, executors, {}, "https://console", "log", lambda: NOW)
        desk = OfficerDesk(lambda: SITE, lambda: NOW)
        asked = {**self.change.acts(), **self.signing.acts()}
        self.commands = {**self.signing.handlers(), **desk.guarded(asked)}
        for role in ("CHIEF-CNTC", "SECRETARY-GENERAL"):
            known = self.held[role] = enrol(self.engine)
            with unit_of_work(self.engine) as connection:
                held = {"officer": known.number, "role": role, "post": "MINREX", "act": "DEC-1"}
                connection.execute(books.function_held.insert().values(**held, **YEAR.columns()))
                cleared = Clearance("SECRET", (), YEAR, NOW + timedelta(days=300))
                authorisations.habilitate(
                    connection,
                    known.number,
                    cleared,
                    act="DEC-2",
                    proposer=None,
                    grantor=None,
                    now=NOW,
                )

    def run(self, command: str, payload: dict[str, Any]) -> Any:
        with unit_of_work(self.engine) as connection:
            return self.commands[command](connection, payload)

    def ask(self, role: str, command: str, act: dict[str, Any]) -> Any:
        known = self.held[role]
        session = signed_in(self.engine, known.keys[0], NOW)
        return self.run(command, {"officer": known.number, "session": session, "act": act})

    def ticket(self, policies: Policies) -> str:
        """Have the first of two propose and sign; returns the ticket of the second."""
        asked = {"policies": policies.text, "reason": "Relecture", "back": "/actes"}
        first = self.ask("CHIEF-CNTC", "policy_propose", asked)["ticket"]
        act = self.sign("CHIEF-CNTC", first)["act"]
        ticket: str = self.ask("SECRETARY-GENERAL", "act_ask", {"act": act, "back": "/actes"})
        return ticket

    def sign(self, role: str, ticket: str, *, prepared: bool = True) -> Any:
        shown = self.run("approval_show", {"ticket": ticket})
        challenge = approval_challenge(shown["nonce"], Act.parse(shown["body"]).digest)
        response = self.held[role].keys[0].get(challenge, PARTY)
        signing = {"ticket": ticket, "nonce": shown["nonce"], "response": response}
        if prepared:
            self.proofs.prepare(self.engine, signing)
        return self.run("approval_sign", signing)

    def in_force(self) -> str:
        with reading(self.engine) as connection:
            return deployed(connection).digest


@pytest.fixture
def house(engine: Engine) -> House:
    load_ministry(engine)
    return House(engine)


def _prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these tests try is what a proof is bound to."""
    for module in (comparing, proven):
        monkeypatch.setattr(module, "prove", lambda _text, **_: dict.fromkeys(PARTS, ()))


def test_what_was_not_proved_before_is_not_adopted_and_loses_nobodys_signature(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"policies": SAME.text, "reason": "Relecture", "back": "/actes"}
    first = house.ask("CHIEF-CNTC", "policy_propose", asked)["ticket"]
    act = house.sign("CHIEF-CNTC", first, prepared=False)["act"]
    ticket = house.ask("SECRETARY-GENERAL", "act_ask", {"act": act, "back": "/actes"})
    with pytest.raises(ServiceError, match="POLICIES_NOT_PROVED"):
        house.sign("SECRETARY-GENERAL", ticket, prepared=False)
    assert house.in_force() == SHIPPED.digest
    house.proofs.prepare(house.engine, {"ticket": ticket})
    monkeypatch.delattr(proven, "prove")  # what was proved is not proved again in a transaction
    assert house.sign("SECRETARY-GENERAL", ticket)["outcome"] == "done"
    assert house.in_force() == SAME.digest


def test_a_proof_that_was_not_made_in_time_is_made_at_the_next_signature(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(_text: str, **_: object) -> None:
        raise ServiceError("UNAVAILABLE")

    _prove_nothing(monkeypatch)
    ticket = house.ticket(SAME)
    house.proofs = house.change._proofs = Proofs(lambda: NOW)
    monkeypatch.setattr(proven, "prove", late)
    with pytest.raises(ServiceError, match="UNAVAILABLE"):
        house.sign("SECRETARY-GENERAL", ticket)
    _prove_nothing(monkeypatch)
    assert house.sign("SECRETARY-GENERAL", ticket)["outcome"] == "done"


def test_a_set_that_breaks_an_invariant_is_refused_at_the_last_signature(house: House) -> None:
    ticket = house.ticket(BROKEN)
    with pytest.raises(ServiceError, match="POLICIES_BROKEN"):
        house.sign("SECRETARY-GENERAL", ticket)
    assert house.in_force() == SHIPPED.digest


def test_what_a_proposal_would_change_is_proved_once_and_read_but_not_believed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = house.ticket(BROKEN)
    told = compare(SHIPPED.text, BROKEN.text)
    assert told.broken
    assert told.opened
    assert not told.closed
    compare.cache_clear()
    monkeypatch.delattr(comparing, "prove")  # nobody who looks proves it again
    with unit_of_work(house.engine) as connection:
        row = connection.execute(policy_comparison.select()).one()
        act = waiting(connection, row.act)
        read = kept(connection, act)
        assert read is not None
        assert (read.broken, read.opened, read.closed) == (told.broken, told.opened, told.closed)
        connection.execute(
            policy_comparison.update().values(found='{"broken":[],"opened":[],"closed":[]}')
        )
        forged = kept(connection, act)
        assert forged is not None
        assert not forged.broken
    house.proofs = house.change._proofs = Proofs(lambda: NOW)  # a process that believes no book
    with pytest.raises(ServiceError, match="POLICIES_BROKEN"):
        house.sign("SECRETARY-GENERAL", ticket)
    with unit_of_work(house.engine) as connection:
        connection.execute(policy_comparison.update().values(replaces=SAME.digest))
        assert kept(connection, act) is None
    assert house.in_force() == SHIPPED.digest


def test_a_proof_is_of_one_text_over_one_number_of_adoptions(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _prove_nothing(monkeypatch)
    ticket = house.ticket(SAME)
    house.proofs.prepare(house.engine, {"ticket": ticket})
    house.proofs.require(SAME, 0)
    for policies, version in ((SAME, 1), (BROKEN, 0)):
        with pytest.raises(ServiceError, match="POLICIES_NOT_PROVED"):
            house.proofs.require(policies, version)
    first, second = (house.held[role].number for role in ("CHIEF-CNTC", "SECRETARY-GENERAL"))
    with unit_of_work(house.engine) as connection:
        adopt(connection, Gate(), read_policies(f"{SAME.text}\n//\n"), first, second, NOW)
    with pytest.raises(ServiceError, match="ACT_OUTDATED"):
        house.sign("SECRETARY-GENERAL", ticket)
    house.proofs.prepare(house.engine, {"ticket": "a ticket of nobody"})


def test_a_product_that_ships_another_set_meanwhile_outdates_the_act(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _prove_nothing(monkeypatch)
    ticket = house.ticket(SAME)
    shipped = read_policies(f"{SHIPPED.text}\n// A later edition.\n")
    monkeypatch.setattr("cipher_service.access.deployed.default_policies", lambda: shipped)
    with pytest.raises(ServiceError, match="ACT_OUTDATED"):
        house.sign("SECRETARY-GENERAL", ticket)
    assert house.in_force() == shipped.digest
