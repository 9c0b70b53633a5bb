"""Go's sumdb packages verify our logs and find the lies in them: `make verify-foreign`.

The packages come from the distribution, in GOPATH mode; nothing is downloaded. One run of the Go
program judges many folders.
"""

import os
import random
import subprocess
from pathlib import Path

import pytest

from cipher_service.audit.export import export
from cipher_service.audit.heads import sign_head
from cipher_service.audit.ledger import append, latest_note, size_and_origin
from cipher_service.audit.records import DONE, Event
from cipher_service.audit.signers import Signers
from cipher_service.storage.engine import open_engine
from cipher_service.storage.migrations import upgrade
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody import no_secret, open_custodian
from tests.support.tampering import LIES, honest, lie

GO = Path(__file__).parent / "sumdb" / "main.go"
POSITIONS = 1000 if os.environ.get("GATES") == "full" else 12
SIZE = 300


@pytest.fixture(scope="session")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("go")
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode",
        "GOCACHE": str(folder / "cache"),
    }
    binary = folder / "verify"
    subprocess.run(["go", "build", "-o", binary, GO], check=True, env=environment)
    return binary


def judged(verifier: Path, folders: list[Path]) -> list[str]:
    """What Go says of each folder, with its older checkpoint."""
    typed: list[str] = []
    for folder in folders:
        typed += ["--"] * bool(typed) + [str(folder), str(folder / "older")]
    ended = subprocess.run([verifier, *typed], capture_output=True, text=True, check=False)
    verdicts = [line.split()[0] for line in ended.stdout.splitlines()]
    assert len(verdicts) == len(folders), ended.stderr
    return verdicts


def test_go_verifies_honest_logs(verifier: Path, tmp_path: Path) -> None:
    sizes = (1, 2, 255, 256, 257, 511, 5000, 66000)
    for size in sizes:
        honest(tmp_path / str(size), size)
    assert judged(verifier, [tmp_path / str(size) for size in sizes]) == ["OK"] * len(sizes)


def test_go_verifies_what_the_service_exports(verifier: Path, tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'ministry.db'}")
    upgrade(engine)
    custodian = open_custodian("memory:", no_secret)
    out = tmp_path / "out"
    out.mkdir()
    for count in (100, 700, 5):
        with unit_of_work(engine) as connection:
            append(connection, "minrex.example/audit", [Event(1, "PARIS", "submit", DONE)] * count)
        sign_head(engine, custodian)
        with reading(engine) as connection:
            if count == 100:
                (out / "older").write_bytes(latest_note(connection)[1])
            origin = size_and_origin(connection)[1]
            export(connection, Signers.of(custodian, origin), out)
        assert judged(verifier, [out]) == ["OK"]
    engine.dispose()


@pytest.mark.parametrize("kind", LIES)
def test_go_finds_every_lie(verifier: Path, tmp_path: Path, kind: str) -> None:
    dice = random.Random(14)
    story = honest(tmp_path / "truth", SIZE)
    for start in range(0, POSITIONS, 50):
        folders = [tmp_path / f"{number}" for number in range(min(50, POSITIONS - start))]
        for folder in folders:
            lie(kind, story, dice.randrange(SIZE), dice, tmp_path / "truth", folder)
        assert set(judged(verifier, folders)) == {"BAD"}
