"""SPEC.md does what it says: its commands open a dispatch with tools that are not ours."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from keys import errors, merkle, opening, receipts, service_messages, slips, token_keys
from keys.dispatch import Attachment, Destination, encipher
from keys.errors import KeysError, Refusal
from keys.manifest import Series
from keys.ustar import entry_header
from tests.vectors.forge import Forgery, heading, identity

ROOT = Path(__file__).resolve().parents[2]
SPEC = (ROOT / "keys" / "SPEC.md").read_text("utf-8")
CHECKS = SPEC[SPEC.index("## 8. ") : SPEC.index("## 9. ")]
PAGE = SPEC[SPEC.index("## 12. Reading a dispatch without") : SPEC.index("## 13. ")]
COMMANDS = "\n".join(re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
CODES = {
    kind.code
    for module in (errors, merkle, receipts, service_messages, slips, token_keys)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, KeysError) and kind not in {KeysError, Refusal}
}


def _run_the_page(folder: Path, envelope: bytes) -> subprocess.CompletedProcess[str]:
    (folder / "depeche.age").write_bytes(envelope)
    (folder / "identity.txt").write_text(identity("PARIS").age_identity + "\n", "ascii")
    (folder / "MINREX.card").write_bytes(identity("MINREX").card.to_bytes() + b"\n")
    (folder / "node_modules").symlink_to(ROOT / "tests" / "foreign" / "node_modules")
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


CONTENTS = [
    ("message.txt", "Prière d'accuser réception.\n".encode()),
    ("attachments/001-pièce n° 1.txt", b"Annexe\n"),
]


def test_the_page_reads_a_dispatch_without_this_product(tmp_path: Path) -> None:
    """P3: an addressee who has lost this product still reads and verifies with published tools."""
    sink = io.BytesIO()
    encipher(
        heading(),
        [Destination(identity("PARIS").card, "FLASH", Series(202600, 1))],
        CONTENTS[0][1],
        [Attachment("pièce n° 1.txt", CONTENTS[1][1])],
        signer=identity("MINREX"),
        sink=sink,
    )
    done = _run_the_page(tmp_path, sink.getvalue())

    assert done.returncode == 0, done.stderr
    assert "attachments/001-pièce n° 1.txt: OK" in done.stdout
    assert done.stdout.count("Signature Verified Successfully") == 2
    for name, data in CONTENTS:
        assert (tmp_path / "depeche" / name).read_bytes() == data


@pytest.mark.parametrize(
    ("forgery", "said"),
    [
        (Forgery([identity("PARIS").card], signer=identity("ROGUE")), "not the sender"),
        (
            Forgery(
                [identity("PARIS").card],
                alter_entries=lambda entries: setattr(entries[4], "data", b"Refus" * 13),
            ),
            "WARNING",
        ),
        (
            Forgery(
                [identity("PARIS").card],
                sign=lambda manifest: identity("ROGUE").sign("depeche/v1 manifest", manifest),
            ),
            "Signature Verification Failure",
        ),
    ],
    ids=["another sender", "another text", "another's signatures"],
)
def test_the_page_notices_a_forgery(tmp_path: Path, forgery: Forgery, said: str) -> None:
    done = _run_the_page(tmp_path, forgery.seal())

    assert done.returncode != 0
    assert said in done.stdout + done.stderr


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_in_the_specification(code: str) -> None:
    assert f"`{code}`" in SPEC


def test_the_table_of_checks_is_the_one_in_the_code() -> None:
    """Number by number, the same refusals."""
    table = {
        int(number): set(re.findall(r"`([A-Z_]+)`", row))
        for number, row in re.findall(r"^\| ([0-9]+) \| (.*)$", CHECKS, re.MULTILINE)
    }
    listed = {
        int(number): set(re.findall(r"[A-Z][A-Z0-9]*_[A-Z_]+", row))
        for number, row in re.findall(
            r"^ ?([0-9]+)\. (.*(?:\n {4}.*)*)$", opening.__doc__ or "", re.MULTILINE
        )
    }
    # The nonce stands between header and payload.
    table[4].remove("HEADER_MALFORMED")
    assert table == listed
    assert set(listed) == set(range(1, 15))


def test_the_archive_header_is_the_one_in_the_specification() -> None:
    header = entry_header("message.txt", 7)
    assert header[136:148] == b"02263523000\0"
    assert "02263523000" in SPEC
