"""Cuts the power of one folder: runs commands on it, kills them, keeps only what was synced.

    machine = Machine(folder, workspace)
    with machine.running([sys.executable, "workload.py", folder]) as process:
        acknowledged = wait_for_some(process.stdout)
    machine.lose_power()          # the folder is now what POSIX promises, and nothing more
    assert acknowledged <= what_is_there(folder)

`powerloss.c` says what counts as durable. The folder's content at the beginning is durable, and
again after each failure. For kill -9 alone, leave out `lose_power`.

As a command, for looking at a case by hand:

    python -m tests.gates.powerloss --folder DIR --seconds N -- command ...
"""

import argparse
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.gates.preload import compiled, preloading

SOURCE: Final = Path(__file__).with_name("powerloss.c")

# Syncs a whole tree, children first, as the last act of a machine that starts the play.
_SYNC_ALL: Final = """
import os, sys
for path, _, names in os.walk(sys.argv[1], topdown=False):
    for each in (*(os.path.join(path, name) for name in names), path):
        descriptor = os.open(each, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        os.fsync(descriptor)
        os.close(descriptor)
"""


@dataclass(frozen=True)
class _Name:
    """One name of a folder as it was last synced."""

    mode: int
    uid: int
    gid: int
    key: str
    name: str


class Machine:
    """A folder that can lose its power.

    Args:
        folder: what the workload writes; exists.
        workspace: for the compiled library and the durable image, not below `folder`.
    """

    def __init__(self, folder: Path, workspace: Path) -> None:
        # The library compares with what the kernel says of a descriptor: no links in it.
        self.folder = folder.resolve(strict=True)
        self._image = Path(tempfile.mkdtemp(prefix="image-", dir=workspace.resolve(strict=True)))
        self._library = compiled(SOURCE, self._image)
        self.settle()

    def settle(self) -> None:
        """Declares what the folder holds now to be durable.

        For use between plays, after something outside the machine (a test that looks into a
        database) has written to the folder unseen.
        """
        for name in ("content", "names", "making"):
            shutil.rmtree(self._image / name, ignore_errors=True)
            (self._image / name).mkdir()
        command = [sys.executable, "-c", _SYNC_ALL, str(self.folder)]
        subprocess.run(command, env=self.environment(), check=True)

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """What a process must have in its environment to run on this machine."""
        settings = {"POWERLOSS_FOLDER": self.folder, "POWERLOSS_IMAGE": self._image}
        return preloading(self._library, settings, base)

    @contextmanager
    def running(self, command: Sequence[object]) -> Iterator[subprocess.Popen[str]]:
        """Runs `command` on this machine, its output as text; kills all that it started at the end.

        What it started must stay in its session's process group.
        """
        with subprocess.Popen(
            [str(word) for word in command],
            env=self.environment(),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def lose_power(self) -> None:
        """Puts the folder back to what was durable, which is then the new beginning.

        No process of the workload may be alive.
        """
        self._wipe()
        self._restore(self.folder, "root")
        self.settle()

    def empty(self) -> None:
        """Empties the folder, durably: for the next play of a row."""
        self._wipe()
        self.settle()

    def _wipe(self) -> None:
        for entry in self.folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def _restore(self, folder: Path, key: str) -> None:
        for entry in self._names(key):
            path = folder / entry.name
            if stat.S_ISDIR(entry.mode):
                path.mkdir()
                self._restore(path, entry.key)
            elif stat.S_ISREG(entry.mode):
                content = self._image / "content" / entry.key
                # A name whose file was never synced is an empty file, as on a real disk.
                path.write_bytes(content.read_bytes() if content.exists() else b"")
            else:
                # Sockets and pipes mean nothing without the processes that held them.
                continue
            path.chmod(stat.S_IMODE(entry.mode))
            os.chown(path, entry.uid, entry.gid)

    def _names(self, key: str) -> Iterator[_Name]:
        path = self._image / "names" / key
        # A folder that was never synced itself is empty.
        recorded = path.read_bytes().split(b"\0")[:-1] if path.exists() else []
        for line in recorded:
            mode, uid, gid, file_key, name = os.fsdecode(line).split(" ", 4)
            yield _Name(int(mode, 8), int(uid), int(gid), file_key, name)


def main() -> None:
    """Runs the command line of the module's docstring."""
    parser = argparse.ArgumentParser(description="Run a command, then cut its folder's power.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as workspace:
        machine = Machine(options.folder, Path(workspace))
        with machine.running(options.command) as process, suppress(subprocess.TimeoutExpired):
            print(process.communicate(timeout=options.seconds)[0], end="")
        machine.lose_power()


if __name__ == "__main__":
    main()
