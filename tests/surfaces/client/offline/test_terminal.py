"""At a real terminal: passphrases are asked for and unseen, long work shows how far it is."""

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.surfaces.client.offline.posts import CHIFFRE, Post, chiffre, environment

PASSPHRASE = "quatre mots très sûrs"


@dataclass
class Session:
    """What a terminal showed, and how the command ended."""

    shown: str
    status: int


def at_a_terminal(
    *arguments: object, answers: Sequence[tuple[str, str]] = (), slowly: bool = False
) -> Session:
    """Run a command with a terminal of its own, answering its questions in order.

    Args:
        arguments: of `chiffre`.
        answers: each to the question that holds its first text.
        slowly: let it run for a fifth of the time only, as on a machine five times slower.
    """
    child, terminal = pty.fork()
    if child == 0:
        words = [*CHIFFRE, *map(str, arguments)]
        os.execve(words[0], words, environment())  # noqa: S606 - no shell is wanted
    with _slowed(child) if slowly else nullcontext():
        shown = _read(terminal, answers)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    return Session(shown.decode(errors="replace"), os.waitstatus_to_exitcode(status))


@contextmanager
def _slowed(process: int) -> Iterator[None]:
    ended = Event()

    def slow() -> None:
        while not ended.wait(0.02):
            os.kill(process, signal.SIGSTOP)
            ended.wait(0.08)
            os.kill(process, signal.SIGCONT)

    thread = Thread(target=slow)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _read(terminal: int, answers: Sequence[tuple[str, str]]) -> bytes:
    shown, waiting, deadline = b"", list(answers), time.monotonic() + 240
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 1)
        if not ready:
            continue
        try:
            piece = os.read(terminal, 1 << 16)
        except OSError:  # the other side is gone
            break
        shown += piece
        if waiting and waiting[0][0] in shown.decode(errors="replace"):
            os.write(terminal, waiting.pop(0)[1].encode() + b"\n")
    return shown


NEW = ("Nouvelle phrase secrète", PASSPHRASE)


def test_a_passphrase_is_asked_for_twice_and_never_shown(tmp_path: Path) -> None:
    made = at_a_terminal(
        *("identity", "new", "--post", "LOME", "--out", tmp_path / "lome"),
        answers=[NEW, ("encore une fois", PASSPHRASE)],
    )
    assert made.status == 0, made.shown
    assert PASSPHRASE not in made.shown
    assert {path.name for path in (tmp_path / "lome").iterdir()} == {"LOME.card", "secret.age"}

    export = ("identity", "export-age", "--identity", tmp_path / "lome", "--yes")
    shown = at_a_terminal(*export, answers=[("Phrase secrète", PASSPHRASE)])
    assert "AGE-SECRET-KEY-PQ-1" in shown.shown
    refused = at_a_terminal(*export, answers=[("Phrase secrète", "autre chose")])
    assert refused.status == 1
    assert "(PASSPHRASE_WRONG)" in refused.shown

    # The same passphrase from a file, its accents spelt the other way, as another keyboard may.
    (tmp_path / "word").write_text("quatre mots tre\u0300s su\u0302rs\r\n", "utf-8", newline="")
    assert chiffre(*export, "--passphrase-file", tmp_path / "word").status == 0
    variable = environment(CHIFFRE_PASSPHRASE_FILE=str(tmp_path / "word"))
    assert chiffre(*export, env=variable).status == 0


@pytest.mark.parametrize(
    ("again", "code"), [("tout autre", "PASSPHRASES_DIFFER"), ("", "PASSPHRASE_EMPTY")]
)
def test_two_passphrases_that_differ_make_nothing(tmp_path: Path, again: str, code: str) -> None:
    made = at_a_terminal(
        *("identity", "new", "--post", "LOME", "--out", tmp_path / "lome"),
        answers=[NEW, ("encore une fois", again)],
    )
    assert made.status == 2
    assert f"({code})" in made.shown
    assert not (tmp_path / "lome").exists()


def test_without_a_terminal_there_is_nowhere_to_ask(tmp_path: Path) -> None:
    done = subprocess.run(
        [*CHIFFRE, "identity", "new", "--post", "LOME", "--out", tmp_path / "lome"],
        env=environment(),
        input=b"typed\ntyped\n",
        capture_output=True,
        check=False,
        start_new_session=True,
    )
    assert done.returncode == 2
    assert b"(PASSPHRASE_UNAVAILABLE)" in done.stderr
    assert b"Warning" not in done.stderr
    assert not (tmp_path / "lome").exists()


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [(b"", 2, "PASSPHRASE_EMPTY"), (b"\n", 2, "PASSPHRASE_EMPTY"), (b"x" * 5000, 2, "TOO_LONG")],
    ids=["empty", "a line end", "a whole file"],
)
def test_a_passphrase_file_that_is_not_one(
    tmp_path: Path, data: bytes, status: int, code: str
) -> None:
    (tmp_path / "word").write_bytes(data)
    made = chiffre(
        *("identity", "new", "--post", "LOME", "--out", tmp_path / "lome"),
        *("--passphrase-file", tmp_path / "word"),
    )
    assert made.status == status
    assert code in made.err
    assert not (tmp_path / "lome").exists()


@pytest.mark.slow
def test_long_work_shows_how_far_it_is_and_short_work_nothing(
    lome: Post, paris: Post, tmp_path: Path
) -> None:
    text = tmp_path / "text"
    with text.open("wb") as file:
        file.truncate(512 << 20)
    sending = ("encipher", "--identity", lome.identity, "--to", paris.card, "--level", "SECRET")

    long = at_a_terminal(*sending, "-o", tmp_path / "long.age", text, slowly=True)
    short = at_a_terminal(*sending, "-o", tmp_path / "short.age", lome.card)

    assert (long.status, short.status) == (0, 0)
    bars = re.findall(r"Chiffrage \[[#.]{24}\] +(\d+)% \d+/512 Mio", long.shown)
    assert len(bars) > 3
    assert [int(bar) for bar in bars] == sorted(int(bar) for bar in bars)
    assert "\x1b[K" in long.shown
    assert "Chiffrage [" not in short.shown
    (tmp_path / "long.age").unlink()
