"""A suite is active, then decrypt-only, then forbidden; the custodian asks the table each time."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from keys.custody import bureau_opening, bureau_signing
from keys.custody.core import Custody
from keys.errors import SuiteBelowFloor
from keys.suites import ACTIVE, DECRYPT_ONLY, FORBIDDEN, TABLE, Suite, SuiteTable
from tests.vectors.forge import YEAR, Forgery, split

ENDING = Suite("S1", 3, date(2026, 1, 1), date(2030, 1, 1), date(2036, 1, 1))


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (date(2025, 12, 31), FORBIDDEN),
        (date(2026, 1, 1), ACTIVE),
        (date(2029, 12, 31), ACTIVE),
        (date(2030, 1, 1), DECRYPT_ONLY),
        (date(2035, 12, 31), DECRYPT_ONLY),
        (date(2036, 1, 1), FORBIDDEN),
    ],
)
def test_a_suite_has_its_days(day: date, state: str) -> None:
    assert ENDING.state(day) == state
    table = SuiteTable({"S1": ENDING}, {}, 3)
    asked: list[tuple[Callable[[str, str, date], None], set[str]]] = [
        (table.require_protects, {ACTIVE}),
        (table.require_opens, {ACTIVE, DECRYPT_ONLY}),
    ]
    for require, states in asked:
        if state in states:
            require("S1", "SECRET", day)
        else:
            with pytest.raises(SuiteBelowFloor):
                require("S1", "SECRET", day)


def test_a_level_has_its_floor_and_an_unknown_suite_none() -> None:
    strict = SuiteTable({"S1": ENDING}, {"TRES-SECRET": 5}, 3)
    strict.require_opens("S1", "SECRET", date(2027, 1, 1))
    for suite, level in (("S1", "TRES-SECRET"), ("S2", "SECRET"), ("S0", "SECRET")):
        with pytest.raises(SuiteBelowFloor):
            strict.require_opens(suite, level, date(2027, 1, 1))
    TABLE.require_protects("S1", "TRES-SECRET", date(2026, 11, 25))


def test_the_custodian_neither_signs_nor_opens_under_a_suite_whose_day_has_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    custody = Custody.generate("MINREX", valid_from=YEAR[0], valid_until=YEAR[1])
    header, payload = split(Forgery([custody.card()]).seal())
    asked: tuple[Any, ...] = (header.encode(), payload[:300_000])
    fingerprint = custody.card().fingerprint
    own = Forgery(
        [custody.card()], alter=lambda m: m["sender"].update(fingerprint=fingerprint)
    ).manifest()
    custody.sign_manifest(own)
    assert len(custody.open_file_key(*asked)) == 16

    def on(day: date) -> None:
        now = datetime(day.year, day.month, day.day, tzinfo=UTC)
        for acts in (bureau_opening, bureau_signing):
            monkeypatch.setattr(acts, "system_clock", lambda: now)

    for acts in (bureau_opening, bureau_signing):
        monkeypatch.setattr(acts, "TABLE", SuiteTable({"S1": ENDING}, {"SECRET": 3}, 3))
    on(date(2031, 1, 1))
    assert len(custody.open_file_key(*asked)) == 16
    with pytest.raises(SuiteBelowFloor):
        custody.sign_manifest(own)
    on(date(2036, 1, 1))
    with pytest.raises(SuiteBelowFloor):
        custody.open_file_key(*asked)
