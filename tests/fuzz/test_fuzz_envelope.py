"""The short form of the envelope's fuzz run; `make fuzz` runs the long one."""

import json
import random
import subprocess
import sys
from pathlib import Path

from keys.errors import Refusal
from tests.fuzz.fuzz_envelope import damaged, run
from tests.vectors.forge import identity, open_with

READER = Path(__file__).resolve().parents[1] / "foreign" / "depeche_reader.mjs"


def test_only_refusals_escape_from_damaged_dispatches(tmp_path: Path) -> None:
    verdicts = run(400, seed=2026, folder=tmp_path)

    assert sum(verdicts.values()) == 400
    # Deep and shallow refusals alike: the mutations reach every layer.
    assert len(verdicts) >= 8


def test_two_readers_agree_on_damaged_dispatches(tmp_path: Path) -> None:
    """The second reader, in another language, refuses each by the same name."""
    paris, minrex = identity("PARIS"), identity("MINREX")
    for each in (paris, minrex):
        (tmp_path / f"{each.card.post}.card").write_bytes(each.card.to_bytes() + b"\n")
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    ours: dict[str, str] = {}
    for number in range(300):
        envelope = damaged(random.Random(f"readers/{number}"))
        (tmp_path / f"{number}.age").write_bytes(envelope)
        try:
            with open_with(envelope, paris, workspace):
                ours[f"{number}.age"] = "OPENED"
        except Refusal as refusal:
            ours[f"{number}.age"] = refusal.code
    index = {
        "trusted": ["MINREX"],
        "complements": [],
        "identities": {"PARIS": paris.age_identity},
        "vectors": [{"file": name, "opener": "PARIS"} for name in ours],
    }
    (tmp_path / "index.json").write_text(json.dumps(index))

    node = Path(sys.executable).with_name("node")
    done = subprocess.run(
        [node, READER, tmp_path], capture_output=True, check=True, text=True, timeout=120
    )
    theirs = {name: result["verdict"] for name, result in json.loads(done.stdout).items()}
    assert theirs == ours
