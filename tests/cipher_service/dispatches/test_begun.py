"""What one author may have begun at one time."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select

from cipher_service import clock
from cipher_service.dispatches.office.compositions import UNFINISHED_MOST
from cipher_service.errors import ServiceError
from cipher_service.references import new_id
from cipher_service.storage.tables.compositions import composition
from cipher_service.storage.unit_of_work import unit_of_work
from tests.support.cipher_office import Office


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Office:
    return Office(engine, tmp_path)


def test_an_author_has_so_many_begun_and_an_end_makes_room(office: Office) -> None:
    office.draft()
    first = office.draft()
    with unit_of_work(office.engine) as connection:
        kept = connection.execute(select(composition)).mappings().first()
        assert kept is not None
        connection.execute(
            insert(composition),
            [{**kept, "composition_id": new_id(clock.now())} for _ in range(UNFINISHED_MOST - 2)],
        )
    with pytest.raises(ServiceError, match="DRAFTS_MANY"):
        office.draft()
    office.draft("DEPUTY")  # whose are counted apart
    office.act("DRAFTER", "dispatch_discard", dispatch_id=first)
    office.draft()
