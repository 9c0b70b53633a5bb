"""Two persons adopt a set of policies; every process decides by it from its next decision on."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from cipher_service.access import mandates
from cipher_service.access.acts import Gate
from cipher_service.access.adoption import adopt
from cipher_service.access.decisions import decide
from cipher_service.access.deployed import deployed
from cipher_service.access.mandates import Draft
from cipher_service.access.policies import default_policies, read_policies
from cipher_service.access.subjects import Circumstances, Dispatch
from cipher_service.directory.officers import Window
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.access import policy_set
from cipher_service.storage.unit_of_work import reading, unit_of_work
from tests.cipher_service.access import ministry as stage
from tests.cipher_service.access.ministry import Ministry
from tests.cipher_service.access.populations import NOW

SHIPPED = default_policies()
NARROWER = read_policies(
    SHIPPED.text
    + """
@id("ministry-closed")
forbid (principal, action == Action::"list", resource is Dispatch);
"""
)


@pytest.fixture
def ministry(engine: Engine) -> Ministry:
    return stage.founded(engine)


def lists(ministry: Ministry, gate: Gate) -> bool:
    with reading(ministry.engine) as connection:
        minister = gate.principals.of(connection, ministry.of["MINISTER"], NOW)
        thing = Dispatch("D1", 1, origin="PARIS")
        return decide(gate.policies, minister, "list", thing, Circumstances(NOW)).allowed


def test_an_adoption_holds_in_every_process_at_once(ministry: Ministry) -> None:
    of, other = ministry.of, Gate()
    assert lists(ministry, ministry.gate)
    assert lists(ministry, other)
    with unit_of_work(ministry.engine) as connection:
        adopt(connection, ministry.gate, NARROWER, of["CHIEF-CNTC"], of["SECRETARY-GENERAL"], NOW)
    assert not lists(ministry, other)
    assert not lists(ministry, ministry.gate)
    assert not lists(ministry, Gate())
    with unit_of_work(ministry.engine) as connection:
        adopt(connection, other, SHIPPED, of["CHIEF-CNTC"], of["MINISTER"], NOW)
        kept = list(connection.scalars(select(policy_set.c.digest).order_by(policy_set.c.seq)))
    assert lists(ministry, other)
    assert kept == [NARROWER.digest, SHIPPED.digest]


def test_the_interim_of_the_secretary_general_approves_a_change(ministry: Ministry) -> None:
    of, gate = ministry.of, ministry.gate
    holder = ministry.add("DIRECTOR")
    general = of["SECRETARY-GENERAL"]
    window = Window(NOW, NOW + timedelta(days=30))
    draft = Draft(
        "interim", holder, general, "SECRETARY-GENERAL", (), "SECRET", window, "ARR-12", "x"
    )
    with unit_of_work(ministry.engine) as connection:
        number = mandates.propose(connection, gate, draft, of["CHIEF-CNTC"], NOW)
        with pytest.raises(ServiceError, match="NOT_ALLOWED"):
            adopt(connection, gate, NARROWER, of["CHIEF-CNTC"], holder, NOW)
        mandates.sign(connection, gate, number, of["MINISTER"], NOW)
        adopt(connection, gate, NARROWER, of["CHIEF-CNTC"], holder, NOW)
        assert connection.scalar(select(policy_set.c.approver)) == holder


@pytest.mark.parametrize(
    ("by", "approver", "code"),
    [
        ("CHIEF-CNTC", "CHIEF-CNTC", "NOT_ALLOWED"),
        ("CHIEF-CNTC", "SECURITY-OFFICER", "NOT_ALLOWED"),
        ("SECRETARY-GENERAL", "MINISTER", "NOT_ALLOWED"),
        ("CHIEF-CNTC", "NOBODY", "UNKNOWN_OFFICER"),
    ],
)
def test_no_one_person_and_no_other_pair_adopts(
    ministry: Ministry, by: str, approver: str, code: str
) -> None:
    persons = [ministry.of.get(name, "OFF-999999") for name in (by, approver)]
    with unit_of_work(ministry.engine) as connection:
        with pytest.raises(ServiceError, match=code):
            adopt(connection, ministry.gate, NARROWER, persons[0], persons[1], NOW)
        assert deployed(connection) is SHIPPED


def test_the_set_in_force_is_not_adopted_again(ministry: Ministry) -> None:
    persons = (ministry.of["CHIEF-CNTC"], ministry.of["MINISTER"])
    with (
        unit_of_work(ministry.engine) as connection,
        pytest.raises(ServiceError, match="POLICIES_SAME"),
    ):
        adopt(connection, ministry.gate, SHIPPED, *persons, NOW)
