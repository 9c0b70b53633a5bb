"""The stock of seals: used once, by two, all accounted for."""

import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pouch.stock import (
    APPLIED,
    BROKEN,
    DESTROYED,
    EMPTY,
    ISSUED,
    PLASTIC,
    STOCKED,
    VOIDED,
    Movement,
    SealNotInHand,
    SealNumberUsed,
    Stock,
    StockTooLow,
    TwoPersonsNeeded,
    allot,
    move,
    reconcile,
    stocked,
)

PAIR = ("ABENA", "BIYA-C")
NUMBERS = tuple(f"CM-{number:05d}" for number in range(8))
FULL = stocked(EMPTY, NUMBERS, PLASTIC, "S", PAIR)
STATES = (ISSUED, APPLIED, BROKEN, VOIDED, DESTROYED)


def _move(stock: Stock, number: str, to: str) -> Stock:
    return move(stock, Movement(number, to, PAIR, closing="5e" * 16 if to == APPLIED else None))


def test_a_seal_s_life() -> None:
    stock = FULL
    for to in (ISSUED, APPLIED, BROKEN, DESTROYED):
        stock = _move(stock, NUMBERS[0], to)
    seal = stock.seals[NUMBERS[0]]
    assert (seal.state, seal.closing, seal.issued) == (DESTROYED, "5e" * 16, True)


def test_a_number_is_used_once() -> None:
    stock = _move(FULL, NUMBERS[0], ISSUED)
    for to in (APPLIED, BROKEN, DESTROYED):
        stock = _move(stock, NUMBERS[0], to)
        with pytest.raises(SealNumberUsed):
            _move(stock, NUMBERS[0], APPLIED)
    with pytest.raises(SealNumberUsed):
        stocked(FULL, [NUMBERS[0]], PLASTIC, "S", PAIR)


def test_a_seal_out_of_turn_is_refused() -> None:
    for to in (APPLIED, BROKEN, DESTROYED, STOCKED):
        with pytest.raises(SealNotInHand):
            _move(FULL, NUMBERS[0], to)
    with pytest.raises(SealNotInHand):
        _move(FULL, "CM-99999", ISSUED)
    voided = _move(_move(FULL, NUMBERS[0], ISSUED), NUMBERS[0], VOIDED)
    with pytest.raises(SealNotInHand):
        _move(voided, NUMBERS[0], APPLIED)


def test_one_person_moves_nothing() -> None:
    with pytest.raises(TwoPersonsNeeded):
        move(FULL, Movement(NUMBERS[0], ISSUED, ("ABENA", "ABENA")))
    with pytest.raises(TwoPersonsNeeded):
        stocked(EMPTY, NUMBERS, PLASTIC, None, ("ABENA", "ABENA"))


def test_wrong_calls() -> None:
    for movement in (
        Movement(NUMBERS[0], APPLIED, PAIR),
        Movement(NUMBERS[0], ISSUED, PAIR, closing="5e" * 16),
    ):
        with pytest.raises(ValueError, match="closing"):
            move(FULL, movement)
    for type_, strength in (("string", "S"), (PLASTIC, "X")):
        with pytest.raises(ValueError, match="no such seal"):
            stocked(EMPTY, NUMBERS, type_, strength, PAIR)


def test_allotment_is_random_without_doubles() -> None:
    drawn = allot(FULL, 8, secrets.randbelow)
    assert sorted(drawn) == sorted(NUMBERS)
    assert allot(FULL, 2, lambda bound: bound - 1) == (NUMBERS[7], NUMBERS[6])
    with pytest.raises(StockTooLow):
        allot(_move(FULL, NUMBERS[0], ISSUED), 8, secrets.randbelow)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(NUMBERS), st.sampled_from(STATES)), max_size=40))
def test_issued_is_applied_and_in_hand_and_voided(steps: list[tuple[str, str]]) -> None:
    """R4: whatever people try, the sum holds."""
    stock = FULL
    used: list[str] = []
    for number, to in steps:
        try:
            stock = _move(stock, number, to)
        except (SealNotInHand, SealNumberUsed):
            continue
        if to == APPLIED:
            used.append(number)
    assert len(used) == len(set(used))
    in_hand = [seal.number for seal in stock.seals.values() if seal.state == ISSUED]
    balance = reconcile(stock, in_hand)
    assert balance.balanced
    assert balance.issued == balance.applied + balance.in_hand + balance.voided
    assert balance.applied == len(used)


def test_a_seal_that_nobody_shows_is_named() -> None:
    stock = _move(_move(FULL, NUMBERS[0], ISSUED), NUMBERS[1], ISSUED)
    balance = reconcile(stock, [NUMBERS[1]])
    assert not balance.balanced
    assert (balance.unexplained, balance.surplus) == ((NUMBERS[0],), ())
    assert balance.counted == 1


def test_a_seal_that_should_be_in_nobody_s_hands_is_named() -> None:
    """One of the stock, one that the register says is on a bag, one that it does not know."""
    stock = _move(_move(_move(FULL, NUMBERS[0], ISSUED), NUMBERS[1], ISSUED), NUMBERS[1], APPLIED)
    assert reconcile(stock, [NUMBERS[0]]).balanced
    for number in (NUMBERS[1], NUMBERS[2], "CM-99999"):
        balance = reconcile(stock, [NUMBERS[0], number])
        assert not balance.balanced
        assert (balance.unexplained, balance.surplus) == ((), (number,))
