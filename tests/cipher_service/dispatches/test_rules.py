"""Order, states and numbers, without a database."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipher_service import clock
from cipher_service.dispatches import rules
from cipher_service.dispatches.rules import Gap, gaps, place, states_before
from cipher_service.references import (
    new_id,
    parse_register_number,
    register_number,
    restored_epoch,
    series_epoch,
)


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(1, 2**40)), unique=True))
def test_a_list_is_in_order_of_precedence_then_arrival(lines: list[tuple[int, int]]) -> None:
    by_place = sorted(lines, key=lambda line: place(*line))
    assert by_place == sorted(lines, key=lambda line: (-line[0], line[1]))
    assert all(0 < place(*line) < 2**63 for line in lines)


@given(st.sets(st.integers(1, 60)))
def test_gaps_and_numbers_together_are_every_number(numbers: set[int]) -> None:
    missing = [n for gap in gaps(numbers) for n in range(gap.first, gap.last + 1)]
    assert sorted([*numbers, *missing]) == list(range(1, max(numbers, default=0) + 1))


def test_a_gap_names_both_ends() -> None:
    assert gaps([1, 2, 5, 9]) == [Gap(3, 4), Gap(6, 8)]
    assert gaps([3]) == [Gap(1, 2)]
    assert gaps([]) == []


def test_a_line_never_goes_back() -> None:
    order = {state: position for position, state in enumerate(rules.STATES)}
    for state in (rules.FETCHED, rules.DELIVERED, rules.REFUSED):
        assert all(order[before] < order[state] for before in states_before(state))
        assert rules.DECIPHERED not in states_before(state)
    assert rules.REFUSED in states_before(rules.DECIPHERED)  # the right card came later


def test_register_numbers_read_back() -> None:
    assert register_number(2026, 123) == "2026/000123"
    assert parse_register_number("2026/000123") == (2026, 123)
    assert parse_register_number("2026/1234567") == (2026, 1234567)
    for wrong in ("2026/123", "2026/0000123", "26/000123", "2026-000123", "2026/00012x", ""):
        with pytest.raises(ValueError, match="form"):
            parse_register_number(wrong)


def test_epochs_are_years_with_incarnations() -> None:
    assert series_epoch(2026) == 202600
    assert series_epoch(2026, 1) == 202601
    with pytest.raises(ValueError, match="100"):
        series_epoch(2026, 100)


def test_eight_restores_may_follow_one_on_the_last_day_of_a_year() -> None:
    assert restored_epoch(clock.parse("2028-12-31T23:59:59Z")) + 8 == series_epoch(2028, 99)
    weeks = {
        restored_epoch(clock.parse("2026-01-01T00:00:00Z") + timedelta(7 * n)) for n in range(52)
    }
    assert (len(weeks), min(weeks)) == (52, series_epoch(2026, 39))


def test_ids_are_ulids_in_order_of_time() -> None:
    now = clock.now()
    ids = [new_id(now.replace(microsecond=part * 1000)) for part in range(100)]
    assert ids == sorted(ids)
    assert len({new_id(now) for _ in range(1000)}) == 1000
    assert all(len(one) == 26 and one[0] in "01234567" for one in ids)
