"""Memory is flat: a large attachment passes through a process that may not grow with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MEBIBYTES = 1024 if os.environ.get("GATES") == "full" else 256
SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from keys.dispatch import Attachment, Destination, decipher, encipher
from keys.manifest import Series
from tests.vectors.forge import heading, identity

folder = Path(sys.argv[2])
sender, post = identity("MINREX"), identity("PARIS")
if sys.argv[3] == "encipher":
    with (folder / "sealed").open("wb") as sink:
        encipher(
            heading(),
            [Destination(post.card, "ROUTINE", Series(202600, 1))],
            b"",
            [Attachment("plain", folder / "plain")],
            signer=sender,
            sink=sink,
        )
else:
    cards = {sender.card.fingerprint: sender.card}
    with (folder / "sealed").open("rb") as source, decipher(
        source, opener=post, find_sender=cards.get, workspace=folder
    ) as opened:
        opened.publish(folder / "opened")
# Not ru_maxrss, which begins at the peak of the process that started this one.
status = Path("/proc/self/status").read_text()
print(status.split("VmHWM:")[1].split()[0])
"""


def _peak_mebibytes(folder: Path, act: str) -> float:
    command = [sys.executable, "-c", SCRIPT, str(ROOT), str(folder), act]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return int(done.stdout) / 1024


@pytest.mark.slow
def test_a_large_attachment_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    block = os.urandom(1 << 20)
    with plain.open("wb") as file:
        for _ in range(MEBIBYTES):
            file.write(block)

    assert _peak_mebibytes(tmp_path, "encipher") < 64
    assert _peak_mebibytes(tmp_path, "decipher") < 64
    opened = tmp_path / "opened" / "attachments" / "001-plain"
    assert opened.stat().st_size == plain.stat().st_size
