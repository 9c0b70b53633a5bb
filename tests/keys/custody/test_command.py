"""The worker as a command, in this process: what it serves, refuses and leaves alone."""

import ctypes
import os
import resource
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from keys.confinement import forbid_dumps
from keys.custody import worker
from keys.custody.remote import RemoteCustodian
from keys.custody.worker import hold_store, main


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "door.sock"


@pytest.fixture
def keep_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let `main` change nothing that the tests after it would feel."""
    monkeypatch.setattr("keys.custody.worker.forbid_dumps", lambda: None)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    mask = os.umask(0o077)
    yield
    os.umask(mask)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _command(founded: Any, path: Path) -> list[str]:
    store, credential = str(founded.store), str(founded.credential)
    return ["--store", store, "--credential", credential, "--socket", str(path)]


@pytest.mark.usefixtures("keep_process")
def test_the_command_serves_until_it_is_told_to_stop(
    founded: Any, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def use_and_stop() -> None:
        with closing(RemoteCustodian(path)) as custodian:
            while not path.exists():
                time.sleep(0.01)
            try:
                seen.append(custodian.card())
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

    seen: list[object] = []
    caller = threading.Thread(target=use_and_stop)
    caller.start()

    assert main(_command(founded, path)) == 0
    caller.join()

    assert seen == [founded.founding.card]
    assert capsys.readouterr().out == f"READY {path}\n"
    assert not path.exists()


@pytest.mark.usefixtures("keep_process")
def test_the_command_names_what_it_refuses(
    founded: Any, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    founded.store.chmod(0o755)

    assert main(_command(founded, path)) == 1
    assert capsys.readouterr().err.startswith("CUSTODY_STORE_UNSAFE: ")


@pytest.mark.usefixtures("keep_process")
def test_the_command_leaves_a_store_that_another_one_holds(
    founded: Any, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with hold_store(founded.store):
        assert main(_command(founded, path)) == 1
        assert capsys.readouterr().err.startswith("CUSTODY_STORE_BUSY: ")
        assert not path.exists()
    with pytest.raises(BlockingIOError, match="elsewhere"), hold_store(founded.store):
        raise BlockingIOError("elsewhere")


@pytest.mark.usefixtures("keep_process")
def test_the_command_tells_the_systems_failures_apart(
    founded: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_command(founded, tmp_path / "missing" / "door.sock")) == 3
    assert "No such file" in capsys.readouterr().err


def test_the_file_is_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with patch.object(sys, "argv", ["worker", "--help"]), pytest.raises(SystemExit) as end:
        runpy.run_path(worker.__file__, run_name="__main__")

    assert end.value.code == 0
    assert "--credential" in capsys.readouterr().out


def test_a_process_that_is_made_to_crash_leaves_no_core_file(tmp_path: Path) -> None:
    script = (
        "import os, resource, sys; from keys.confinement import forbid_dumps;"
        "hard = resource.getrlimit(resource.RLIMIT_CORE)[1];"
        "resource.setrlimit(resource.RLIMIT_CORE, (hard, hard));"
        "sys.argv[1] == 'closed' and forbid_dumps(); os.abort()"
    )
    dumped = {}
    for name in ("closed", "open"):
        folder = tmp_path / name
        folder.mkdir()
        pid = os.posix_spawn("/bin/sh", ["sh", "-c", 'cd "$0" && exec "$@"', str(folder),
                             sys.executable, "-c", script, name], os.environ)  # fmt: skip
        status = os.waitpid(pid, 0)[1]
        assert os.WTERMSIG(status) == signal.SIGABRT
        dumped[name] = os.WCOREDUMP(status), list(folder.iterdir()) != []
    assert dumped["closed"] == (False, False)
    if dumped["open"] == (False, False):
        pytest.skip("this system writes no core files at all: nothing was proved")


def test_a_process_can_be_closed_to_others() -> None:
    """In one of its own: only the superuser gets a hard limit back, and other tests need theirs."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    child = get_context("fork").Process(target=_close_to_others)
    child.start()
    child.join()
    assert child.exitcode == 0
    assert resource.getrlimit(resource.RLIMIT_CORE) == before


def _close_to_others() -> None:
    libc = ctypes.CDLL(None)
    get_dumpable = 3
    assert libc.prctl(get_dumpable, 0, 0, 0, 0) == 1
    forbid_dumps()
    assert libc.prctl(get_dumpable, 0, 0, 0, 0) == 0
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)


def test_no_command_is_loaded_by_the_package_that_it_stands_in() -> None:
    """Python would run it a second time, and warn whoever types it."""
    folder = Path(worker.__file__).parent
    commands = {
        f"keys.custody.{path.stem}"
        for path in folder.glob("*.py")
        if '__name__ == "__main__"' in path.read_text("utf-8")
    }
    assert len(commands) > 3
    told = [sys.executable, "-c", "import keys.custody, sys; print(*sys.modules)"]
    loaded = subprocess.run(told, capture_output=True, text=True, check=True).stdout.split()

    assert commands & set(loaded) == set()
