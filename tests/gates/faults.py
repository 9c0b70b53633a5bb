"""Makes one disk call of a workload fail, and every one in its turn.

    faults = Faults(folder, workspace)
    for at in range(1, faults.count(command) + 1):
        done = faults.run(command, at=at, error=errno.ENOSPC)
        # done.stdout: what was acknowledged; the folder: what must agree with it

Counted are the calls below `folder` that write, sync, truncate, create, rename, link or remove, in
all processes of the command (`faults.c`). Two plays of one command need not make the same calls
in the same order, so a gate judges what it finds and not at which call.
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.gates.preload import compiled, preloading

KILL: Final = -1
"""In the place of an errno: the process that makes the call is killed there (kill -9)."""

SOURCE: Final = Path(__file__).with_name("faults.c")

_NEVER: Final = 0
_COUNTER_BYTES: Final = 8


class Faults:
    """A folder whose disk fails once, where it is told to.

    Args:
        folder: what the workload writes; exists.
        workspace: for the compiled library and the counter, not below `folder`.
        base: environment of the workload, this process's by default; give a `Machine`'s to cut
            its power as well.
    """

    def __init__(
        self, folder: Path, workspace: Path, base: Mapping[str, str] | None = None
    ) -> None:
        self._folder = folder.resolve(strict=True)
        self._library = compiled(SOURCE, workspace)
        self._counter = workspace / "faults-count"
        self._base = base

    def environment(self, *, at: int, error: int) -> dict[str, str]:
        """What a process must have in its environment so that call number `at` fails."""
        self._counter.write_bytes(bytes(_COUNTER_BYTES))
        settings = {
            "FAULTS_FOLDER": self._folder,
            "FAULTS_COUNT": self._counter,
            "FAULTS_AT": at,
            "FAULTS_ERRNO": error,
        }
        return preloading(self._library, settings, self._base)

    def run(
        self, command: Sequence[object], *, at: int, error: int, seconds: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Runs `command` to its end while call number `at` fails with errno `error` (or `KILL`).

        Raises:
            TimeoutExpired: it has no end within `seconds`: a fault must not make it hang.
        """
        return subprocess.run(
            [str(word) for word in command],
            env=self.environment(at=at, error=error),
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )

    def counted(self) -> int:
        """How many calls were counted since the last `environment` or `run`."""
        return int.from_bytes(self._counter.read_bytes(), "little")

    def count(self, command: Sequence[object]) -> int:
        """How many calls an undisturbed play of `command` makes.

        Raises:
            CalledProcessError: it fails by itself.
        """
        self.run(command, at=_NEVER, error=0).check_returncode()
        return self.counted()
