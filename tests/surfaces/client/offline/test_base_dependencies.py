"""A post installs no server: `chiffre` works with the base dependencies, offline with fewer."""

import json
import re
import subprocess
import sys
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

from tests.surfaces.client.offline.posts import ROOT, Post, chiffre, environment

SERVER = ("fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "sqlcipher3", "jose")
ONLINE = ("pydantic", "pydantic_core", "httpx", "httpcore", "anyio", "cbor2")
_REQUIRED = re.compile(r"([A-Za-z0-9._-]+)[^;]*(?:;\s*(.*))?")

# Prints what a command had imported when it ended, on a line of its own.
CONFESS = """
import sys
from cipher_service.client.__main__ import main
status = main(sys.argv[1:])
import json
print("\\n" + json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
sys.exit(status)
"""


def _needed(name: str, found: dict[str, Distribution]) -> dict[str, Distribution]:
    """Collect a distribution and what it needs without any extra."""
    here = distribution(name)
    key = here.metadata["Name"].lower()
    if key in found:
        return found
    found[key] = here
    for requirement in here.requires or []:
        match = _REQUIRED.fullmatch(requirement)
        assert match is not None
        required, marker = match[1], match[2] or ""
        if not re.search(r"extra|python_version <|sys_platform|platform_python", marker):
            _needed(required, found)
    return found


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that sees this repository and its base dependencies, nothing else."""
    home = tmp_path_factory.mktemp("clean")
    site = home / "site"
    site.mkdir()
    needed = _needed("cipher-service", {})
    _needed("cffi", needed)  # cryptography and PyNaCl name it behind a marker
    for dist in needed.values():
        for top in {file.parts[0] for file in dist.files or [] if file.parts[0] != ".."}:
            place = Path(str(dist.locate_file(top)))
            if place.suffix != ".pth" and not (site / top).exists():
                (site / top).symlink_to(place)
    venv.create(home / "venv", symlinks=True, with_pip=False)
    (packages,) = (home / "venv" / "lib").glob("python*/site-packages")
    (packages / "base.pth").write_text(f"{site}\n{ROOT}\n")
    return home / "venv" / "bin" / "python"


def run(python: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run that Python."""
    return subprocess.run(
        [python, *map(str, arguments)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_clean_environment_has_no_server(clean: Path) -> None:
    for package in SERVER:
        assert run(clean, "-c", f"import {package}").returncode != 0, package
    for package in ("cryptography", "nacl", "cbor2", "httpx", "pydantic"):
        done = run(clean, "-c", f"import {package}")
        assert done.returncode == 0, done.stderr


def test_two_posts_exchange_a_dispatch_there(clean: Path, tmp_path: Path) -> None:
    program = (str(clean), "-m", "cipher_service.client")
    for code in ("LOME", "PARIS"):
        made = chiffre(
            *("identity", "new", "--post", code, "--out", tmp_path / code, "--no-passphrase"),
            program=program,
        )
        assert made.status == 0, made.err
    lome, paris = Post("LOME", tmp_path / "LOME"), Post("PARIS", tmp_path / "PARIS")
    sent = chiffre(
        *("encipher", "--identity", lome.identity, "--to", paris.card, "--level", "SECRET"),
        *("--attach", paris.card, "-o", tmp_path / "d.age", "-"),
        stdin=b"Bonjour.",
        program=program,
    )
    read = chiffre(
        *("decipher", "--identity", paris.identity, "--from", lome.card),
        *("-o", tmp_path / "out", tmp_path / "d.age"),
        program=program,
    )
    assert (sent.status, read.status) == (0, 0), sent.err + read.err
    assert (tmp_path / "out" / "message.txt").read_bytes() == b"Bonjour."
    for typed in (("--version",), ("--help",), ("send", "--help"), ("inbox", "--help")):
        assert chiffre(*typed, program=program).status == 0


@pytest.mark.parametrize("python", ["clean", "complete"])
def test_offline_commands_import_nothing_for_the_network(
    lome: Post, paris: Post, tmp_path: Path, clean: Path, python: str
) -> None:
    (tmp_path / "text").write_text("Bonjour.")
    interpreter = clean if python == "clean" else Path(sys.executable)
    commands: tuple[tuple[object, ...], ...] = (
        ("--help",),
        ("identity", "new", "--post", "ROME", "--out", tmp_path / "rome", "--no-passphrase"),
        ("identity", "export-age", "--identity", paris.identity, "--yes"),
        ("card", "show", paris.card),
        (
            *("encipher", "--identity", lome.identity, "--to", paris.card, "--level", "SECRET"),
            *("--subject", "x", "-o", tmp_path / "d.age", tmp_path / "text"),
        ),
        ("inspect", tmp_path / "d.age"),
        (
            *("decipher", "--identity", paris.identity, "--from", lome.card),
            *("-o", tmp_path / "out", tmp_path / "d.age"),
        ),
        ("decipher", "--identity", paris.identity, "--json"),
        ("series", "--identity", lome.identity),
    )
    for command in commands:
        done = run(interpreter, "-c", CONFESS, *command)
        imported = set(json.loads(done.stdout.splitlines()[-1]))
        assert "cipher_service" in imported
        assert not imported & {*SERVER, *ONLINE}, command
