"""A command that is killed or interrupted leaves nothing by halves, and the next one works."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.surfaces.client.offline.posts import CHIFFRE, Post, environment

SIZE = 192 << 20
PATIENCE = 120.0


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text whose enciphering takes a while."""
    path = tmp_path_factory.mktemp("large") / "text"
    with path.open("wb") as file:
        file.truncate(SIZE)
    return path


def start(*arguments: object) -> subprocess.Popen[bytes]:
    """Start a command and leave it running."""
    return subprocess.Popen(
        [*CHIFFRE, *map(str, arguments)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_for(happened: Callable[[], object], command: subprocess.Popen[bytes]) -> None:
    """Wait until the command has come to a certain point, and is still running."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert command.poll() is None, "it ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _partial_of(place: Path, least: int) -> Callable[[], object]:
    return lambda: any(path.stat().st_size >= least for path in place.glob(".chiffre-*.partial"))


def _quarantine_of(place: Path, least: int) -> Callable[[], object]:
    return lambda: any(
        path.stat().st_size >= least for path in place.glob(".chiffre-*/*/message.txt")
    )


def enciphering(lome: Post, paris: Post, out: Path, text: Path) -> subprocess.Popen[bytes]:
    """Start enciphering."""
    return start(
        *("encipher", "--identity", lome.identity, "--to", paris.card),
        *("--level", "SECRET", "-o", out, text),
    )


@pytest.mark.slow
@pytest.mark.parametrize("written", [0, 1, SIZE // 2], ids=["begun", "first bytes", "half"])
def test_killed_while_enciphering(
    lome: Post, paris: Post, tmp_path: Path, large: Path, written: int
) -> None:
    command = enciphering(lome, paris, tmp_path / "d.age", large)
    wait_for(_partial_of(tmp_path, written), command)
    command.kill()
    command.communicate()

    assert not (tmp_path / "d.age").exists()
    again = lome.encipher(paris, out=tmp_path / "d.age")

    assert again.status == 0, again.err
    assert "annulé" in again.err
    assert not list(tmp_path.glob(".chiffre-*"))
    (sent,) = lome.series()["sent"]
    states = [each["status"] for each in sent["numbers"]]
    assert states[-1] == "issued"
    assert set(states[:-1]) <= {"cancelled"}
    assert paris.decipher(tmp_path / "d.age", lome, out=tmp_path / "out").status == 0


@pytest.mark.slow
@pytest.mark.parametrize("written", [1, SIZE // 2], ids=["first bytes", "half"])
def test_killed_while_deciphering(
    lome: Post, paris: Post, tmp_path: Path, large: Path, written: int
) -> None:
    enciphered = enciphering(lome, paris, tmp_path / "d.age", large)
    enciphered.communicate(timeout=120)
    command = start(
        *("decipher", "--identity", paris.identity, "--from", lome.card),
        *("-o", tmp_path / "out", tmp_path / "d.age"),
    )
    wait_for(_quarantine_of(tmp_path, written), command)
    command.kill()
    command.communicate()

    assert not (tmp_path / "out").exists()
    assert paris.series()["received"] == []
    (tmp_path / "elsewhere").mkdir()
    again = paris.decipher(tmp_path / "d.age", lome, out=tmp_path / "elsewhere" / "out")
    assert again.status == 0, again.err
    assert "déjà" not in again.err
    # The plaintext of the killed command is gone, although the next one worked elsewhere.
    assert not list(tmp_path.glob(".chiffre-*"))
    assert not list((paris.identity / "quarantine").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("asking", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_while_enciphering(
    lome: Post, paris: Post, tmp_path: Path, large: Path, asking: signal.Signals
) -> None:
    # Tests run under nohup hand on a SIGHUP that is ignored, which a command respects.
    before = signal.signal(asking, signal.SIG_DFL)
    command = enciphering(lome, paris, tmp_path / "d.age", large)
    signal.signal(asking, before)
    wait_for(_partial_of(tmp_path, 1), command)
    command.send_signal(asking)
    _, told = command.communicate(timeout=120)

    assert command.returncode == 128 + asking
    assert "INTERROMPU (INTERRUPTED)" in told.decode()
    assert "annulé" in told.decode()
    assert "Traceback" not in told.decode()
    assert not list(tmp_path.glob("*.age"))
    assert not list(tmp_path.glob(".chiffre-*"))
    (sent,) = lome.series()["sent"]
    assert [(each["status"], each["reason"]) for each in sent["numbers"]] == [
        ("cancelled", "interrupted")
    ]


@pytest.mark.slow
def test_interrupted_while_deciphering(
    lome: Post, paris: Post, tmp_path: Path, large: Path
) -> None:
    enciphering(lome, paris, tmp_path / "d.age", large).communicate(timeout=120)
    command = start(
        *("decipher", "--identity", paris.identity, "--from", lome.card),
        *("-o", tmp_path / "out", tmp_path / "d.age"),
    )
    wait_for(_quarantine_of(tmp_path, 1), command)
    command.send_signal(signal.SIGINT)
    _, told = command.communicate(timeout=120)

    assert command.returncode == 128 + signal.SIGINT
    assert "Traceback" not in told.decode()
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".chiffre-*"))
    assert paris.series()["received"] == []


# Stops the real command at each of its durable steps in turn: a kill there must leave a state
# from which the next command goes on. The step is chosen by wrapping the system call.
STOPPER = """
import os, signal, sys
step, name = int(sys.argv.pop(1)), sys.argv.pop(1)
real, count = getattr(os, name), [0]
def stopping(*arguments, **named):
    count[0] += 1
    if count[0] == step:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **named)
setattr(os, name, stopping)
from cipher_service.client.__main__ import main
sys.exit(main())
"""


def stopped_at(step: int, call: str, *arguments: object) -> int:
    """Run a command that is killed just before the given call of `os`; return its status."""
    done = subprocess.run(
        [sys.executable, "-c", STOPPER, str(step), call, *map(str, arguments)],
        env=environment(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.returncode


@pytest.mark.slow
@pytest.mark.parametrize("call", ["fsync", "rename", "open", "unlink"])
def test_killed_before_each_durable_step_of_enciphering(
    lome: Post, paris: Post, tmp_path: Path, call: str
) -> None:
    text = tmp_path / "text"
    text.write_text("Bonjour.")
    killed = 0
    for step in range(1, 12):
        out = tmp_path / f"{step}.age"
        status = stopped_at(
            *(step, call, "encipher", "--identity", lome.identity, "--to", paris.card),
            *("--level", "SECRET", "-o", out, text),
        )
        killed += status == -signal.SIGKILL
        assert status in {0, -signal.SIGKILL}
        if out.exists():
            assert paris.decipher(out, lome, out=tmp_path / f"out-{step}").status == 0
        if status == 0:
            break
    assert killed or call == "unlink"

    assert lome.encipher(paris, out=tmp_path / "last.age").status == 0
    assert not list(tmp_path.glob(".chiffre-*"))
    (sent,) = lome.series()["sent"]
    statuses = [each["status"] for each in sent["numbers"]]
    assert [each["number"] for each in sent["numbers"]] == list(range(1, len(statuses) + 1))
    # A number is issued exactly when its dispatch is there.
    assert statuses.count("issued") == len(list(tmp_path.glob("*.age")))
    assert "allocated" not in statuses


@pytest.mark.slow
@pytest.mark.parametrize("call", ["fsync", "rename", "open", "unlink", "mkdir"])
def test_killed_before_each_durable_step_of_deciphering(
    lome: Post, paris: Post, tmp_path: Path, call: str
) -> None:
    lome.encipher(paris, out=tmp_path / "d.age", text="Bonjour.")
    killed = 0
    for step in range(1, 16):
        out = tmp_path / f"out-{step}"
        status = stopped_at(
            *(step, call, "decipher", "--identity", paris.identity, "--from", lome.card),
            *("-o", out, tmp_path / "d.age"),
        )
        killed += status == -signal.SIGKILL
        assert status in {0, -signal.SIGKILL}
        # Whole or not at all.
        if out.exists():
            names = sorted(path.name for path in out.iterdir())
            assert names == ["attachments", "dispatch.json", "message.txt"]
        if status == 0:
            break
    assert killed

    assert paris.decipher(tmp_path / "d.age", lome, out=tmp_path / "last").status == 0
    assert (tmp_path / "last" / "message.txt").read_text() == "Bonjour."
    assert not list(tmp_path.glob(".chiffre-*"))
    (received,) = paris.series()["received"]
    assert received["received"] == 1


def test_interrupted_while_it_starts(lome: Post) -> None:
    """Ctrl-C as soon as the program is ours, before it has loaded what it needs."""
    done = subprocess.run(
        [
            *(sys.executable, "-c", STARTING, "series", "--identity", str(lome.identity)),
        ],
        env=environment(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGINT, b"", b"")


# Raises the interruption while the parser's module loads.
STARTING = """
import sys
from cipher_service.client.__main__ import main
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "cipher_service.client.command_line":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting())
sys.exit(main())
"""
