"""`cipher-service approve`: an act on the custodian's roll, shown and signed at the terminal."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.officers import revocation
from tests.surfaces.administration.house import House, house_of
from tests.surfaces.administration.running import run

SECURITY, CLERK = "OFF-000001", "OFF-000004"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    functions = {SECURITY: "SECURITY-OFFICER", CLERK: "CIPHER-CLERK"}
    with house_of(tmp_path_factory.mktemp("house"), functions) as house:
        yield house


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
