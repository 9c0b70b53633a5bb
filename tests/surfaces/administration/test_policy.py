"""`cipher-service policy`: shown, proved, compared; no data folder anywhere."""

import json
from pathlib import Path

import pytest

from tests.surfaces.administration.running import run


@pytest.fixture(scope="module")
def shipped() -> str:
    ended = run("policy", "show")
    assert ended.returncode == 0
    return ended.stdout


def _without(text: str, policy: str) -> str:
    start = text.index(f'@id("{policy}")')
    return text[:start] + text[text.index("//", start) :]


def test_what_is_shown_is_proved(shipped: str, tmp_path: Path) -> None:
    file = tmp_path / "p.cedar"
    file.write_text(shipped, "utf-8")
    ended = run("policy", "check", "--policies", str(file))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Prouvé" in ended.stdout
    assert run("policy", "diff", "--policies", str(file)).returncode == 0


def test_a_hole_is_shown_with_a_case_in_words(shipped: str, tmp_path: Path) -> None:
    file = tmp_path / "p.cedar"
    file.write_text(_without(shipped, "duties-three-persons"), "utf-8")
    ended = run("policy", "check", "--policies", str(file), language="en")
    assert ended.returncode == 1
    assert "key-export: a ceremony of keys has three different persons" in ended.stdout
    assert "functions : CUSTODIAN-" in ended.stdout
    assert "(POLICIES_BROKEN)" in ended.stderr
    written = run("policy", "check", "--policies", str(file), "--json").stdout
    told, _end = json.JSONDecoder().raw_decode(written)  # the refusal follows, as everywhere
    assert {finding["kind"] for finding in told["findings"]} == {"broken"}
    ended = run("policy", "diff", "--policies", str(file))
    assert ended.returncode == 1
    assert "(POLICIES_WIDER)" in ended.stderr


def test_what_cannot_be_read_or_proved_is_another_status(shipped: str, tmp_path: Path) -> None:
    file = tmp_path / "p.cedar"
    texts = (b"permit (", b"\xff", shipped.replace("> principal.clearance", "> 1 + 1").encode())
    for text in texts:
        file.write_bytes(text)
        ended = run("policy", "check", "--policies", str(file))
        assert ended.returncode == 2
        assert "(POLICIES_UNPARSABLE)" in ended.stderr
    assert run("policy", "check", "--policies", str(tmp_path / "none")).returncode == 3


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "Secrétaire Général"), ("en", "Secretary-General")]
)
def test_the_matrix_is_printed_in_both_languages(language: str, said: str) -> None:
    assert said in run("policy", "matrix", language=language).stdout
    cells = json.loads(run("policy", "matrix", "--json").stdout)
    assert {"action": "audit-read", "function": "AUDITOR", "ways": [["all"]], "persons": 1} in cells
