"""CUSTODY.md says what the code does."""

import re
from pathlib import Path

import pytest

from keys.errors import Refusal
from pouch import (
    alarms,
    classes,
    custody,
    discrepancies,
    empties,
    empties_notice,
    events,
    facts,
    hand_over,
    stock,
)

CUSTODY = (Path(__file__).resolve().parents[2] / "pouch" / "CUSTODY.md").read_text("utf-8")
KINDS = {
    each.kind: each
    for each in vars(facts).values()
    if isinstance(each, type) and issubclass(each, facts.Facts) and each is not facts.Facts
}
CODES = {
    each.code
    for module in (
        events,
        custody,
        classes,
        stock,
        discrepancies,
        empties,
        empties_notice,
        hand_over,
    )
    for each in vars(module).values()
    if isinstance(each, type)
    and issubclass(each, Refusal)
    and each is not Refusal
    and each.__module__ == module.__name__
}
ALARMS = {
    value
    for name, value in vars(alarms).items()
    if name.isupper() and not name.startswith("_") and isinstance(value, str)
}


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_on_the_page(code: str) -> None:
    assert f"`{code}`" in CUSTODY


@pytest.mark.parametrize("alarm", sorted(ALARMS))
def test_every_alarm_is_on_the_page(alarm: str) -> None:
    assert f"`{alarm}`" in CUSTODY


def test_the_table_of_kinds_is_the_one_in_the_code() -> None:
    table = {
        kind: (said == "yes", members)
        for kinds, said, members in re.findall(
            r"^\| (`[a-z`, -]+) \| (yes)? ?\| (.*) \|$", CUSTODY, re.MULTILINE
        )
        for kind in re.findall(r"`([a-z-]+)`", kinds)
    }
    assert KINDS.keys() == facts.READERS.keys() <= table.keys()
    for kind, told in KINDS.items():
        two_persons, members = table[kind]
        assert told.two_persons == two_persons, kind
        named = {member for member in told.__slots__ if f"`{member}`" in members}
        assert named == set(told.__slots__), kind
