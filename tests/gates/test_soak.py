"""The short form of the soak; `make soak MINUTES=120` is the long one."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.gates.soak import FILES_GROWTH, MEMORY_GROWTH, Look, Soak, excesses

ROUNDS = 12


@pytest.mark.slow
def test_ordinary_work_and_a_kill_leave_nothing_behind(tmp_path: Path) -> None:
    soak = Soak(tmp_path, posts=("PARIS", "LOME"))
    try:
        for _ in range(ROUNDS // 2):
            soak.round()
        soak.kill()
        soak.round()
        first, before = soak.look(), soak.dispatches
        for _ in range(ROUNDS // 2):
            soak.round()
        assert excesses(first, soak.look(), soak.dispatches - before) == []
        assert soak.end() == []
        assert soak.dispatches >= ROUNDS // 3
    finally:
        soak.ministry.close()


def test_what_grows_is_named() -> None:
    first = Look(memory=2**27, largest=2**26, files=60, wal=0, database=2**20)
    assert excesses(first, first, 0) == []
    grown = replace(
        first, memory=first.memory + MEMORY_GROWTH + 1, files=first.files + FILES_GROWTH + 1
    )
    assert [each.partition(":")[0] for each in excesses(first, grown, 0)] == [
        "memory",
        "open files",
    ]
    leaking = replace(first, database=2**24, wal=2**27)
    assert len(excesses(first, leaking, 3)) == 2
