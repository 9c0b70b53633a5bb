"""What a process read of books whose change was taken back is gone with that change."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, insert

from cipher_service import clock
from cipher_service.access.deployed import in_force
from cipher_service.access.policies import default_policies, read_policies
from cipher_service.access.principals import Principals
from cipher_service.directory import officers
from cipher_service.directory.officers import OFFICERS
from cipher_service.storage import counters
from cipher_service.storage.tables.access import policy_set
from cipher_service.storage.unit_of_work import reading, unit_of_work
from tests.cipher_service.access.ministry import person
from tests.cipher_service.access.populations import NOW
from tests.support.ministry import Ministry

OPEN = '@id("all") permit (principal, action, resource);'


class Undone(Exception):
    """A batch that could not be sealed."""


@contextmanager
def undone(engine: Engine) -> Iterator[Connection]:
    """A transaction that is rolled back at its end."""
    with suppress(Undone), unit_of_work(engine) as connection:
        yield connection
        raise Undone


@pytest.fixture
def officer(engine: Engine, tmp_path: Path) -> str:
    Ministry(engine, tmp_path)
    with unit_of_work(engine) as connection:
        return person(connection, "CHIEF-CNTC")


def adopted(connection: Connection, officer: str) -> None:
    text = default_policies().text + OPEN
    connection.execute(
        insert(policy_set).values(
            digest=read_policies(text).digest, body=text, adopted_at=clock.text(NOW),
            adopted_by=officer, approver=officer,
        )
    )  # fmt: skip
    counters.advance(connection, OFFICERS)


def test_a_set_whose_adoption_was_undone_is_not_in_force(engine: Engine, officer: str) -> None:
    with reading(engine) as connection:
        shipped = in_force(connection).digest
    with undone(engine) as connection:
        adopted(connection, officer)
        assert in_force(connection).digest != shipped
    with unit_of_work(engine) as connection:
        counters.advance(connection, OFFICERS)  # another change comes to the same number
    with reading(engine) as connection:
        assert in_force(connection).digest == shipped


def test_a_person_is_seen_as_written_and_not_as_an_undone_act_had_it(
    engine: Engine, officer: str
) -> None:
    """A suspension that was undone, then one that stands: each is seen for what it is."""
    principals = Principals()
    with unit_of_work(engine) as connection:
        officers.set_state(connection, officer, "suspended", NOW)
    with undone(engine) as connection:
        officers.set_state(connection, officer, "active", NOW)
        assert principals.of(connection, officer, NOW).active
    with unit_of_work(engine) as connection:
        counters.advance(connection, OFFICERS)
    with reading(engine) as connection:
        assert not principals.of(connection, officer, NOW).active
        assert not principals.of(connection, officer, NOW).active  # and from memory


def test_within_the_act_itself_each_step_sees_the_one_before(engine: Engine, officer: str) -> None:
    principals = Principals()
    with unit_of_work(engine) as connection:
        seen = []
        for state in ("suspended", "active", "suspended"):
            officers.set_state(connection, officer, state, NOW)
            seen.append(principals.of(connection, officer, NOW).active)
    assert seen == [False, True, False]
