"""A disk that is full, a file that is absent, a folder that is closed: status 3, nothing lost."""

import ctypes
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.surfaces.client.offline.posts import CHIFFRE, Ending, Post, chiffre, environment

_CAPBSET_DROP = 24
_OVERRIDES = (1, 2)  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: what lets root pass permissions


def _as_ordinary_user() -> None:
    """Let permissions count, for the case that the tests run as root."""
    for capability in _OVERRIDES:
        ctypes.CDLL(None).prctl(_CAPBSET_DROP, capability, 0, 0, 0)


def _with_little_room() -> None:
    """Let no file grow over 64 KiB, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))


def limited(prepare: Callable[[], None], *arguments: object, stdin: bytes = b"") -> Ending:
    """Run a command in a process that was prepared so."""
    done = subprocess.run(
        [*CHIFFRE, *map(str, arguments)],
        input=stdin,
        env=environment(),
        capture_output=True,
        check=False,
        timeout=60,
        preexec_fn=prepare,
    )
    ending = Ending(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in ending.err
    return ending


def unavailable(ending: Ending, code: str) -> None:
    """Demand status 3 and a name."""
    assert (ending.status, ending.out) == (3, ""), ending.err
    assert f"({code})" in ending.err


@contextmanager
def mode(path: Path, value: int) -> Iterator[None]:
    """Give a path other permissions for a while."""
    before = path.stat().st_mode
    path.chmod(value)
    try:
        yield
    finally:
        path.chmod(before)


def sending(lome: Post, paris: Post, out: Path, text: object = "-") -> tuple[object, ...]:
    """The words of an ordinary enciphering."""
    return (
        *("encipher", "--identity", lome.identity, "--to", paris.card, "--level", "SECRET"),
        *("-o", out, text),
    )


def reading(paris: Post, lome: Post, out: Path, file: Path) -> tuple[object, ...]:
    """The words of an ordinary deciphering."""
    return ("decipher", "--identity", paris.identity, "--from", lome.card, "-o", out, file)


def test_a_disk_that_is_full_while_enciphering(lome: Post, paris: Post, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_bytes(os.urandom(200_000))

    ending = limited(_with_little_room, *sending(lome, paris, tmp_path / "d.age", text))

    unavailable(ending, "DISK_FULL")
    assert "Le numéro 1" in ending.err
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("identity-LOME", "identity-PARIS", "text")
    ]
    (sent,) = lome.series()["sent"]
    assert [each["status"] for each in sent["numbers"]] == ["cancelled"]
    # With room again the next number goes out, and the receiver is told what is missing.
    assert lome.encipher(paris, out=tmp_path / "d.age").status == 0
    read = paris.decipher(tmp_path / "d.age", lome, out=tmp_path / "out", options=["--json"])
    assert read.record["missing_numbers"] == [1]


def test_a_disk_that_is_full_while_a_stream_is_kept(
    lome: Post, paris: Post, tmp_path: Path
) -> None:
    text = os.urandom(200_000)
    ending = limited(_with_little_room, *sending(lome, paris, tmp_path / "d.age"), stdin=text)
    unavailable(ending, "DISK_FULL")
    assert lome.series()["sent"] == []


def test_a_disk_that_is_full_while_deciphering(lome: Post, paris: Post, tmp_path: Path) -> None:
    assert lome.encipher(paris, out=tmp_path / "d.age", text=os.urandom(200_000)).status == 0

    ending = limited(_with_little_room, *reading(paris, lome, tmp_path / "out", tmp_path / "d.age"))

    unavailable(ending, "DISK_FULL")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".*"))
    assert paris.series()["received"] == []
    again = paris.decipher(tmp_path / "d.age", lome, out=tmp_path / "out", options=["--json"])
    assert again.record["already_opened"] is None


@pytest.mark.parametrize("what", ["text", "card", "identity", "folder", "dispatch"])
def test_something_that_is_absent(lome: Post, paris: Post, tmp_path: Path, what: str) -> None:
    text, absent = tmp_path / "text", tmp_path / "absent"
    text.write_text("Bonjour.")
    nobody = Post("PARIS", absent)
    unavailable(
        {
            "text": lambda: chiffre(*sending(lome, paris, tmp_path / "d.age", absent)),
            "card": lambda: chiffre(*sending(lome, nobody, tmp_path / "d.age", text)),
            "identity": lambda: chiffre(*sending(nobody, paris, tmp_path / "d.age", text)),
            "folder": lambda: chiffre(*sending(lome, paris, absent / "d.age", text)),
            "dispatch": lambda: chiffre(*reading(paris, lome, tmp_path / "out", absent)),
        }[what](),
        "IDENTITY_ABSENT" if what == "identity" else "FILE_MISSING",
    )
    assert lome.series()["sent"] == []


def test_an_output_that_cannot_be_made_costs_no_number(
    lome: Post, paris: Post, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    with mode(closed, 0o500):
        words = sending(lome, paris, closed / "d.age", lome.card)
        ending = limited(_as_ordinary_user, *words)
    unavailable(ending, "PERMISSION_DENIED")
    assert str(closed / "d.age") in ending.err

    # To root its permissions promise a file, and only trying tells.
    ending = chiffre(*sending(lome, paris, Path("/proc/d.age"), lome.card))
    assert (ending.status, ending.out) == (3, "")
    assert "/proc/d.age" in ending.err
    assert ".chiffre-" not in ending.err

    long = tmp_path / ("d" * 300 + ".age")
    ending = chiffre(*sending(lome, paris, long, lome.card))
    assert (ending.status, ending.out) == (3, "")
    assert long.name in ending.err
    assert lome.series()["sent"] == []
    assert not list(tmp_path.glob(".*"))


def test_a_folder_where_a_file_is_needed(lome: Post, paris: Post, tmp_path: Path) -> None:
    unavailable(chiffre(*sending(lome, paris, tmp_path / "d.age", tmp_path)), "NOT_A_FILE")
    unavailable(chiffre(*sending(lome, paris, tmp_path, lome.card)), "NOT_A_FILE")
    unavailable(chiffre(*reading(paris, lome, tmp_path / "out", tmp_path)), "NOT_A_FILE")
    unavailable(chiffre("inspect", tmp_path), "NOT_A_FILE")
    unavailable(chiffre("card", "show", tmp_path), "NOT_A_FILE")
    assert lome.series()["sent"] == []


def test_a_file_where_a_folder_is_needed(lome: Post, paris: Post) -> None:
    out = lome.card / "d.age"
    unavailable(chiffre(*sending(lome, paris, out, lome.card)), "NOT_A_FOLDER")
    made = chiffre("identity", "new", "--post", "ROME", "--out", out, "--no-passphrase")
    unavailable(made, "NOT_A_FOLDER")


def test_permissions_that_are_missing(lome: Post, paris: Post, tmp_path: Path) -> None:
    assert lome.encipher(paris, out=tmp_path / "d.age").status == 0
    closed = tmp_path / "closed"
    closed.mkdir()
    text = tmp_path / "text"
    text.write_text("Bonjour.")

    def denied(*arguments: object) -> None:
        unavailable(limited(_as_ordinary_user, *arguments), "PERMISSION_DENIED")

    with mode(closed, 0o500):
        denied(*sending(lome, paris, closed / "d.age", text))
        denied(*reading(paris, lome, closed / "out", tmp_path / "d.age"))
        denied("identity", "new", "--post", "ROME", "--out", closed / "rome", "--no-passphrase")
    with mode(text, 0):
        denied(*sending(lome, paris, tmp_path / "e.age", text))
        denied("inspect", text)
    with mode(lome.identity / "secret.json", 0):
        denied(*sending(lome, paris, tmp_path / "e.age", text))
    with mode(lome.identity, 0o500), mode(lome.identity / "state.db", 0o400):
        denied(*sending(lome, paris, tmp_path / "e.age", text))

    (sent,) = lome.series()["sent"]
    assert sent["last"] == 1
    assert paris.series()["received"] == []


def test_a_result_that_cannot_be_shown_is_not_called_undone(
    lome: Post, paris: Post, tmp_path: Path
) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*CHIFFRE, *map(str, sending(lome, paris, tmp_path / "d.age", lome.card))],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 3
    assert b"(RESULT_UNSHOWN)" in done.stderr
    assert (tmp_path / "d.age").exists()
    (sent,) = lome.series()["sent"]
    assert sent["numbers"][0]["status"] == "issued"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*CHIFFRE, "--help"],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 3
    assert b"Exception ignored" not in done.stderr


def test_a_state_that_is_damaged(lome: Post, paris: Post, tmp_path: Path) -> None:
    (lome.identity / "state.db").write_bytes(b"\0garbage" * 1000)
    unavailable(lome.encipher(paris, out=tmp_path / "d.age"), "STATE_DAMAGED")
    assert not (tmp_path / "d.age").exists()
    assert (lome.identity / "state.db").read_bytes() == b"\0garbage" * 1000


def test_a_text_that_grows_while_it_is_enciphered(lome: Post, paris: Post, tmp_path: Path) -> None:
    """`tail -f` is not the way to send a log: the hash would be of another text."""
    text = tmp_path / "text"
    text.write_bytes(bytes(64 << 20))
    command = subprocess.Popen(
        [*CHIFFRE, *map(str, sending(lome, paris, tmp_path / "d.age", text))],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    while command.poll() is None:
        with text.open("ab") as file:
            file.write(b"x")
    assert command.stderr is not None
    told = command.stderr.read().decode()
    command.stderr.close()

    assert command.returncode == 3
    assert "(SOURCE_CHANGED)" in told
    assert not (tmp_path / "d.age").exists()
