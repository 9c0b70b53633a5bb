"""`cipher-service` as somebody types it: its two streams and its status."""

import json
import subprocess
from typing import Any

from cipher_service.administration.command import main
from cipher_service.administration.stage import Stage
from tests.support.commands import run_here

Ended = subprocess.CompletedProcess[str]


def run(*typed: str, language: str = "fr") -> Ended:
    """Run one command to its end; no end of any command is a traceback."""
    ended = run_here(main, ["--lang", language, *typed])
    out, err = ended.stdout.decode(), ended.stderr.decode()
    assert "Traceback" not in err, err
    return Ended(typed, ended.returncode, out, err)


def done(on: Stage, *typed: str, language: str = "fr") -> str:
    """Run a command on a ministry, which does what is asked; return its result."""
    ended = run("--data", str(on.settings.data), *typed, language=language)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def given(on: Stage, *typed: str) -> Any:
    """Return the JSON that a command gives."""
    return json.loads(done(on, *typed, "--json"))


def refused(on: Stage, code: str, *typed: str, status: int = 1) -> str:
    """Run a command that is refused by name; return what was said."""
    ended = run("--data", str(on.settings.data), *typed)
    assert ended.returncode == status, ended.stdout + ended.stderr
    assert f"({code})" in ended.stderr
    return ended.stderr
