"""`cipher-service components`: what is installed here, held against advisories from a stick."""

import json
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from cipher_service import clock
from cipher_service.administration import components
from cipher_service.administration.time_frames import frames
from tests.support.advisories import ECDSA, filler, record, whole, zipped
from tests.surfaces.administration.running import Ended, run

TODAY = "2026-11-27T12:00:00Z"
FRESH = "2026-11-20T08:00:00Z"


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    _is(monkeypatch, TODAY)


def _is(monkeypatch: pytest.MonkeyPatch, instant: str) -> None:
    now = clock.parse(instant)
    monkeypatch.setattr(clock, "now", lambda: now)


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return whole(tmp_path_factory.mktemp("stick"), FRESH, ECDSA)


def _components(*paths: Path, more: tuple[str, ...] = (), language: str = "fr") -> Ended:
    given = [word for path in paths for word in ("--advisories", str(path))]
    return run("components", *given, *more, language=language)


def _facts(*paths: Path, more: tuple[str, ...] = ()) -> dict[str, Any]:
    said = _components(*paths, more=(*more, "--json")).stdout
    told, _end = json.JSONDecoder().raw_decode(said)  # a refusal may follow, as everywhere
    assert isinstance(told, dict)
    return told


def test_the_parts_here_are_those_that_are_installed_and_built_in() -> None:
    installed = {part.name: part.version for part in components.installed()}
    for name in ("cryptography", "python-jose", "ecdsa", "sqlcipher3", "typing-extensions"):
        assert installed[name] == version(name)
    assert "cipher-service" not in installed
    assert {part.ecosystem for part in components.installed()} == {"PyPI"}
    built = {(part.ecosystem, part.name) for part in components.built_in()}
    assert {("npm", "age-encryption"), ("npm", "@noble/post-quantum"), ("npm", "qr")} <= built
    assert ("npm", "esbuild") not in built


def test_a_month_in_which_nothing_is_late(brought: tuple[Path, Path]) -> None:
    ended = _components(*brought)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "npm : 11 composants, 5000 avis, le plus récent du 2026-11-20." in ended.stdout
    assert "ecdsa 0.19.2 : CVE-2024-23342, GHSA-wj6h-64fc-37mp, gravité haute" in ended.stdout
    assert "exception de cipher-service jusqu'au 2027-05-22 : Jamais chargé" in ended.stdout
    english = _components(*brought, language="en").stdout
    assert "exception by cipher-service until 2027-05-22: Never loaded" in english
    told = _facts(*brought)
    assert told["complete"] is True
    [found] = told["findings"]
    assert (found["state"], found["until"], found["fixed"]) == ("waived", "2024-02-21", None)
    assert told["advisories"]["PyPI"] == {"records": 5001, "newest": FRESH}


def test_what_is_late_is_told_with_another_status(tmp_path: Path) -> None:
    late = record("X-1", "cryptography", {"introduced": "0"}, {"fixed": "999"},
                  published="2026-10-01T00:00:00Z",
                  database_specific={"severity": "HIGH"})  # fmt: skip
    soon = record("X-2", "qr", {"introduced": "0"}, ecosystem="npm",
                  published="2026-11-25T00:00:00Z", aliases=["CVE-2"])  # fmt: skip
    past = record("X-3", "cryptography", {"introduced": "0"}, {"fixed": "1"})
    file = zipped(tmp_path / "some.zip", [late, soon, past])
    ended = _components(file, language="en")
    assert ended.returncode == 1
    assert "(COMPONENTS_OVERDUE)" in ended.stderr
    assert ended.stdout.index("X-1") < ended.stdout.index("X-2")
    assert "OVERDUE since 2026-10-31\n  fixed by version 999" in ended.stdout
    assert "severity unknown (held to be critical), published on 2026-11-25" in ended.stdout
    assert "X-3" not in ended.stdout
    told = {tuple(each["advisories"]): each for each in _facts(file)["findings"]}
    assert told["X-1",]["state"] == "overdue"
    assert told["CVE-2", "X-2"] | {"state": "due", "until": "2026-12-02"} == told["CVE-2", "X-2"]


def test_what_cannot_be_held_against_a_version_is_told(tmp_path: Path) -> None:
    odd = record("X-1", "pillow", {"introduced": "0"}, {"fixed": "next-tuesday"})
    file = tmp_path / "x.json"
    file.write_text(json.dumps(odd), "utf-8")
    ended = _components(file)
    assert ended.returncode == 0
    assert "à corriger au plus tard le 2026-11-27" in ended.stdout
    assert "l'avis ne dit pas lisiblement quelles versions sont touchées" in ended.stdout


