"""The runbooks: every command on every page is run, in order, on a ministry that runs."""

import json
import os
import re
import shutil
import subprocess
import sys
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

from cipher_service.administration.stage import Stage, stage
from keys.custody.ceremony_words import phrase
from keys.passkeys import RelyingParty
from keys.statements import key_fingerprint
from tests.support.authenticator import MODEL, Maker, SecurityKey
from tests.support.softhsm import APT_LINE, LIBRARY, UTILITY

RUNBOOKS = Path(__file__).resolve().parents[2] / "deploy" / "runbooks"
PAGES_OF = {page.stem: page for page in sorted(RUNBOOKS.glob("*.md"))}
# The first is of a ministry whose custodian serves from a folder of its own: test_service_lost.py
# follows it. The other needs a day of its own, and no ministry: test_components.py beside it.
APART = {"service-lost", "components"}
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATIENCE = 240.0
FINGERPRINT = phrase("fingerprint", "en", fingerprint="")
BIN = Path(sys.executable).parent
# `jq` as the pages use it, where it is not installed.
JQ = '#!{python}\nimport json, sys\nprint(json.load(sys.stdin)[sys.argv[2].lstrip(".")])\n'


@pytest.fixture
def ministry(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path / "data", "en", 1) as on:
        on.introduce({post: on.enrol(post) for post in ("PARIS", "LOME")})
        yield on


@pytest.mark.parametrize("name", sorted(PAGES_OF.keys() - APART))
def test_a_page_does_what_it_says(name: str, ministry: Stage, tmp_path: Path) -> None:
    blocks = BLOCK.findall(PAGES_OF[name].read_text("utf-8"))
    folder = tmp_path / "desk"
    folder.mkdir()
    shutil.copytree(ministry.identity("PARIS"), folder / "paris-old")
    _jq(folder / "bin")
    maker = Maker()
    (folder / "authenticators").mkdir()
    (folder / "authenticators" / "maker.pem").write_bytes(maker.root)
    (folder / "authenticators" / "models").write_text(MODEL, "utf-8")
    # A command after `!` does not end a script that fails: each block says so itself.
    script = "\n".join(map(strictly, blocks))
    module = _module(tmp_path) if "HSM_MODULE" in script else {}
    with subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "PATH": os.pathsep.join((str(BIN), str(folder / "bin"), os.environ["PATH"])),
            "LC_ALL": "C.UTF-8",
            "CIPHER_SERVICE_DATA": str(ministry.settings.data),
            "SERVER": ministry.settings.issuer,
            "SERVICE_FINGERPRINT": key_fingerprint(ministry.founding.service_key),
            "CARD_FINGERPRINT": ministry.founding.card.fingerprint,
            **module,
        },
    ) as desk:
        watch = Timer(PATIENCE, desk.kill)
        watch.start()
        said = _attended(desk, maker)
        watch.cancel()

    assert blocks
    assert desk.returncode == 0, said


def _attended(desk: "subprocess.Popen[str]", maker: Maker) -> str:
    """Do what the persons at the desk do: touch a security key, read a fingerprint back."""
    assert desk.stdin is not None
    assert desk.stdout is not None
    said, fingerprint, party = "", "", RelyingParty("localhost", ("https://localhost:8472",))
    for line in desk.stdout:
        said += line
        answer = ""
        if line.startswith("{") and '"challenge"' in line:
            challenge = urlsafe_b64decode(json.loads(line)["challenge"] + "==")
            answer = SecurityKey(maker).create(challenge, party).decode()
        elif line.startswith(FINGERPRINT):
            fingerprint = line.removeprefix(FINGERPRINT).strip()
        elif line.strip() == phrase("read_out", "en"):
            answer = fingerprint
        if answer:
            desk.stdin.write(answer + "\n")
            desk.stdin.flush()
    return said


def _module(folder: Path) -> dict[str, str]:
    """A hardware security module with the token `old`, and where it is."""
    if LIBRARY is None or UTILITY is None:
        message = f"the module of this page is SoftHSM2: {APT_LINE}"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\n", "utf-8")
    place = {"SOFTHSM2_CONF": str(settings), "HSM_MODULE": str(LIBRARY)}
    made = [str(UTILITY), "--init-token", "--free", "--label", "old", "--pin", "4711"]
    made += ["--so-pin", "0815"]
    subprocess.run(made, check=True, capture_output=True, env={**os.environ, **place})
    return place


def strictly(block: str) -> str:
    refused = re.sub(r"^! ((?:.*\\\n)*.*)$", r"if \1; then exit 42; fi", block, flags=re.MULTILINE)
    assert refused.count("exit 42") == sum(line.startswith("! ") for line in block.splitlines())
    return refused


def _jq(folder: Path) -> None:
    folder.mkdir()
    program = folder / "jq"
    program.write_text(JQ.format(python=sys.executable), "utf-8")
    program.chmod(0o755)
