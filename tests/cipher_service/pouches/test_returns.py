"""Empty bags come home, and may be made up again."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from cipher_service import clock
from cipher_service.directory.register import DirectoryReader
from cipher_service.errors import ServiceError
from cipher_service.pouches import overview, planning, returns, views
from cipher_service.pouches.empties_book import EmptiesDesk
from cipher_service.pouches.returns import TakenBack
from cipher_service.storage.tables.pouches import bag as bags
from cipher_service.storage.unit_of_work import reading, unit_of_work
from pouch.empties_notice import (
    ANNOUNCED,
    LATE,
    MISSING,
    RETURNED,
    EmptiesNotice,
    make_notice,
)
from pouch.errors import LocatorWrong
from pouch.locator import locator, new_bag
from tests.support.ministry import HEADQUARTERS, post_keys
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
    return _counted(bureau, *named, by=by).new


def _counted(bureau: PouchBureau, *named: str, by: str | None = None) -> TakenBack:
    officer = bureau.agent if by is None else by
    locators = [locator(each) for each in named]
    return returns.take_back(bureau.office, locators, origin="PARIS", bordereau="SV 3", by=officer)


def _announced(
    bureau: PouchBureau, *bags: str, number: str = "SV 3", to: str = HEADQUARTERS
) -> bool:
    """Have Paris announce bags, expected in a month."""
    paris, sent = post_keys("PARIS"), bureau.now - timedelta(days=1)
    due = sent + timedelta(days=30)
    card = paris.card.fingerprint
    notice = EmptiesNotice(number, "PARIS", card, to, sent, due, tuple(sorted(bags)))
    body = make_notice(notice, sign=paris.signing.sign)
    desk = EmptiesDesk(DirectoryReader(), HEADQUARTERS, lambda: bureau.now)
    with unit_of_work(bureau.engine) as connection:
        return desk.announce(connection, {"caller": "PARIS", "body": body})


def _standings(bureau: PouchBureau) -> dict[str, str]:
    notices = views.announced_empties(bureau.office, by=bureau.agent)
    return {bag: stands for notice in notices for bag, stands in notice.bags}


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


def test_what_is_announced_is_awaited_then_late_and_missing_once_the_others_came(
    bureau: PouchBureau, emptied: str
) -> None:
    other = planning.add_bag(bureau.office, by=bureau.chief)
    _lies(bureau, other, "PARIS", empty=1)
    assert _ages(bureau)["PARIS"] == 2
    assert _announced(bureau, emptied, other)
    assert not _announced(bureau, emptied, other), "said again it changes nothing"
    assert _standings(bureau) == {emptied: ANNOUNCED, other: ANNOUNCED}
    assert _ages(bureau)["PARIS"] == 0, "they are on their way"
    with reading(bureau.engine) as connection:
        announced = {
            each.place: each.announced for each in overview.empties(connection, bureau.now)
        }
    assert announced["PARIS"] == 2

    bureau.now += timedelta(days=29)
    assert _standings(bureau) == {emptied: LATE, other: LATE}
    assert _ages(bureau)["PARIS"] == 2, "nobody knows where they are: they age again"

    assert _counted(bureau, emptied) == TakenBack(1, (other,))
    assert _standings(bureau) == {emptied: RETURNED, other: MISSING}
    assert _counted(bureau, other) == TakenBack(1, ())
    assert _standings(bureau) == {}, "all came: nothing is to be seen to"


def test_a_notice_that_the_books_contradict_is_refused_whole(
    bureau: PouchBureau, emptied: str
) -> None:
    other = planning.add_bag(bureau.office, by=bureau.chief)
    for code, named, more in (
        ("BAG_UNKNOWN", (emptied, new_bag()), {}),
        ("EMPTY_NOT_THERE", (emptied, other), {}),
        ("WRONG_PLACE", (emptied,), {"to": "LOME"}),
    ):
        _refused(code, partial(_announced, bureau, *named, **more))
    assert _standings(bureau) == {}
    assert _announced(bureau, emptied)
    _lies(bureau, other, "PARIS", empty=1)
    _refused("EMPTIES_NUMBER_TAKEN", lambda: _announced(bureau, other))
    _refused("EMPTIES_ANNOUNCED", lambda: _announced(bureau, emptied, other, number="SV 4"))
    assert _standings(bureau) == {emptied: ANNOUNCED}


def test_a_bag_that_is_filled_after_all_is_awaited_no_more(
    bureau: PouchBureau, emptied: str
) -> None:
    assert _announced(bureau, emptied)
    _lies(bureau, emptied, HEADQUARTERS, empty=1)  # as books mended by hand
    assert bureau.packed(1, emptied)
    assert _standings(bureau) == {}
    _lies(bureau, emptied, "PARIS", empty=1)
    _refused("EMPTY_NOT_THERE", lambda: _announced(bureau, emptied, number="SV 5"))


def test_a_bordereau_is_taken_whole_or_not_at_all(bureau: PouchBureau, emptied: str) -> None:
    other = planning.add_bag(bureau.office, by=bureau.chief)
    for place, empty in (("LOME", 1), ("PARIS", 0)):
        _lies(bureau, other, place, empty=empty)
        _refused("EMPTY_NOT_THERE", lambda: _back(bureau, emptied, other))
    _refused("BAG_UNKNOWN", lambda: _back(bureau, emptied, new_bag()))
    _refused("NOT_ALLOWED", lambda: _back(bureau, emptied, by=bureau.courier))
    _refused("EMPTIES_NOT_COUNTED", lambda: _back(bureau))
    with pytest.raises(LocatorWrong):
        returns.take_back(
            bureau.office, ["0" * 24], origin="PARIS", bordereau="SV 3", by=bureau.agent
        )
    assert _ages(bureau)["PARIS"] == 1