def test_one_advisory_is_judged_and_is_no_monthly_check(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps(record("X-1", "nobody-uses-this")), "utf-8")
    ended = _components(file)
    assert ended.returncode == 0
    assert "Aucune faiblesse connue." in ended.stdout
    assert "ce n'est pas le contrôle mensuel" in ended.stderr
    assert _facts(file)["complete"] is False


def test_old_or_partial_advisories_are_no_check(
    tmp_path: Path, brought: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = _components(brought[0])
    assert ended.returncode == 1
    assert "(ADVISORIES_LACKING)" in ended.stderr
    assert "0 avis de npm" in ended.stderr
    cut = zipped(tmp_path / "cut.zip", list(filler("PyPI", FRESH))[1:])
    assert "4999 avis de PyPI" in _components(cut, brought[1]).stderr
    _is(monkeypatch, "2026-12-20T23:59:59Z")
    assert _components(*brought).returncode == 0
    _is(monkeypatch, "2026-12-21T00:00:00Z")
    ended = _components(*brought)
    assert ended.returncode == 1
    assert "(ADVISORIES_OLD)" in ended.stderr


def test_parts_that_were_left_as_they_are_for_too_long_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = whole(tmp_path, "2027-02-20T00:00:00Z")
    _is(monkeypatch, "2027-02-20T12:00:00Z")
    assert _components(*brought).returncode == 0
    _is(monkeypatch, "2027-02-21T12:00:00Z")
    ended = _components(*brought)
    assert ended.returncode == 1
    assert "(PARTS_OLD)" in ended.stderr


DECIDED = """
[[exception]]
advisory = "CVE-9"
component = "cryptography"
until = 2026-11-30
reason = "Sans objet : cette partie n'est pas appelée."
by = "OFF-000002"

[[exploited]]
advisory = "X-2"
since = 2026-11-20
"""


def test_a_ministrys_decisions_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weak = record("X-1", "cryptography", aliases=["CVE-9"], published="2026-01-01T00:00:00Z")
    used = record("X-2", "pillow", database_specific={"severity": "LOW"})
    file = zipped(tmp_path / "some.zip", [weak])
    decided = tmp_path / "decisions.toml"
    decided.write_text(DECIDED, "utf-8")
    more = ("--decisions", str(decided))
    assert "(COMPONENTS_OVERDUE)" in _components(file).stderr
    ended = _components(file, more=more)
    assert "(ADVISORIES_LACKING)" in ended.stderr
    assert "exception de OFF-000002 jusqu'au 2026-11-30 : Sans objet" in ended.stdout
    both = zipped(tmp_path / "both.zip", [weak, used])
    assert "(COMPONENTS_OVERDUE)" in _components(both, more=more).stderr
    _is(monkeypatch, "2026-12-01T00:00:00Z")
    ended = _components(file, more=more)
    assert "(COMPONENTS_OVERDUE)" in ended.stderr
    assert "une exception de OFF-000002 a pris fin le 2026-11-30" in ended.stdout


def test_what_is_not_advisories_or_decisions_is_another_status(tmp_path: Path) -> None:
    file, decided = tmp_path / "x", tmp_path / "decisions.toml"
    for data in (b"", b"PK\x03\x04", b"{}", b"\xff", b"[" * 100_000):
        file.write_bytes(data)
        ended = _components(file)
        assert ended.returncode == 2
        assert "(ADVISORIES_UNREADABLE)" in ended.stderr
    assert _components(tmp_path / "none").returncode == 3
    decided.write_text("[[exception]]", "utf-8")
    ended = _components(file, more=("--decisions", str(decided)))
    assert ended.returncode == 2
    assert "(DECISIONS_UNREADABLE)" in ended.stderr
    assert run("components").returncode == 2


def test_an_older_build_of_the_console_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(components, "files", lambda _package: tmp_path)
    ended = _components(tmp_path / "x")
    assert ended.returncode == 1
    assert "(ASSETS_UNLISTED)" in ended.stderr


def test_the_dates_that_are_shipped_are_days_that_have_been() -> None:
    now = datetime.now(UTC).date()
    assert frames().raised <= now
