"""Which acknowledged dispatches a restored ministry lacks, by the numbers that it cancelled."""

from dataclasses import replace
from typing import cast

import pytest

from cipher_service.client.online_continuity import Cancelled, lost_of, prove
from cipher_service.client.online_refusals import MinistryRefused
from cipher_service.client.outbox_entries import Entry, Standing, Status
from cipher_service.client.sdk import Ministry
from cipher_service.client.terminal import Terminal

OLD: tuple[Cancelled, ...] = ((2026, 50, 59),)
NEW: tuple[Cancelled, ...] = ((2025, 901, 910), (2026, 101, 110))


def _entry(register: str | None) -> Entry:
    return Entry(
        *(register or "-", "mark", 1, Status.ACKNOWLEDGED, b"", "", 0, "", None, b"", None, True),
        register=register,
    )


@pytest.mark.parametrize(
    ("register", "known", "cancelled", "lost"),
    [
        ("2026/000100", OLD, OLD + NEW, False),
        ("2026/000101", OLD, OLD + NEW, True),
        # More was given than the restore skipped.
        ("2026/000500", OLD, OLD + NEW, True),
        ("2025/000901", OLD, OLD + NEW, True),
        ("2025/000900", OLD, OLD + NEW, False),
        # The year had not begun when the backup was made; that one was long over.
        ("2027/000001", OLD, OLD + NEW, True),
        ("2024/999999", OLD, OLD + NEW, False),
        # A backup of before the restore that is known tells of no restore but this one.
        ("2026/000050", OLD, OLD, True),
        ("2026/000049", OLD, OLD, False),
        (None, OLD, OLD + NEW, True),
        # Met for the first time: what was just acknowledged it has.
        ("2026/000500", None, NEW, False),
        (None, None, NEW, True),
        ("2026/000001", OLD, (), True),
    ],
)
def test_what_was_acknowledged_under_a_cancelled_number_or_later_is_lost(
    register: str | None,
    known: tuple[Cancelled, ...] | None,
    cancelled: tuple[Cancelled, ...],
    lost: bool,
) -> None:
    before = None if known is None else Standing("chiffre.example/audit", known, None)
    entry = _entry(register)
    assert lost_of([entry], before, cancelled) == ([entry] if lost else [])


class Distrustful:
    """A restored ministry that takes no receipt of before, and the terminal that hears of it."""

    def __init__(self) -> None:
        self.shown: list[bytes] = []
        self.said: list[tuple[str, dict[str, str]]] = []

    def prove_number(self, receipt: bytes) -> bool:
        self.shown.append(receipt)
        raise MinistryRefused(
            "RECEIPT_NOT_OF_KEY", http_status=422, words=None, facts={}, server_time=None
        )

    def say(self, text: str, **facts: str) -> None:
        self.said.append((text, facts))


def test_a_receipt_that_is_not_accepted_is_told_and_keeps_nothing_from_leaving() -> None:
    entries = [
        replace(_entry(register), receipt=register.encode())
        for register in ("2026/000111", "2026/000112", "2025/000950")
    ]
    there = Distrustful()
    prove(cast("Ministry", there), cast("Terminal", there), entries, NEW)
    assert there.shown == [b"2026/000112"]
    facts = {"register": "2026/000112", "code": "RECEIPT_NOT_OF_KEY"}
    assert there.said == [("proof_refused", facts)]
    prove(cast("Ministry", there), cast("Terminal", there), entries[2:], NEW)
    assert len(there.shown) == 1
