"""`cipher-service approve`: an act on the custodian's roll, shown and signed at the terminal."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cipher_service.administration.founding import found_installation, planned
from cipher_service.settings import Settings
from tests.support.officers import revocation
from tests.support.officers_on_file import found_officers
from tests.surfaces.administration.running import Ended, run

SECURITY, CLERK = "OFF-000001", "OFF-000004"


@dataclass(frozen=True)
class House:
    """A ministry whose custodian runs and has two officers with software keys in files."""

    settings: Settings
    keys: dict[str, Path]

    def approve(self, act: Path, officer: str, *more: str) -> Ended:
        typed = ("approve", str(act), "--officer", officer)
        key = ("--software-key", str(self.keys[officer]))
        return run("--data", str(self.settings.data), *typed, *key, *more, language="en")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    settings = planned(
        folder / "data", host="127.0.0.1", port=8471, workers=1, issuer="http://127.0.0.1:8471"
    )
    found_installation(settings)
    functions = {SECURITY: "SECURITY-OFFICER", CLERK: "CIPHER-CLERK"}
    keys = found_officers(settings, functions, folder)
    command = [sys.executable, "-m", "keys.custody.worker", "--store"]
    command += [str(settings.custodian_store), "--credential", str(settings.custodian_credential)]
    command += ["--socket", settings.custodian.removeprefix("worker:")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline().startswith("READY")
        yield House(settings, keys)
        worker.terminate()


def test_the_very_act_is_shown_signed_and_done_once(house: House, tmp_path: Path) -> None:
    act = revocation(CLERK, SECURITY)
    file = tmp_path / "act.json"
    file.write_bytes(act.encoded + b"\n")

    done = house.approve(file, SECURITY, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"state": "executed", "approved": [SECURITY], "version": 2}
    shown = done.stderr
    for member in (act.id, '"officer.revoke"', f'"officer/{CLERK}"', "Relève"):
        assert member in shown
    assert act.digest.hex() in shown.replace(" ", "")
    again = house.approve(file, SECURITY)
    assert "(ACT_EXECUTED)" in again.stderr


def test_what_is_no_act_and_who_is_nobody_are_refused_by_name(house: House, tmp_path: Path) -> None:
    file = tmp_path / "act.json"
    file.write_bytes(replace(revocation(CLERK, SECURITY), reason="Autre").encoded[:-9])
    assert "(ACT_MALFORMED)" in house.approve(file, SECURITY).stderr
    file.write_bytes(revocation(CLERK, SECURITY).encoded)
    nobody = run(
        *("--data", str(house.settings.data), "approve", str(file), "--officer", "OFF-999999")
    )
    assert "(OFFICER_NOT_ON_ROLL)" in nobody.stderr


def test_production_takes_no_key_in_software(house: House, tmp_path: Path) -> None:
    file = tmp_path / "act.json"
    file.write_bytes(revocation(CLERK, SECURITY).encoded)
    settings = house.settings.data / "service.toml"
    before = settings.read_text("utf-8")
    settings.write_text(before + "production = true\n", "utf-8")
    try:
        assert "(SOFTWARE_KEY_REFUSED)" in house.approve(file, SECURITY).stderr
    finally:
        settings.write_text(before, "utf-8")
