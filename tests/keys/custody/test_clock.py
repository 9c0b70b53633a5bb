"""The custodian's clock across a start: one that was set back is noticed and named."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from keys.custody.clock import MARK_FILE, ClockMark, SteadyClock
from keys.custody.errors import ClockSetBack, StoreInvalid
from tests.support.officers import whole_now


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir(mode=0o700)
    return folder


def test_a_clock_set_back_while_no_custodian_ran_is_named(
    founded: Any, start_worker: Callable[..., Any], tmp_path: Path
) -> None:
    """A mark that lies an hour ahead is what a clock set back by an hour finds."""
    path = tmp_path / "custodian.sock"
    first = start_worker(founded, path)
    first.process.terminate()
    assert first.process.wait(timeout=120) == 0
    mark = ClockMark(founded.store)
    assert mark.read() is not None
    mark.keep(whole_now() + timedelta(hours=1))
    typed = ("--store", founded.store, "--credential", founded.credential, "--socket", path)
    ended = subprocess.run(
        [sys.executable, "-m", "keys.custody.worker", *map(str, typed)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (ended.returncode, ended.stderr.partition(":")[0]) == (1, "CUSTODY_CLOCK_BACK")
    assert not path.exists()
    (founded.store / MARK_FILE).unlink()
    assert start_worker(founded, path).process.poll() is None


def test_the_mark_follows_the_clock_to_the_minute(store: Path) -> None:
    now, running = [whole_now()], [0.0]
    clock = SteadyClock(lambda: now[0], lambda: running[0])
    mark, began = ClockMark(store), now[0]
    clock.go_on_from(mark)
    assert mark.read() == began
    now[0] = began + timedelta(seconds=59)
    clock()
    assert mark.read() == began
    now[0] = began + timedelta(seconds=60)
    assert clock() == mark.read() == now[0]


def test_a_little_behind_it_goes_on_and_far_behind_it_does_not(store: Path) -> None:
    mark, late = ClockMark(store), whole_now()
    mark.keep(late)
    clock = SteadyClock(lambda: late - timedelta(minutes=5), lambda: 0.0)
    clock.go_on_from(mark)
    assert clock() == late
    far = SteadyClock(lambda: late - timedelta(minutes=5, seconds=1), lambda: 0.0)
    with pytest.raises(ClockSetBack):
        far.go_on_from(mark)
    (store / MARK_FILE).write_text("noon", "utf-8")
    with pytest.raises(StoreInvalid):
        clock.go_on_from(mark)


def test_a_full_disk_stops_no_custodian(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, mark = SteadyClock(), ClockMark(store)
    with monkeypatch.context() as patch:
        patch.setattr(ClockMark, "keep", Mock(side_effect=OSError("no space left")))
        clock.go_on_from(mark)
        assert mark.read() is None
    assert clock() == mark.read()
