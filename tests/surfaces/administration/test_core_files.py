"""A process of the service that is made to crash leaves no core file to be searched for keys.

Where the superuser may, each has its limit of core files lifted from outside first, as whoever
looks for the cause of a crash would do; what then still forbids it is the process itself. That this
system writes core files, and what a search finds in them, a process shows that forbids nothing.
"""

import os
import resource
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import pytest

from cipher_service.administration.stage import stage
from tests.support.memory import found_in_core, processes
from tests.surfaces.api.test_processes import eventually

_UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
_HOLDER = "import sys; k = sys.stdin.buffer.read(32); print(len(k), flush=True); sys.stdin.read()"


def _lift(process: int) -> None:
    # A hard limit is lifted with CAP_SYS_RESOURCE alone, which a superuser in a container may lack.
    with suppress(PermissionError):
        resource.prlimit(process, resource.RLIMIT_CORE, _UNLIMITED)


def _stat(process: int) -> list[str]:
    """State, parent and what follows, of proc(5)."""
    return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()


def _crash(process: int) -> None:
    """Make it end, with its core file written if it leaves one, before its parent forgets it."""
    _lift(process)
    os.kill(process, signal.SIGABRT)
    os.kill(process, signal.SIGCONT)
    eventually(lambda: _stat(process)[0] == "Z")


@contextmanager
def _standing_still(process: int) -> Iterator[None]:
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def _core_of_a_holder(folder: Path, key: bytes) -> list[Path]:
    """Let a process that forbids nothing crash in a folder with the key in its memory."""
    with Popen(
        [sys.executable, "-c", _HOLDER], cwd=folder, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(key)
        holder.stdin.flush()
        assert int(holder.stdout.readline()) == len(key)
        _lift(holder.pid)
        holder.send_signal(signal.SIGABRT)
        assert holder.wait() == -signal.SIGABRT
    return list(folder.iterdir())


def test_no_process_of_the_service_leaves_a_core_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashed, open_to_all = tmp_path / "crashed", tmp_path / "open"
    crashed.mkdir()
    open_to_all.mkdir()
    monkeypatch.chdir(crashed)  # where the service's processes, and their core files, would be
    with stage(tmp_path / "data", "en", 1, console=True) as on:
        running = dict(processes(on.settings.data))
        names = {one: Path(f"/proc/{one}/comm").read_text("ascii").strip() for one in running}
        assert {"registrar", "api 1", "console", "approval"} <= set(names.values())
        assert any("keys.custody.worker" in command for command in running.values())
        [supervisor] = [one for one in running if int(_stat(one)[1]) == os.getpid()]
        with _standing_still(supervisor):  # it starts none of them again
            for process in sorted(running, key=lambda one: one == supervisor):
                assert Path(f"/proc/{process}/cwd").readlink() == crashed, names[process]
                _crash(process)
                assert list(crashed.iterdir()) == [], (names[process], running[process])

    key = secrets.token_bytes(32)
    cores = _core_of_a_holder(open_to_all, key)
    if not cores:
        pytest.skip("this system writes no core files where a process runs: nothing was proved")
    [core] = cores
    assert found_in_core(core, {"key": key}) == {"key"}
