"""SPEC.md does what it says: its commands check a seal with tools that are not ours."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from keys.canonical import decode
from keys.errors import Refusal
from keys.signing import Signatures
from pouch import errors
from pouch.defects import KINDS
from pouch.findings import Name
from pouch.manifest import BagClass, ItemKind, Mode
from pouch.sealed import SealedManifest, Signed, seal_manifest
from tests.support.valise import manifest
from tests.vectors.forge import identity

ROOT = Path(__file__).resolve().parents[2]
SPEC = (ROOT / "pouch" / "SPEC.md").read_text("utf-8")
PAGE = SPEC[SPEC.index("## 11. ") : SPEC.index("## 12. ")]
COMMANDS = "\n".join(re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
SEALER = identity("YAOUNDE")


def _run_the_page(folder: Path, sealed: SealedManifest) -> subprocess.CompletedProcess[str]:
    (folder / "seal.txt").write_text(sealed.seal.text + "\n", "ascii")
    (folder / "manifest.json").write_bytes(sealed.to_bytes() + b"\n")
    (folder / "YAOUNDE.card").write_bytes(SEALER.card.to_bytes() + b"\n")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", COMMANDS],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("lines", [1, 6, 11])
def test_the_page_checks_a_seal_without_this_product(lines: int, tmp_path: Path) -> None:
    done = _run_the_page(tmp_path, seal_manifest(manifest(lines), sealer=SEALER))
    assert done.returncode == 0, done.stderr
    assert "Signature Verified Successfully" in done.stdout
    assert "The manifest is the sealed one" in done.stdout
    assert done.stdout.rstrip().endswith("ML-DSA-65 Signature Verified Successfully")


def test_the_page_refuses_what_the_verdict_refuses(tmp_path: Path) -> None:
    good = seal_manifest(manifest(), sealer=SEALER)
    theirs = manifest(waybill=replace(good.manifest.waybill, origin="ROGUE"))
    forged = seal_manifest(theirs, sealer=identity("ROGUE"))
    altered = SealedManifest(manifest(11), good.seal, good.sealer, None)
    half = Signed(good.sealer.fingerprint, Signatures(good.sealer.signatures.ed25519, bytes(3309)))
    broken = SealedManifest(good.manifest, good.seal, half, None)
    for number, (sealed, told) in enumerate(
        ((forged, "not the sealer"), (altered, "not the sealed manifest"), (broken, "not signed"))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        done = _run_the_page(folder, sealed)
        assert done.returncode != 0
        assert told in done.stderr


def test_every_verdict_and_every_refusal_is_listed() -> None:
    verdicts = SPEC[SPEC.index("## 9. ") : SPEC.index("## 10. ")]
    assert re.findall(r"^\| `([A-Z_]+)`", verdicts, re.MULTILINE) == [str(name) for name in Name]
    refusals = SPEC[SPEC.index("## 10. ") : SPEC.index("## 11. ")]
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, Refusal) and kind is not Refusal:
            assert f"`{kind.code}`" in refusals


def test_every_code_and_member_of_a_manifest_is_listed() -> None:
    section = SPEC[SPEC.index("## 1. ") : SPEC.index("## 2. ")]
    for code in (*BagClass, *Mode, *ItemKind):
        assert f"`{code}`" in section
    sealed = seal_manifest(manifest(1), sealer=SEALER)
    value = decode(sealed.to_bytes())["manifest"]
    for member in (*value, *value["waybill"], *value["items"][0], *value["certifier"]):
        assert f'"{member}"' in section or f"`{member}`" in section


def test_every_defect_of_an_exercise_is_listed_with_what_is_right_and_its_names() -> None:
    section = SPEC[SPEC.index("## 14. ") :]
    rows = [line.split("|")[1:4] for line in section.splitlines() if line.startswith("| `")]
    told: dict[str, tuple[set[str], set[str]]] = {}
    for defects, right, names in rows:
        for defect in re.findall(r"`([a-z-]+)`", defects):
            told[defect] = set(re.findall(r"`(\w+)`", right)), set(re.findall(r"`([\w-]+)`", names))
    for defect, kind in KINDS.items():
        acts, called = told[defect]
        assert acts == {str(kind.act)}
        assert kind.names <= called
