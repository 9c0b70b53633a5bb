"""Gate 12: eight ways to change a log after the fact, each found wherever it is done (P5).

Whoever lies holds the whole folder, and in the worst two cases the log's own key: then the
checkpoint that somebody saw before tells. `make verify-foreign` shows the same to Go's packages.
"""

import os
import random
from pathlib import Path

import pytest

from keys.errors import Refusal
from keys.log.notes import Note
from keys.verifier.exported import require_grown, verify_export, verify_records
from tests.support.tampering import LIES, LOG, honest, lie

FULL = os.environ.get("GATES") == "full"
POSITIONS = 1000 if FULL else 12
LOGS = 100 if FULL else 12
SIZES = (2, 257, 700)


def check(folder: Path) -> None:
    exported = verify_export(folder, LOG.verifier)
    require_grown(exported, Note.parse((folder / "older").read_bytes()), LOG.verifier)
    verify_records(exported, (folder / "records").read_bytes().splitlines())


def test_no_honest_log_raises_an_alarm(tmp_path: Path) -> None:
    for number in range(LOGS):
        folder = tmp_path / str(number)
        honest(folder, 1 + number * 41 % 600)
        check(folder)


@pytest.mark.parametrize("kind", LIES)
def test_every_lie_is_found_wherever_it_is_told(tmp_path: Path, kind: str) -> None:
    dice = random.Random(12)
    stories = {size: honest(tmp_path / str(size), size) for size in SIZES}
    for number in range(POSITIONS):
        size = SIZES[number % len(SIZES)]
        folder = tmp_path / f"lie-{number % 8}"
        lie(kind, stories[size], dice.randrange(size), dice, tmp_path / str(size), folder)
        with pytest.raises(Refusal):
            check(folder)


def test_any_changed_bit_is_found(tmp_path: Path) -> None:
    dice = random.Random(13)
    honest(tmp_path, 300)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "vkey"]
    for number in range(POSITIONS * 4):
        path = files[number % len(files)]
        kept = path.read_bytes()
        changed = bytearray(kept)
        changed[dice.randrange(len(kept))] ^= 1 << dice.randrange(8)
        path.write_bytes(changed)
        with pytest.raises(Refusal):
            check(tmp_path)
        path.write_bytes(kept)
    check(tmp_path)
