"""The power failure itself: that it forgets what it must, and nothing else.

A gate that cannot fail is blind, so the canary runs the same play with a database that is known
to lose acknowledged rows (SQLite in WAL mode with synchronous=NORMAL), and must see them lost.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from tests.gates.powerloss import Machine

pytestmark = pytest.mark.usefixtures("compiler")

WORKLOAD = Path(__file__).with_name("rows_workload.py")
FULL = os.environ.get("GATES") == "full"
CYCLES = 500 if FULL else 5
CANARY_CYCLES = 50 if FULL else 15
SECONDS = 0.15

PRELUDE = """
import os, sys
os.chdir(sys.argv[1])
def write(name, text):
    with open(name, "w") as file:
        file.write(text)
def sync(name):
    descriptor = os.open(name, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
def read(name):
    with open(name) as file:
        return file.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    path.mkdir()
    return path


@pytest.fixture
def machine(folder: Path, tmp_path: Path) -> Machine:
    return Machine(folder, tmp_path)


@pytest.fixture
def play(machine: Machine) -> Callable[[str], None]:
    """Run a few lines of Python on the machine to their end, then cut the power."""

    def played(lines: str) -> None:
        command = [sys.executable, "-c", PRELUDE + lines, machine.folder]
        with machine.running(command) as process:
            assert process.wait(timeout=60) == 0
        machine.lose_power()

    return played


def _tree(folder: Path) -> dict[str, str | None]:
    """Everything below: files with their text, folders with None."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_text()
        for path in folder.rglob("*")
    }


def test_what_was_never_synced_is_gone(play: Callable[[str], None], folder: Path) -> None:
    play("write('a', 'text'); os.mkdir('b'); write('b/c', 'text')")

    assert _tree(folder) == {}


def test_content_and_name_both_need_their_sync(play: Callable[[str], None], folder: Path) -> None:
    play("write('a', 'text'); sync('a')")
    assert _tree(folder) == {}

    play("write('a', 'text'); sync('.')")
    assert _tree(folder) == {"a": ""}

    play("write('a', 'text'); sync('a'); sync('.')")
    assert _tree(folder) == {"a": "text"}


def test_later_writes_are_forgotten_and_earlier_ones_kept(
    play: Callable[[str], None], folder: Path
) -> None:
    play("write('a', 'one'); sync('a'); sync('.'); write('a', 'one and two')")

    assert _tree(folder) == {"a": "one"}


def test_a_rename_needs_the_folders_sync(play: Callable[[str], None], folder: Path) -> None:
    """Write, sync, rename: the classic without its last step gives back the old file."""
    begin = "write('a', 'old'); sync('a'); sync('.');"
    replace = "write('new', 'new'); sync('new'); os.rename('new', 'a');"

    play(begin + replace)
    assert _tree(folder) == {"a": "old"}

    play(begin + replace + "sync('.')")
    assert _tree(folder) == {"a": "new"}


def test_a_removal_needs_the_folders_sync(play: Callable[[str], None], folder: Path) -> None:
    play("write('a', 'text'); sync('a'); sync('.'); os.unlink('a')")
    assert _tree(folder) == {"a": "text"}

    play("os.unlink('a'); sync('.')")
    assert _tree(folder) == {}


def test_a_removed_file_comes_back_as_itself_though_its_inode_is_used_again(
    play: Callable[[str], None], folder: Path
) -> None:
    play(
        "write('a', 'mine'); sync('a'); sync('.'); os.unlink('a')\n"
        "for n in range(20): write(f'b{n}', 'other'); sync(f'b{n}')"
    )

    assert _tree(folder) == {"a": "mine"}


def test_folders_within_are_no_different(play: Callable[[str], None], folder: Path) -> None:
    play(
        "os.mkdir('in'); write('in/a', 'text'); sync('in/a'); sync('in'); sync('.');"
        "write('in/b', 'text'); sync('in/b');"
        "os.mkdir('lost'); write('lost/a', 'text'); sync('lost/a'); sync('lost')"
    )

    assert _tree(folder) == {"in": None, "in/a": "text"}


def test_a_folder_moved_whole_keeps_its_content(play: Callable[[str], None], folder: Path) -> None:
    """How a store is founded: made aside, moved into place."""
    play(
        "os.mkdir('.new'); write('.new/a', 'text'); sync('.new/a'); sync('.new');"
        "os.rename('.new', 'store'); sync('.')"
    )

    assert _tree(folder) == {"store": None, "store/a": "text"}


def test_what_was_there_before_is_durable(folder: Path, tmp_path: Path) -> None:
    (folder / "in").mkdir()
    (folder / "in" / "a").write_text("text")
    (folder / "in" / "a").chmod(0o640)
    machine = Machine(folder, tmp_path)
    (folder / "in" / "a").write_text("changed")

    machine.lose_power()

    assert _tree(folder) == {"in": None, "in/a": "text"}
    assert (folder / "in" / "a").stat().st_mode & 0o777 == 0o640


def test_write_only_descriptors_and_fdatasync_count(
    play: Callable[[str], None], folder: Path
) -> None:
    play(
        "descriptor = os.open('a', os.O_WRONLY | os.O_CREAT); os.write(descriptor, b'text');"
        "os.fdatasync(descriptor); sync('.')"
    )

    assert _tree(folder) == {"a": "text"}


def test_other_folders_are_left_alone(
    play: Callable[[str], None], folder: Path, tmp_path: Path
) -> None:
    neighbour = tmp_path / "disk-not"
    neighbour.mkdir()

    play(f"write({str(neighbour / 'a')!r}, 'text'); sync({str(neighbour / 'a')!r})")

    assert _tree(folder) == {}
    assert _tree(neighbour) == {"a": "text"}


def test_failures_of_a_sync_are_still_told(play: Callable[[str], None]) -> None:
    play(
        "reader, writer = os.pipe()\n"
        "try: os.fsync(reader)\n"
        "except OSError as error: assert error.errno == 22\n"
        "else: raise SystemExit(1)"
    )


def test_locks_of_the_caller_survive_the_shim(play: Callable[[str], None]) -> None:
    """SQLite's POSIX locks would fall if the shim opened and closed the file once more."""
    play(
        "import fcntl\n"
        "file = open('a', 'w+'); fcntl.lockf(file, fcntl.LOCK_EX); os.fsync(file.fileno())\n"
        "if os.fork() == 0:\n"
        "    try: fcntl.lockf(open('a', 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "    except BlockingIOError: os._exit(0)\n"
        "    os._exit(1)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.wait()[1]))"
    )


# A database under it


def _cycle(machine: Machine, synchronous: str, journal: str) -> tuple[int, int]:
    """Run the workload for a moment and cut the power.

    Returns:
        The last number acknowledged, and the last one that is there afterwards.
    """
    machine.settle()
    database = machine.folder / "rows.db"
    command = [sys.executable, WORKLOAD, database, synchronous, journal]
    with machine.running(command) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline()]
        time.sleep(SECONDS)
        process.kill()
        acknowledged += process.stdout.readlines()
    machine.lose_power()
    whole = [int(line) for line in acknowledged if line.endswith("\n")]
    connection = dbapi2.connect(str(database))
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        present = [number for (number,) in connection.execute("SELECT number FROM entry")]
    finally:
        connection.close()
    assert sorted(present) == list(range(1, len(present) + 1)), "a row is missing in between"
    return max(whole), len(present)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("synchronous", "journal"), [("FULL", "WAL"), ("EXTRA", "DELETE")], ids=["ministry", "post"]
)
def test_no_acknowledged_row_is_lost(machine: Machine, synchronous: str, journal: str) -> None:
    for _ in range(CYCLES):
        acknowledged, present = _cycle(machine, synchronous, journal)
        assert acknowledged <= present


@pytest.mark.slow
@pytest.mark.parametrize(
    ("synchronous", "journal"), [("NORMAL", "WAL"), ("FULL", "DELETE")], ids=["wal", "journal"]
)
def test_the_canary_loses_rows(machine: Machine, synchronous: str, journal: str) -> None:
    """Not a promise of ours but of the gate: it sees what it must not overlook."""
    for _ in range(CANARY_CYCLES):
        acknowledged, present = _cycle(machine, synchronous, journal)
        if acknowledged > present:
            return
    pytest.fail("the power failure forgot nothing: the gate is blind")
