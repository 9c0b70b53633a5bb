"""The founding prints the link by which the first person enters the console, usable once."""

from pathlib import Path

import pytest

from cipher_service.errors import ServiceError
from cipher_service.settings import Settings
from keys.software_key import SoftwareMaker
from tests.support.command_keys import accept, enrol
from tests.surfaces.administration.running import Ended, run

NAMED = ("--officer", "A. Mballa")
DATES = ("--grade-since", "2015-01-01", "--service-since", "2001-09-01")
CONSOLE = ("--console-port", "8471")


def init(folder: Path, *typed: str) -> Ended:
    return run("--data", str(folder / "data"), "init", *typed, language="en")


def test_the_first_link_is_printed_at_the_founding_and_serves_once(tmp_path: Path) -> None:
    ended = init(tmp_path, *CONSOLE, *NAMED, "--grade", "mp", *DATES)
    assert ended.returncode == 0, ended.stderr
    assert "A. Mballa, OFF-000001" in ended.stdout
    [link] = [line for line in ended.stdout.splitlines() if "/inscription#" in line]
    place, _, secret = link.partition("#")
    assert place == "http://localhost:8471/inscription"
    settings, maker = Settings.load(tmp_path / "data"), SoftwareMaker()
    accept(settings, maker)
    enrol(settings, "OFF-000001", maker, tmp_path / "key", secret)
    with pytest.raises(ServiceError, match="LINK_UNKNOWN"):
        enrol(settings, "OFF-000001", maker, tmp_path / "key", secret)


@pytest.mark.parametrize(
    ("typed", "status", "code"),
    [
        ((*CONSOLE, *NAMED), 2, "FIRST_OFFICER_PARTIAL"),
        ((*CONSOLE, *NAMED, "--grade", "MP", *DATES[:2]), 2, "FIRST_OFFICER_PARTIAL"),
        ((*NAMED, "--grade", "MP", *DATES), 2, "PORT_MISSING"),
        ((*CONSOLE, *NAMED, "--grade", "XX", *DATES), 1, "UNKNOWN_GRADE"),
        ((*CONSOLE, "--officer", "", "--grade", "MP", *DATES), 1, "NAME_MALFORMED"),
        ((*CONSOLE, *NAMED, "--grade", "MP", *DATES[:3], "once"), 2, "DAY_MALFORMED"),
    ],
)
def test_whoever_is_not_said_right_founds_nothing(
    tmp_path: Path, typed: tuple[str, ...], status: int, code: str
) -> None:
    ended = init(tmp_path, *typed)
    assert (ended.returncode, f"({code})" in ended.stderr) == (status, True), ended.stderr
    assert not (tmp_path / "data").exists()
