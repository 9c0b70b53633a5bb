"""The README's commands work as they stand there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from cipher_service.administration.arguments import build_parser as administrator
from cipher_service.client.command_line import build_parser as post

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BIN = Path(sys.executable).parent


def _block(heading: str) -> str:
    section = README.split(f"## {heading}\n")[1]
    found = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def _run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(".venv/bin", str(BIN))],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )


def test_the_readme_opens_with_its_two_commands() -> None:
    first = re.search(r"```sh\n(.*?)```", README, re.DOTALL)
    assert first is not None
    commands = [line.split("#")[0].strip() for line in first[1].splitlines()]
    assert commands == ["make demo", "make test"]


def test_a_dispatch_by_hand_is_read(tmp_path: Path) -> None:
    ended = _run(_block("A dispatch by hand, without any server"), tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith("Le ministre arrive mardi.\n")


def test_a_bag_by_hand_is_sealed_judged_and_has_its_papers(tmp_path: Path) -> None:
    ended = _run(_block("A bag by hand, without any server"), tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "SEAL_GENUINE_BAG_UNCHECKED" in ended.stdout
    papers = ("sac/bordereau.pdf", "sac/label.pdf", "lettre/letter.pdf", "lettre/count.pdf")
    for path in (*papers, "rectificatif/rectification.pdf", "exercice/trainee/10/sheet.pdf"):
        assert (tmp_path / path).is_file(), path


def test_every_command_about_a_ministry_can_be_typed() -> None:
    section = README.split("## A ministry\n")[1].split("\n## ")[0]
    joined = "".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL)).replace("\\\n", " ")
    typed = [shlex.split(line, comments=True) for line in joined.splitlines()]
    programs = {"chiffre": post, "cipher-service": administrator}
    parsed = 0
    for words in typed:
        name = Path(words[0]).name
        if name in programs:
            programs[name]("en").parse_args([word for word in words[1:] if word != "&"])
            parsed += 1
    assert parsed == 21
