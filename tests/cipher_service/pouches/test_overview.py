"""What the bureau looks at each day."""

from datetime import timedelta

import pytest

from cipher_service.errors import ServiceError
from cipher_service.pouches import cases, overview
from cipher_service.pouches.rules import Count
from cipher_service.storage.unit_of_work import reading, unit_of_work
from pouch.discrepancies import BREACH, INCIDENT
from tests.support.bags import NOON, SEAL
from tests.support.pouches import NUMBERS, OTHER_BAG, OTHER_SEAL, Pouches


def test_bags_are_counted_before_leaving_the_airport(pouches: Pouches) -> None:
    pouches.closed()
    pouches.closed(numbers=NUMBERS[2:4], bag=OTHER_BAG, seal=OTHER_SEAL)
    with unit_of_work(pouches.engine) as connection:

        def counted(*seen: str) -> Count:
            return overview.count_check(connection, "D-1", seen, officer="KOUR", now=NOON)

        assert counted(OTHER_SEAL, SEAL).complete
        assert cases.cases_of(connection, SEAL) == []
        short = counted(OTHER_SEAL, "7a" * 16)
        assert (short.missing, short.over) == ((SEAL,), ("7a" * 16,))
        (case,) = cases.cases_of(connection, SEAL)
        assert (case.kind, case.severity) == ("bag-missing", BREACH)
        with pytest.raises(ServiceError, match="DEPARTURE_UNKNOWN"):
            overview.count_check(connection, "D-9", [], officer="KOUR", now=NOON)


def test_a_bag_too_many_is_a_case_of_its_own(pouches: Pouches) -> None:
    pouches.closed()
    with unit_of_work(pouches.engine) as connection:
        pouches.depart(connection, "D-2")
        counted = overview.count_check(connection, "D-2", [SEAL], officer="KOUR", now=NOON)
        assert counted.over == (SEAL,)
        (case,) = cases.cases_of(connection, SEAL)
    assert (case.kind, case.severity) == ("bag-over", INCIDENT)


def test_silence_on_the_way_is_news(pouches: Pouches) -> None:
    pouches.closed()
    pouches.bring("MINREX", pouches.journey()[0])
    day = timedelta(days=1)
    with reading(pouches.engine) as connection:
        assert overview.silent(connection, NOON + day) == ()
        assert overview.silent(connection, NOON + day * 2) == (SEAL,)
    pouches.bring("PARIS", pouches.arrival())
    with reading(pouches.engine) as connection:
        assert overview.silent(connection, NOON + day * 9) == ()


def test_empty_bags_age_where_they_lie(pouches: Pouches) -> None:
    pouches.closed()
    with reading(pouches.engine) as connection:
        (ministry,) = overview.empties(connection, NOON + timedelta(days=45))
    assert (ministry.place, ministry.counts, ministry.oldest) == ("MINREX", (0, 1, 0, 0), OTHER_BAG)
