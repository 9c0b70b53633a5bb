"""Discrepancies: how bad, who is told, by when, and what a check at receipt finds."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pouch.discrepancies import (
    ACCESS,
    ASSESSED,
    BREACH,
    CIPHER,
    CLOCKS,
    CLOSED,
    INCIDENT,
    KINDS,
    NOTIFIED,
    REPORTED,
    Difference,
    DiscrepancyActForbidden,
    Line,
    advance,
    check_items,
    check_seals,
    check_weight,
    near_misses,
    raise_to_breach,
    recipients_of,
    report,
    severity_of,
)
from pouch.facts import BROKEN, DAMAGED, INTACT, MISSING
from pouch.manifest import BagClass
from tests.support.bags import NOON

HOUR = timedelta(hours=1)


def test_a_broken_seal_is_a_breach_where_something_can_be_compromised() -> None:
    assert severity_of("seal-broken", BagClass.SECRET) == BREACH
    assert severity_of("seal-broken", BagClass.UNCLASSIFIED) == INCIDENT
    assert severity_of("bag-missing", BagClass.UNCLASSIFIED) == BREACH
    assert severity_of("bag-examined", BagClass.TOP_SECRET) == INCIDENT


def test_who_is_told() -> None:
    assert CIPHER in recipients_of(BREACH, BagClass.SECRET)
    assert CIPHER not in recipients_of(BREACH, BagClass.UNCLASSIFIED)
    assert ACCESS in recipients_of(BREACH, BagClass.UNCLASSIFIED)
    assert ACCESS not in recipients_of(INCIDENT, BagClass.SECRET)


@pytest.mark.parametrize("kind", KINDS)
def test_a_case_runs_to_its_close_by_its_clocks(kind: str) -> None:
    case = report(kind, BagClass.SECRET, "PAUL", NOON)
    clocks = CLOCKS[case.severity]
    for step, state in enumerate((NOTIFIED, ASSESSED, CLOSED)):
        assert case.due == NOON + clocks[step]
        for wrong in {REPORTED, NOTIFIED, ASSESSED, CLOSED} - {state}:
            with pytest.raises(DiscrepancyActForbidden):
                advance(case, wrong, "ABENA", NOON)
        case = advance(case, state, "ABENA", NOON + HOUR * step)
        assert case.state_at == NOON + HOUR * step
    assert case.due is None
    with pytest.raises(DiscrepancyActForbidden):
        advance(case, CLOSED, "ABENA", NOON)


def test_nobody_closes_what_they_reported() -> None:
    case = replace(report("bag-damaged", BagClass.SECRET, "PAUL", NOON), state=ASSESSED)
    with pytest.raises(DiscrepancyActForbidden, match="themselves"):
        advance(case, CLOSED, "PAUL", NOON)
    assert advance(case, CLOSED, "ABENA", NOON).state == CLOSED


def test_an_incident_becomes_a_breach_and_starts_anew() -> None:
    case = advance(
        report("bag-detained", BagClass.SECRET, "PAUL", NOON), NOTIFIED, "ABENA", NOON + HOUR
    )
    raised = raise_to_breach(case, NOON + HOUR * 2)
    assert (raised.severity, raised.state) == (BREACH, REPORTED)
    assert raised.due == NOON + HOUR * 3
    for other in (raised, replace(case, state=CLOSED)):
        with pytest.raises(DiscrepancyActForbidden):
            raise_to_breach(other, NOON)


def test_items_are_checked_one_by_one() -> None:
    lines = [
        Line(1, 1, 1),
        Line(2, 2, 0),
        Line(3, 2, 1),
        Line(4, 1, 2, damaged=True),
        Line(5, 1, 1, misdirected=True),
        Line(6, 0, 0),
    ]
    assert set(check_items(lines, unlisted=1)) == {
        Difference("missing", "2"),
        Difference("short", "3"),
        Difference("over", "4"),
        Difference("damaged", "4"),
        Difference("wrong-addressee", "5"),
        Difference("unlisted", "1"),
    }
    assert check_items(lines[:1]) == ()


EXPECTED = ("CM-48213", "CM-90177")


@pytest.mark.parametrize(
    ("typed", "condition", "found"),
    [
        (EXPECTED[::-1], INTACT, []),
        (("CM-48213", "CM-90178"), INTACT, [("seal-differs", "CM-90178")]),
        (("CM-48213",), INTACT, [("seal-missing", "CM-90177")]),
        (("CM-48213",), MISSING, [("seal-missing", "CM-90177")]),
        (EXPECTED, MISSING, [("seal-missing", "")]),
        (EXPECTED, BROKEN, [("seal-broken", "")]),
        (EXPECTED, DAMAGED, [("bag-damaged", "")]),
        (
            (*EXPECTED, "CM-00001"),
            INTACT,
            [("seal-differs", "CM-00001")],
        ),
        ((), INTACT, [("seal-missing", "CM-48213"), ("seal-missing", "CM-90177")]),
    ],
)
def test_seals_typed_blindly(
    typed: tuple[str, ...], condition: str, found: list[tuple[str, str]]
) -> None:
    differences = check_seals(EXPECTED, typed, condition)
    assert [(each.kind, each.what) for each in differences] == found


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("CM-48214", True),
        ("CM-48231", True),
        ("CM-4821", True),
        ("CM-482133", True),
        ("CM-84213", True),
        ("CM-11111", False),
        ("CM-31248", False),
        ("CM-78213", True),
        ("CM-482", False),
        ("CM-48213", False),
    ],
)
def test_nearly_right_is_looked_at_again(typed: str, near: bool) -> None:
    assert bool(near_misses(EXPECTED[:1], [typed])) is near


def test_weights_at_both_ends() -> None:
    assert check_weight(7400, 7300, 100) == ()
    assert check_weight(7400, 7501, 100) == (Difference("weight-differs", ""),)
