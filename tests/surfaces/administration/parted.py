"""A service and its custodian, each in a folder that the other does not have."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cipher_service.administration.stage import chiffre
from tests.surfaces.administration.running import run

NAMES = ("GARDE-A", "GARDE-B", "GARDE-C")


@dataclass(frozen=True)
class Parted:
    """A service and its custodian, each in a folder that the other does not have."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "service"

    @property
    def store(self) -> Path:
        return self.folder / "cipher-custodian" / "store"

    @property
    def credential(self) -> Path:
        return self.folder / "credstore" / "custodian"

    @property
    def socket(self) -> Path:
        return self.folder / "custodian.sock"

    @property
    def opening(self) -> list[str]:
        words = []
        for name in NAMES[:2]:
            [share] = self.data.glob(f"backup-shares-*/{name}.share")
            words += ["--share", str(share), "--identity", str(self.folder / name)]
        return words

    def admit(self, key: Path) -> "subprocess.CompletedProcess[str]":
        return custody_module("admitting", "--store", str(self.store), "--key", str(key))

    def make(self) -> Any:
        typed = ("backup", "make", "--out", str(self.folder / "backups"), "--json")
        ended = run("--data", str(self.data), *typed)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def restored(self, backup: str, name: str, language: str = "en") -> Any:
        restore = ("--data", str(self.folder / name), "restore", backup, *self.opening)
        return run(*restore, language=language)


@contextmanager
def parted_at(folder: Path) -> Iterator[Parted]:
    """Found both apart, the custodian running, with a key of backups that it has not admitted."""
    on = Parted(folder)
    place = ("--store", str(on.store), "--credential", str(on.credential))
    founded = custody_module("founding", *place, "--post", "MINREX")
    assert founded.returncode == 0, founded.stderr
    with serving(on.store, on.credential, on.socket):
        init = ("init", "--issuer", "https://chiffre.example.cm")
        made = run("--data", str(on.data), *init, "--custodian", f"worker:{on.socket}")
        assert made.returncode == 0, made.stderr
        cards = []
        for name in NAMES:
            new = ("identity", "new", "--post", name, "--out", str(on.folder / name))
            chiffre("en", *new, "--no-passphrase")
            cards += ["--holder", str(on.folder / name / f"{name}.card")]
        key = run("--data", str(on.data), "backup", "key", "--threshold", "2", *cards)
        assert key.returncode == 0, key.stderr
        yield on


@contextmanager
def serving(store: Path, credential: Path, socket: Path) -> Iterator[None]:
    """A custodian's process."""
    place = ("--store", str(store), "--credential", str(credential), "--socket", str(socket))
    command = [sys.executable, "-m", "keys.custody.worker", *place]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline().startswith("READY")
            yield
        finally:
            worker.terminate()


def custody_module(module: str, *typed: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", f"keys.custody.{module}", *typed]
    return subprocess.run(command, capture_output=True, text=True, check=False)
