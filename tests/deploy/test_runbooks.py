"""The runbooks: every command on every page is run, in order, on a ministry that runs."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cipher_service.administration.stage import Stage, stage
from keys.statements import key_fingerprint

PAGES = sorted((Path(__file__).resolve().parents[2] / "deploy" / "runbooks").glob("*.md"))
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BIN = Path(sys.executable).parent
# `jq` as the pages use it, where it is not installed.
JQ = '#!{python}\nimport json, sys\nprint(json.load(sys.stdin)[sys.argv[2].lstrip(".")])\n'


@pytest.fixture
def ministry(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path / "data", "en", 1) as on:
        on.introduce({post: on.enrol(post) for post in ("PARIS", "LOME")})
        yield on


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page: Path, ministry: Stage, tmp_path: Path) -> None:
    blocks = BLOCK.findall(page.read_text("utf-8"))
    folder = tmp_path / "desk"
    folder.mkdir()
    shutil.copytree(ministry.identity("PARIS"), folder / "paris-old")
    _jq(folder / "bin")
    done = subprocess.run(
        # A command after `!` does not end a script that fails: each block says so itself.
        ["bash", "-euo", "pipefail", "-c", "\n".join(map(_strictly, blocks))],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={
            **os.environ,
            "PATH": os.pathsep.join((str(BIN), str(folder / "bin"), os.environ["PATH"])),
            "LC_ALL": "C.UTF-8",
            "CIPHER_SERVICE_DATA": str(ministry.settings.data),
            "SERVER": ministry.settings.issuer,
            "SERVICE_FINGERPRINT": key_fingerprint(ministry.founding.service_key),
            "CARD_FINGERPRINT": ministry.founding.card.fingerprint,
        },
    )

    assert blocks
    assert done.returncode == 0, done.stdout + done.stderr


def _strictly(block: str) -> str:
    refused = re.sub(r"^! ((?:.*\\\n)*.*)$", r"if \1; then exit 42; fi", block, flags=re.MULTILINE)
    assert refused.count("exit 42") == sum(line.startswith("! ") for line in block.splitlines())
    return refused


def _jq(folder: Path) -> None:
    folder.mkdir()
    program = folder / "jq"
    program.write_text(JQ.format(python=sys.executable), "utf-8")
    program.chmod(0o755)
