"""A ministry without posts: its custodian runs, and its officers have software keys in files."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cipher_service.administration.founding import found_installation, planned
from cipher_service.settings import Settings
from tests.support.officers_on_file import found_officers
from tests.surfaces.administration.running import Ended, run


@dataclass(frozen=True)
class House:
    settings: Settings
    keys: dict[str, Path]

    def run(self, *typed: str) -> Ended:
        return run("--data", str(self.settings.data), *typed, language="en")

    def approve(self, act: Path, officer: str, *more: str) -> Ended:
        key = ("--software-key", str(self.keys[officer]))
        return self.run("approve", str(act), "--officer", officer, *key, *more)


@contextmanager
def house_of(folder: Path, functions: Mapping[str, str]) -> Iterator[House]:
    settings = planned(
        folder / "data", host="127.0.0.1", port=8471, workers=1, issuer="http://127.0.0.1:8471"
    )
    found_installation(settings)
    keys = found_officers(settings, functions, folder)
    with custodian_working(settings):
        yield House(settings, keys)


@contextmanager
def custodian_working(settings: Settings) -> Iterator[None]:
    """Let the custodian of an installation answer."""
    command = [sys.executable, "-m", "keys.custody.worker", "--store"]
    command += [str(settings.custodian_store), "--credential", str(settings.custodian_credential)]
    command += ["--socket", settings.custodian.removeprefix("worker:")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline().startswith("READY")
        yield
        worker.terminate()
