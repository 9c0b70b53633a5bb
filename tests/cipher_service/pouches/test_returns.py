"""Empty bags come home, and may be made up again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.pouches import overview, planning, returns
from cipher_service.storage.tables.pouches import bag as bags
from cipher_service.storage.unit_of_work import reading, unit_of_work
from pouch.errors import LocatorWrong
from pouch.locator import locator, new_bag
from tests.support.office import PouchBureau


@pytest.fixture
def emptied(bureau: PouchBureau) -> str:
    """A bag that was emptied in Paris forty days ago."""
    named = planning.add_bag(bureau.office, by=bureau.chief)
    _lies(bureau, named, "PARIS", empty=1)
    return named


def _lies(bureau: PouchBureau, named: str, place: str, *, empty: int) -> None:
    since = clock.text(bureau.now - timedelta(days=40))
    with unit_of_work(bureau.engine) as connection:
        values = {"place": place, "empty": empty, "since": since}
        connection.execute(update(bags).where(bags.c.bag == named).values(**values))


def _back(bureau: PouchBureau, *named: str, by: str | None = None) -> int:
    officer = bureau.agent if by is None else by
    locators = [locator(each) for each in named]
    return returns.take_back(bureau.office, locators, origin="PARIS", bordereau="SV 3", by=officer)


def _ages(bureau: PouchBureau) -> dict[str, int]:
    with reading(bureau.engine) as connection:
        return {
            each.place: sum(each.counts[1:]) for each in overview.empties(connection, bureau.now)
        }


def _refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(ServiceError) as refused:
        act()
    assert refused.value.code == code


def test_a_bag_that_came_home_ages_there_no_more_and_is_made_up_again(
    bureau: PouchBureau, emptied: str
) -> None:
    assert _ages(bureau)["PARIS"] == 1
    _refused("BAG_NOT_HERE", lambda: bureau.packed(1, emptied))

    assert _back(bureau, emptied) == 1
    assert _back(bureau, emptied) == 0, "told twice it came once"

    assert "PARIS" not in _ages(bureau)
    assert _ages(bureau)["MINREX"] == 0, "it begins to age anew"
    assert bureau.packed(1, emptied)


def test_a_bordereau_is_taken_whole_or_not_at_all(bureau: PouchBureau, emptied: str) -> None:
    other = planning.add_bag(bureau.office, by=bureau.chief)
    for place, empty in (("LOME", 1), ("PARIS", 0)):
        _lies(bureau, other, place, empty=empty)
        _refused("EMPTY_NOT_THERE", lambda: _back(bureau, emptied, other))
    _refused("BAG_UNKNOWN", lambda: _back(bureau, emptied, new_bag()))
    _refused("NOT_ALLOWED", lambda: _back(bureau, emptied, by=bureau.courier))
    with pytest.raises(LocatorWrong):
        returns.take_back(
            bureau.office, ["0" * 24], origin="PARIS", bordereau="SV 3", by=bureau.agent
        )
    assert _ages(bureau)["PARIS"] == 1
