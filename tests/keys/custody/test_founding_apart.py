"""A custodian founded apart from the service: once, whole, and killed at every step."""

import os
import runpy
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from keys.custody import founding, read_credential
from keys.custody.founding import main
from keys.custody.store import open_store
from tests.support.dying import die_at


@pytest.fixture
def place(tmp_path: Path) -> list[str]:
    folder = tmp_path / "etc"
    store, credential = folder / "custody", folder / "credential" / "wrapping"
    return ["--store", str(store), "--credential", str(credential), "--post", "MINREX"]


def _fingerprint(place: list[str]) -> str:
    store, credential = Path(place[1]), Path(place[3])
    return open_store(store, read_credential(credential)).card().fingerprint


def test_it_prints_the_fingerprint_that_the_service_will_show(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(place) == 0
    assert capsys.readouterr().out == f"{_fingerprint(place)}\n"

    assert main(place) == 3
    said = capsys.readouterr()
    assert (said.out, "is not empty" in said.err) == ("", True)


@pytest.mark.parametrize("wrong", [["--post", "minrex"], ["--days", "0"], ["--days", "-1"]])
def test_a_card_that_cannot_be_is_refused_and_nothing_is_left(
    place: list[str], wrong: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*place, *wrong]) == 1
    assert capsys.readouterr().err.startswith("CARD_INVALID: ")
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with patch.object(sys, "argv", ["founding", "--help"]), pytest.raises(SystemExit) as end:
        runpy.run_path(founding.__file__, run_name="__main__")
    assert end.value.code == 0
    assert "--store" in capsys.readouterr().out


def _every_kill(folder: Path, place: list[str]) -> Iterator[int]:
    """After each kill of a founding what it left; gone before the next one."""
    step = 0
    while True:
        step += 1
        child = os.fork()
        if child == 0:
            try:
                die_at(folder, step)
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                os._exit(main(place))
            finally:
                os._exit(4)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert ended in {0, 9}
        yield step
        if ended == 0:
            return
        shutil.rmtree(folder, ignore_errors=True)


def test_killed_anywhere_it_is_founded_whole_by_doing_it_again(
    place: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = set()
    for step in _every_kill(tmp_path / "etc", place):
        store = Path(place[1])
        whole = store.is_dir()  # or not there: what a kill left half-made is in nobody's way
        done.add(whole)
        if not whole:
            assert main(place) == 0
            assert capsys.readouterr().out == f"{_fingerprint(place)}\n"
        assert len(_fingerprint(place)) == 64
        assert step < 100
    assert done == {False, True}
