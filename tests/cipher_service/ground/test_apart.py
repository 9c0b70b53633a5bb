"""What runs in a process of its own: it answers, fails or is ended, and is bounded."""

import subprocess
import sys
from pathlib import Path

import pytest

from cipher_service.apart import asked_apart
from cipher_service.pouches import redrawing

BOUNDED = """
import os, resource, sys
from cipher_service.apart import answer_apart
what = sys.argv[1]
def answer(data):
    if what == "memory":
        return bytes(64 << 20) and data
    if what == "file":
        os.write(os.open("kept", os.O_CREAT | os.O_WRONLY), data)
    while what == "time":
        pass
    return data
answer_apart(answer, memory=256 << 20 if what != "memory" else 40 << 20, cpu_seconds=1)
"""


@pytest.mark.parametrize("beyond", ["", "memory", "file", "time"])
def test_it_keeps_within_its_bounds(beyond: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", BOUNDED, beyond]
    done = subprocess.run(
        command, input=b"asked", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=tmp_path,
        check=False,
    )  # fmt: skip
    assert (done.returncode == 0) is not bool(beyond)
    assert done.stdout == (b"" if beyond else b"asked")


def test_one_that_fails_has_no_answer_and_one_that_waits_is_ended() -> None:
    assert asked_apart(redrawing.__name__, b"no photograph", seconds=20.0) is None
    assert asked_apart("cipher_service.no_such_module", b"", seconds=20.0) is None
    with pytest.raises(TimeoutError):
        asked_apart(redrawing.__name__, b"", seconds=0.001)
