"""Which acknowledged dispatches a restored ministry lacks, by the numbers that it cancelled."""

import pytest

from cipher_service.client.online_continuity import Cancelled, lost_of
from cipher_service.client.outbox_entries import Entry, Standing, Status

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
