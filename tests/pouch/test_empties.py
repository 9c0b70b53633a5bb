"""Empty bags: where, how long, and whether they may travel again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pouch.empties import Ageing, BagNotReusable, EmptyBag, ageing, require_reusable
from tests.support.bags import NOON

BAG = EmptyBag("0" * 21 + "1", "PARIS", NOON, cycles=3, cycles_most=40, disputed=False)


def test_bags_are_counted_by_age_and_post() -> None:
    days = (30, 31, 60, 61, 90, 91, 400)
    bags = [
        replace(BAG, bag=f"{number:022d}", since=NOON - timedelta(days=age))
        for number, age in enumerate(days)
    ]
    there = replace(BAG, place="LOME", bag="0" * 22)
    twin = replace(there, bag="0" * 21 + "2")
    assert ageing([*bags, twin, there], NOON) == (
        Ageing("LOME", (2, 0, 0, 0), there.bag),
        Ageing("PARIS", (1, 2, 2, 2), bags[-1].bag),
    )


def test_what_is_on_its_way_home_ages_no_more() -> None:
    old = replace(BAG, since=NOON - timedelta(days=100))
    gone = replace(old, bag="0" * 22, announced=True)
    assert ageing([old, gone], NOON) == (Ageing("PARIS", (0, 0, 0, 1), gone.bag, announced=1),)
    assert ageing([gone], NOON) == (Ageing("PARIS", (0, 0, 0, 0), gone.bag, announced=1),)


def test_a_disputed_or_worn_bag_stays() -> None:
    require_reusable(BAG)
    require_reusable(replace(BAG, cycles=10_000, cycles_most=None))
    for bag in (replace(BAG, disputed=True), replace(BAG, cycles=40)):
        with pytest.raises(BagNotReusable):
            require_reusable(bag)
