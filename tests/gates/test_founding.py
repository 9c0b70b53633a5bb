"""Founding the custodian's store on a disk that fails, or loses its power, at every point."""

import errno
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keys.custody import found, read_credential
from keys.custody.store import open_store
from tests.gates.faults import KILL, Faults
from tests.gates.powerloss import Machine

pytestmark = pytest.mark.usefixtures("compiler")

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
STRIDE = 1 if os.environ.get("GATES") == "full" else 3
FOUND = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from keys.custody import found
store, credential = (Path(sys.argv[1]) / name for name in ("store", "secrets/credentials/wrapping"))
start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
found(store, credential, "MINREX", start, end)
print("founded")
"""


@pytest.mark.slow
@pytest.mark.parametrize("cut", [False, True], ids=["goes-on", "loses-power"])
@pytest.mark.parametrize("error", [errno.EIO, KILL], ids=["EIO", "kill-9"])
def test_a_store_is_whole_or_absent_and_can_be_founded_again(
    tmp_path: Path, error: int, *, cut: bool
) -> None:
    """No point of failure leaves a half store, or one that stands in the way of the next try."""
    folder = tmp_path / "disk"
    folder.mkdir()
    machine = Machine(folder, tmp_path)
    faults = Faults(folder, tmp_path, machine.environment())
    store, credential = folder / "store", folder / "secrets" / "credentials" / "wrapping"
    command = [sys.executable, "-c", FOUND, folder]

    at, acknowledged = 1 - STRIDE, False
    while not acknowledged or faults.counted() >= at:
        at += STRIDE
        machine.empty()
        done = faults.run(command, at=at, error=error)
        acknowledged = done.stdout == "founded\n"
        if cut:
            machine.lose_power()
        if acknowledged:
            assert open_store(store, read_credential(credential)).card().post == "MINREX"
        elif not store.exists():
            found(store, credential, "MINREX", START, END)
        open_store(store, read_credential(credential))
    assert at > 10


def test_a_founded_ministry_is_there_after_a_power_loss(tmp_path: Path) -> None:
    """The folder's own name included, and those above it that were made for it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    machine = Machine(folder, tmp_path)
    data = folder / "srv" / "ministry"
    program = [sys.executable, "-m", "cipher_service", "--data", str(data)]
    with machine.running([*program, "init"]) as process:
        assert process.wait(timeout=120) == 0
    machine.lose_power()
    assert subprocess.run([*program, "check"], check=False).returncode == 0
