"""`keys exchange` and `keys take-in`: a rotation where no user reaches both store and database."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cipher_service.administration import rotating_apart
from cipher_service.audit.rotations import untold
from keys.custody.book import BookFile
from tests.support.dying import die_at
from tests.surfaces.administration.parted import Parted, parted_at
from tests.surfaces.administration.running import Ended, run

BUREAU, DESKS = "bureau/MINREX", "desks/MINREX"


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parted]:
    with parted_at(tmp_path_factory.mktemp("apart")) as on:
        yield on


def _exchange(on: Parted, *typed: str) -> Ended:
    """As the custodian's user, who reaches no settings and no database."""
    place = ("--store", str(on.store), "--credential", str(on.credential))
    nowhere = ("--data", str(on.folder / "nowhere"))
    return run(*nowhere, "keys", "exchange", *typed, *place, "--json")


def _exchanged(on: Parted, *typed: str) -> Any:
    ended = _exchange(on, *typed)
    assert ended.returncode == 0, ended.stderr
    assert "keys take-in" in ended.stderr
    return json.loads(ended.stdout)


def _given(on: Parted, *typed: str) -> Any:
    ended = run("--data", str(on.data), *typed, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def _card(on: Parted) -> str:
    return str({each["post"]: each["fingerprint"] for each in _given(on, "post", "list")}["MINREX"])


def _told_by_the_check(on: Parted, number: int) -> list[str]:
    """Which commands the check names for the rotation of the bureau's keys to a version."""
    ended = run("--data", str(on.data), "check", language="en")
    assert ended.returncode == 0, ended.stdout
    about = re.compile(rf"version {number} of {BUREAU}|{BUREAU} to version {number}", re.IGNORECASE)
    lines = [line for line in ended.stderr.splitlines() if about.search(line)]
    return [command for line in lines for command in re.findall("`(.+?)`", line)]


def _rotations(on: Parted, key: str) -> set[str]:
    life = _given(on, "audit", "ask", "life", key)
    return {each["card"] for each in life if each["action"] == "key_rotate"}


def _dying(place: Any, name: str, calls: int, typed: Callable[[], Ended]) -> int:
    """Run a command in a process that is gone when it calls something for that many times."""
    child = os.fork()
    if child == 0:
        left, real = [calls], getattr(place, name)

        def called(*arguments: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)
            return real(*arguments, **named)

        try:
            setattr(place, name, called)
            os._exit(typed().returncode)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_each_half_does_its_own_and_the_record_is_the_same(parted: Parted, tmp_path: Path) -> None:
    before = _card(parted)
    made = _exchanged(parted)
    assert _told_by_the_check(parted, 2) == ["cipher-service keys take-in"]
    assert (made["key"], made["before"], made["after"]) == (BUREAU, "active", "deactivated")
    assert _card(parted) == before
    [taken] = _given(parted, "keys", "take-in")
    assert taken == made
    assert _card(parted) == made["fingerprint"]
    assert _rotations(parted, BUREAU) == {made["fingerprint"]}
    assert _given(parted, "keys", "take-in") == []
    drawn = _given(parted, "keys", "record", BUREAU, "-o", str(tmp_path / "r.json"))
    assert drawn["digest"] == made["digest"]
    confirm = f"cipher-service keys confirm {BUREAU} --number 2 --by OFF-..."
    assert _told_by_the_check(parted, 2) == [confirm]
    confirming = ("keys", "confirm", BUREAU, "--number", "2", "--by", "GARDE-A")
    assert run("--data", str(parted.data), *confirming).returncode == 0
    assert _told_by_the_check(parted, 2) == []


def test_what_was_exchanged_twice_is_taken_in_twice_and_in_order(parted: Parted) -> None:
    first, second = _exchanged(parted, DESKS), _exchanged(parted, DESKS)
    assert (first["fingerprint"], first["after"]) == (second["previous"], "destroyed")
    assert _given(parted, "keys", "take-in") == [first, second]
    assert _rotations(parted, DESKS) == {first["fingerprint"], second["fingerprint"]}


def test_what_was_rotated_where_both_are_reached_is_in_already(parted: Parted) -> None:
    place = ("--store", str(parted.store), "--credential", str(parted.credential))
    for key in ("receipts/MINREX", "certifying/MINREX"):
        _given(parted, "keys", "rotate", key, *place)
    assert _given(parted, "keys", "take-in") == []


@pytest.mark.parametrize(
    ("code", "typed"),
    [
        ("KEY_ROTATES_NOT", ("root/MINREX",)),
        ("KEY_NAME_UNKNOWN", ("post/PARIS",)),
        ("DAYS_INVALID", ("--days", "0")),
    ],
)
def test_what_no_exchange_can_be_of_is_refused(
    parted: Parted, code: str, typed: tuple[str, ...]
) -> None:
    ended = _exchange(parted, *typed)
    assert ended.returncode in {1, 2}
    assert f"({code})" in ended.stderr


def test_an_exchange_that_was_cut_short_is_finished_and_not_done_twice(parted: Parted) -> None:
    """Killed when the card is in force and the states do not say so yet."""
    edition = _exchanged(parted)["number"]
    _given(parted, "keys", "take-in")
    assert _dying(BookFile, "write", 2, lambda: _exchange(parted)) == 9
    made = _exchanged(parted)
    assert made["number"] == edition + 1
    assert [each["number"] for each in _given(parted, "keys", "take-in")] == [edition + 1]
    assert _card(parted) == made["fingerprint"]


def _killed(on: Parted, step: int, *typed: str) -> int:
    """An exchange whose process is gone before that step on the store's disk."""
    child = os.fork()
    if child == 0:
        try:
            die_at(on.store, step, prepared=False)
            os._exit(_exchange(on, *typed).returncode)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("key", [BUREAU, DESKS])
def test_an_exchange_killed_anywhere_and_taken_in_before_it_is_typed_again_has_its_record(
    parted: Parted, tmp_path: Path, key: str
) -> None:
    taken_first = 0
    for step in range(1, 100):
        ended = _killed(parted, step, key)
        assert ended in {0, 9}
        before = _given(parted, "keys", "take-in")
        taken_first += len(before)
        if ended == 0:
            break
        made = _exchanged(parted, key)
        assert before in ([], [made])
        assert _given(parted, "keys", "take-in") == ([] if before else [made])
        name = str(tmp_path / f"{step}.json")
        drawn = _given(parted, "keys", "record", key, "-o", name)
        assert (drawn["number"], drawn["digest"]) == (made["number"], made["digest"])
    assert 3 < taken_first < step
    life = _given(parted, "audit", "ask", "life", key)
    cards = [each["card"] for each in life if each["action"] == "key_rotate"]
    assert len(set(cards)) == len(cards)


def test_a_taking_in_that_was_cut_short_left_nothing_and_is_typed_again(parted: Parted) -> None:
    before, made = _card(parted), _exchanged(parted)
    typed = ("--data", str(parted.data), "keys", "take-in")
    assert _dying(rotating_apart, "enter_versions", 1, lambda: run(*typed)) == 9
    assert _card(parted) == before
    assert made["fingerprint"] not in _rotations(parted, BUREAU)
    assert _given(parted, "keys", "take-in") == [made]
    assert made["fingerprint"] in _rotations(parted, BUREAU)


def test_two_takings_in_at_once_enter_a_rotation_once(
    parted: Parted, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, look = _exchanged(parted), untold

    def another_comes_between(*given: Any) -> Any:
        found = look(*given)
        monkeypatch.setattr(rotating_apart, "untold", look)
        assert _given(parted, "keys", "take-in") == [made]
        return found

    monkeypatch.setattr(rotating_apart, "untold", another_comes_between)
    late = run("--data", str(parted.data), "keys", "take-in")
    assert late.returncode == 1
    assert "(ROTATION_TAKEN_IN)" in late.stderr
    life = _given(parted, "audit", "ask", "life", BUREAU)
    done = [each for each in life if each.get("card") == made["fingerprint"]]
    assert [each["action"] for each in done] == ["key_rotate"]
    assert _given(parted, "keys", "take-in") == []
