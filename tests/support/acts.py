"""Persons and acts for the tests of what several persons do together."""

from datetime import UTC, datetime, timedelta
from typing import Any

from keys.act_rules import RULES
from keys.acts import Act, Approval, Person

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ULIDS = ("01KAMV6R8P3ZDFWQ5XJ9T2C4EN", "01KAMV6R8P3ZDFWQ5XJ9T2C4EP")


def person(number: int, *functions: str, **changes: Any) -> Person:
    values: dict[str, Any] = {
        "id": f"OFF-{number:06d}",
        "functions": frozenset(functions),
        "rank": 4,
        "starts": NOON - timedelta(days=30),
        "ends": NOON + timedelta(days=300),
        **changes,
    }
    return Person(**values)


def act(kind: str, proposer: str, **changes: Any) -> Act:
    values: dict[str, Any] = {
        "id": ULIDS[0],
        "kind": kind,
        "resource": "thing/T-1",
        "version": 3,
        "rank": 0,
        "parameters": {"what": "exactly this"},
        "proposer": proposer,
        "subjects": (),
        "authors": (),
        "reason": "Relève du poste",
        "not_before": NOON,
        "expires": NOON + timedelta(seconds=RULES[kind].seconds),
        **changes,
    }
    return Act(**values)


def crew(kind: str, rank: int = 0) -> list[Person]:
    """One person for each seat of an act, the proposer first."""
    return [
        person(number, *sorted(seat)[:1])
        for number, seat in enumerate(RULES[kind].seats_at(rank), start=1)
    ]


def approvals(of: Act, persons: list[Person]) -> list[Approval]:
    return [Approval(each.id, of.digest) for each in persons]
