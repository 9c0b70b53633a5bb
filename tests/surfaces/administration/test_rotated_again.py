"""`keys rotate` of a key without editions, killed anywhere and typed again: one version more."""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cipher_service.administration import versions
from tests.support.dying import die_at
from tests.surfaces.administration.parted import Parted, parted_at
from tests.surfaces.administration.running import Ended, run

DESKS = "desks/MINREX"


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parted]:
    with parted_at(tmp_path_factory.mktemp("again")) as on:
        yield on


def _place(on: Parted) -> tuple[str, ...]:
    return ("--store", str(on.store), "--credential", str(on.credential))


def _rotate(on: Parted, key: str) -> Ended:
    """As somebody who reaches the custodian's store and the database."""
    typed = ("keys", "rotate", key, *_place(on), "--json")
    return run("--data", str(on.data), *typed, language="en")


def _given(on: Parted, *typed: str) -> Any:
    ended = run("--data", str(on.data), *typed, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def _numbers(on: Parted, key: str) -> list[int]:
    return [each["number"] for each in _given(on, "keys", "list") if each["key"] == key]


def _entered(on: Parted, key: str) -> list[str]:
    life = _given(on, "audit", "ask", "life", key)
    done = [each for each in life if each["action"] == "key_rotate" and each["outcome"] == "done"]
    return [each["card"] for each in done]


def _killed(on: Parted, key: str, dying: Callable[[], None]) -> int:
    """A rotation in a process that `dying` has made ready to be gone at some step."""
    child = os.fork()
    if child == 0:
        try:
            dying()
            os._exit(_rotate(on, key).returncode)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _before_the_entry() -> None:
    """Gone when all is done in the store, and the transaction is not at its end."""

    def gone(*_: Any) -> None:
        os._exit(9)

    pytest.MonkeyPatch().setattr(versions, "enter_versions", gone)


@pytest.mark.parametrize("key", [DESKS, "log/MINREX"])
def test_killed_at_any_step_on_the_store_and_typed_again_makes_one_version(
    parted: Parted, key: str
) -> None:
    finished = 0
    for step in range(1, 100):
        before = len(_numbers(parted, key))
        ended = _killed(parted, key, partial(die_at, parted.store, step, prepared=False))
        if ended == 0:
            break
        assert ended == 9
        again = _rotate(parted, key)
        assert again.returncode == 0, again.stderr
        assert json.loads(again.stdout)["number"] == before + 1
        finished += "was entered" in again.stderr
        assert _numbers(parted, key) == list(range(1, before + 2))
        assert len(_entered(parted, key)) == len(set(_entered(parted, key))) == before
    assert 1 < finished < step - 1
    assert _given(parted, "keys", "take-in") == []


@pytest.mark.parametrize("kind", ["authority", "certifying", "desks", "log", "receipts"])
def test_killed_before_its_entry_and_typed_again_is_entered_with_its_record(
    parted: Parted, kind: str, tmp_path: Path
) -> None:
    key = f"{kind}/MINREX"
    before = len(_numbers(parted, key))
    assert _killed(parted, key, _before_the_entry) == 9
    made = [each for each in _given(parted, "keys", "list") if each["key"] == key][-1]
    assert made["number"] == before + 1
    again = _rotate(parted, key)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["fingerprint"] == made["fingerprint"]
    drawn = _given(parted, "keys", "record", key, "-o", str(tmp_path / "r.json"))
    assert drawn["fingerprint"] == made["fingerprint"]
    assert json.loads(_rotate(parted, key).stdout)["number"] == before + 2


def test_taken_in_before_it_is_typed_again_is_refused_once(parted: Parted) -> None:
    """Killed in the store, where `keys take-in` ended it."""
    begun = parted.store / "rotation.begun"
    made = json.loads(_rotate(parted, DESKS).stdout)
    begun.touch(0o600)
    begun.write_bytes(f"{DESKS} {made['number']}\n".encode())
    refused = _rotate(parted, DESKS)
    assert (refused.returncode, "(ROTATION_TAKEN_IN)" in refused.stderr) == (1, True)
    assert json.loads(_rotate(parted, DESKS).stdout)["number"] == made["number"] + 1


def test_what_waits_and_has_fallen_since_is_followed_by_another(parted: Parted) -> None:
    assert _killed(parted, DESKS, _before_the_entry) == 9
    fallen = _numbers(parted, DESKS)[-1]
    suspending = ("keys", "suspend", DESKS, "--reason", "doute")
    assert run("--data", str(parted.data), *suspending).returncode == 0
    assert json.loads(_rotate(parted, DESKS).stdout)["number"] == fallen + 1
    [left] = _given(parted, "keys", "take-in")
    assert left["number"] == fallen
