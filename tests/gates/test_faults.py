"""The failing disk itself: each sort of call fails when it is told to, once; then a database."""

import errno
import os
import signal
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from tests.gates.faults import KILL, Faults
from tests.gates.powerloss import Machine

pytestmark = pytest.mark.usefixtures("compiler")

WORKLOAD = Path(__file__).with_name("rows_workload.py")
ROWS = 4
STRIDE = 1 if os.environ.get("GATES") == "full" else 4

# Each line does one counted call; `descriptor` is open on a file that is there.
CALLS = {
    "write": "os.write(descriptor, b'x')",
    "writev": "os.writev(descriptor, [b'x', b'y'])",
    "pwrite": "os.pwrite(descriptor, b'x', 0)",
    "ftruncate": "os.ftruncate(descriptor, 0)",
    "fsync": "os.fsync(descriptor)",
    "fdatasync": "os.fdatasync(descriptor)",
    "sync-of-a-folder": "os.fsync(folder)",
    "create": "os.open('new', os.O_WRONLY | os.O_CREAT)",
    "create-below": "os.open('new', os.O_WRONLY | os.O_CREAT, dir_fd=folder)",
    "rename": "os.rename('there', 'new')",
    "rename-below": "os.rename('there', 'new', src_dir_fd=folder, dst_dir_fd=folder)",
    "absolute": "os.rename(os.path.abspath('there'), os.path.abspath('new'))",
    "unlink": "os.unlink('there')",
    "unlink-below": "os.unlink('there', dir_fd=folder)",
    "mkdir": "os.mkdir('new')",
    "link": "os.link('there', 'new')",
}
PLAY = """
import os, sys
os.chdir(sys.argv[1])
folder = os.open('.', os.O_RDONLY)
descriptor = os.open('there', os.O_RDWR)
try:
    {call}
except OSError as error:
    print(error.errno)
else:
    print(0)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    path.mkdir()
    return path


@pytest.fixture
def faults(folder: Path, tmp_path: Path) -> Faults:
    return Faults(folder, tmp_path)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_each_sort_of_call_fails_once_and_does_nothing(
    faults: Faults, folder: Path, call: str
) -> None:
    (folder / "there").write_text("text")
    command = [sys.executable, "-c", PLAY.format(call=call), folder]

    failed = faults.run(command, at=1, error=errno.ENOSPC)

    assert failed.stdout == f"{errno.ENOSPC}\n"
    assert faults.counted() == 1
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("there", "text")]
    assert faults.run(command, at=2, error=errno.ENOSPC).stdout == "0\n"


def test_a_process_can_be_killed_at_a_call(faults: Faults, folder: Path) -> None:
    lines = "import os, sys; os.chdir(sys.argv[1]); os.mkdir('a'); os.mkdir('b')"

    killed = faults.run([sys.executable, "-c", lines, folder], at=2, error=KILL)

    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_reading_and_other_folders_count_for_nothing(
    faults: Faults, folder: Path, tmp_path: Path
) -> None:
    (folder / "there").write_text("text")
    lines = "import sys, os; open(sys.argv[1]).read(); open(sys.argv[2], 'w').write('x')"

    command = [sys.executable, "-c", lines, folder / "there", tmp_path / "disk-not"]

    assert faults.count(command) == 0


def test_calls_of_children_count_with_their_parents(faults: Faults, folder: Path) -> None:
    lines = (
        "import os, sys; os.chdir(sys.argv[1]); os.mkdir('a');"
        "os.fork() or (os.mkdir('b'), os._exit(0)); os.wait(); os.mkdir('c')"
    )

    assert faults.count([sys.executable, "-c", lines, folder]) == 3


def _fresh(folder: Path) -> list[object]:
    """The command of the workload, on an empty folder."""
    for path in folder.iterdir():
        path.unlink()
    return [sys.executable, WORKLOAD, folder / "rows.db", "FULL", "WAL", ROWS]


def _present(folder: Path) -> list[int]:
    """The rows that are there; the database must be whole."""
    with closing(dbapi2.connect(str(folder / "rows.db"))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        rows = connection.execute("SELECT number FROM entry ORDER BY number") if tables else ()
        return [number for (number,) in rows]


@pytest.mark.slow
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, KILL], ids=["EIO", "ENOSPC", "kill-9"])
@pytest.mark.parametrize("cut", [False, True], ids=["then-goes-on", "then-loses-power"])
def test_a_database_acknowledges_nothing_that_a_fault_undid(
    folder: Path, tmp_path: Path, error: int, *, cut: bool
) -> None:
    """Every point of a short play: after it, exactly the acknowledged rows, or one more."""
    machine = Machine(folder, tmp_path)
    faults = Faults(folder, tmp_path, machine.environment())
    points = faults.count(_fresh(folder))
    assert points > ROWS

    reached = 0
    for at in range(1, points + 1, STRIDE):
        command = _fresh(folder)
        machine.settle()
        done = faults.run(command, at=at, error=error)
        reached += faults.counted() >= at
        if cut:
            machine.lose_power()

        acknowledged = [int(line) for line in done.stdout.split()]
        present = _present(folder)
        assert present[: len(acknowledged)] == acknowledged, f"a row was lost at call {at}"
        assert len(present) <= len(acknowledged) + 1, f"a row appeared at call {at}"
    assert reached > 0


@pytest.mark.slow
def test_the_canary_that_ignores_failures_is_caught(folder: Path, faults: Faults) -> None:
    """Not a promise of ours but of the gate: a workload that acknowledges blindly loses a row."""
    lines = (
        "import sys, os\n"
        "file = os.open(sys.argv[1] + '/rows', os.O_WRONLY | os.O_CREAT)\n"
        "for number in range(3):\n"
        "    try: os.write(file, b'%d\\n' % number)\n"
        "    except OSError: pass\n"
        "    print(number)"
    )
    command = [sys.executable, "-c", lines, folder]
    assert faults.count(command) == 4

    for at in range(2, 5):
        (folder / "rows").unlink()
        done = faults.run(command, at=at, error=errno.ENOSPC)
        assert len(done.stdout.split()) == 3
        assert len((folder / "rows").read_text().split()) == 2
