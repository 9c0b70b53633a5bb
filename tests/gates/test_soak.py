"""The short form of the soak; `make soak MINUTES=120` is the long one."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.gates.pressure import Met
from tests.gates.soak import (
    COLD_GROWTH,
    FILES_GROWTH,
    MEMORY_GROWTH,
    Look,
    Soak,
    excesses,
    excessive,
    slope,
)

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
        more = soak.dispatches - before
        assert excesses(first, soak.look(), more, growth=COLD_GROWTH) == []
        assert soak.end() == []
        assert soak.dispatches >= ROUNDS // 3
    finally:
        met = soak.close()
    assert met.wrong() == []


def look(memory: int, at: float = 0) -> Look:
    return Look(at=at, memory=memory, largest=2**26, files=60, wal=0, database=2**20)


def test_what_grows_is_named() -> None:
    first = look(2**27)
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
    assert excessive(grown) == []
    assert len(excessive(replace(leaking, largest=2**28))) == 2


def test_a_steady_growth_is_told_from_a_restless_level() -> None:
    restless = [look(2**27 + (2**19 if at % 2 else 0), at * 60) for at in range(24)]
    assert abs(slope(restless)) < 2**17
    growing = [replace(one, memory=one.memory + int(one.at) * 2**12) for one in restless]
    assert 2.2 * 2**20 < slope(growing) < 2.5 * 2**20


def test_what_lay_on_the_service_tells_what_it_must_not_meet() -> None:
    met = Met(statuses={"200": 40}, lost=0, slow=200, logins=8, p99=0.2)
    assert met.wrong() == []
    for status in ("401", "500"):
        told = replace(met, statuses={"200": 40, status: 1}).wrong()
        assert told == [f"answers {{'{status}': 1}}"]
    assert len(replace(met, logins=0, slow=0, lost=1).wrong()) == 3
