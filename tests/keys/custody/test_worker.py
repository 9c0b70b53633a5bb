"""The custodian's process: who reaches it, what it survives, and how it ends."""

import os
import pwd
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import cbor2
import pytest

from keys.custody import found, no_secret, open_custodian
from keys.custody.errors import CustodianUnavailable
from keys.custody.frames import connect, encode_frame, receive_frame
from keys.custody.worker import _parser
from tests.keys.custody.conftest import END, START

NOBODY = 65534
ASK_CARD = encode_frame({"act": "card", "arguments": {}})


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "keys.custody.worker", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def _status(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(line.split(":")[1].strip() for line in lines if line.startswith(f"{name}:"))


def test_it_ends_cleanly_on_sigterm(worker: Any) -> None:
    with closing(open_custodian(worker.uri, no_secret)) as custodian:
        custodian.card()
        worker.process.send_signal(signal.SIGTERM)

        assert worker.process.wait(timeout=120) == 0
        assert not worker.path.exists()


def test_it_ends_cleanly_on_ctrl_c_while_callers_are_connected(worker: Any) -> None:
    with connect(worker.path, 5.0) as idle, connect(worker.path, 5.0) as half:
        half.sendall(ASK_CARD[:3])
        idle.sendall(ASK_CARD)
        assert "result" in receive_frame(idle)
        worker.process.send_signal(signal.SIGINT)

        assert worker.process.wait(timeout=120) == 0


def test_after_kill_9_a_new_worker_takes_its_place_and_callers_go_on(
    founded: Any, worker: Any, start_worker: Callable[..., Any]
) -> None:
    with closing(open_custodian(worker.uri, no_secret)) as custodian:
        card = custodian.card()
        worker.process.kill()
        worker.process.wait()
        assert worker.path.exists()
        with pytest.raises(CustodianUnavailable):
            custodian.card()

        start_worker(founded, worker.path)

        assert custodian.card() == card


def test_callers_that_never_noticed_a_restart_go_on(
    founded: Any, worker: Any, start_worker: Callable[..., Any]
) -> None:
    """Four kept connections die with the worker; the next act needs no second try of ours."""
    with closing(open_custodian(worker.uri, no_secret)) as custodian:
        barrier = threading.Barrier(4)

        def ask() -> None:
            barrier.wait()
            custodian.service_key()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        worker.process.kill()
        worker.process.wait()
        start_worker(founded, worker.path)

        assert custodian.card() == founded.founding.card


def test_kill_9_in_the_middle_of_use_gives_errors_by_name_only(
    founded: Any, worker: Any, start_worker: Callable[..., Any]
) -> None:
    wrong: list[BaseException] = []
    unavailable = 0
    stop = threading.Event()

    with closing(open_custodian(worker.uri, no_secret)) as custodian:

        def ask() -> None:
            nonlocal unavailable
            while not stop.is_set():
                try:
                    assert custodian.card() == founded.founding.card
                except CustodianUnavailable:
                    unavailable += 1
                    stop.wait(0.01)
                except BaseException as error:  # noqa: BLE001  whatever it is, it is the finding
                    wrong.append(error)
                    return

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        living = worker
        for _ in range(3):
            living.process.kill()
            living.process.wait()
            stop.wait(0.05)
            living = start_worker(founded, worker.path)
        stop.set()
        for thread in threads:
            thread.join()

        assert wrong == []
        assert unavailable > 0
        assert custodian.card() == founded.founding.card


def test_two_workers_do_not_serve_one_place(founded: Any, worker: Any, tmp_path: Path) -> None:
    other = tmp_path / "other"
    found(other, founded.credential, "MINREX", START, END)
    second = _run("--store", other, "--credential", founded.credential, "--socket", worker.path)

    assert second.returncode == 3
    assert "another custodian serves" in second.stderr
    with closing(open_custodian(worker.uri, no_secret)) as custodian:
        assert custodian.card() == founded.founding.card


def test_two_workers_do_not_serve_one_store(
    founded: Any, worker: Any, tmp_path: Path, start_worker: Callable[..., Any]
) -> None:
    elsewhere = tmp_path / "elsewhere.sock"
    second = _run(
        "--store", founded.store, "--credential", founded.credential, "--socket", elsewhere
    )
    assert (second.returncode, second.stdout) == (1, "")
    assert "CUSTODY_STORE_BUSY" in second.stderr
    assert not elsewhere.exists()
    worker.process.kill()
    worker.process.wait()
    assert start_worker(founded, elsewhere).process.poll() is None


def test_a_file_in_its_place_is_left_alone(founded: Any, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep")

    refused = _run(
        "--store", founded.store, "--credential", founded.credential, "--socket", precious
    )

    assert refused.returncode == 1
    assert refused.stderr.startswith("CUSTODY_STORE_UNSAFE")
    assert precious.read_text() == "keep"


def test_a_wrong_credential_is_named(founded: Any, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("f" * 64)
    wrong.chmod(0o600)

    refused = _run("--store", founded.store, "--credential", wrong, "--socket", tmp_path / "s")

    assert refused.returncode == 1
    assert refused.stderr.startswith("CUSTODY_STORE_INVALID")
    assert "Traceback" not in refused.stderr


def test_its_memory_is_for_nobody(worker: Any) -> None:
    """No core file, and not dumpable: other processes of its user cannot read its memory."""
    assert resource.prlimit(worker.process.pid, resource.RLIMIT_CORE) == (0, 0)

    code = (
        "import ctypes; from keys.confinement import forbid_dumps; libc = ctypes.CDLL(None);"
        "before = libc.prctl(3, 0, 0, 0, 0); forbid_dumps();"
        "print(before, libc.prctl(3, 0, 0, 0, 0))"  # PR_GET_DUMPABLE
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 0\n"


def test_a_long_path_is_served(
    founded: Any, tmp_path: Path, start_worker: Callable[..., Any]
) -> None:
    folder = tmp_path / ("d" * 90) / ("e" * 90)
    folder.mkdir(parents=True)

    worker = start_worker(founded, folder / "custodian.sock")

    with closing(open_custodian(worker.uri, no_secret)) as custodian:
        assert custodian.card() == founded.founding.card


GARBAGE = {
    "http": b"GET / HTTP/1.1\r\n\r\n",
    "length-zero": bytes(4),
    "oversized": (4 * 1024 * 1024 + 1).to_bytes(4, "big"),
    "four-gigabytes": b"\xff\xff\xff\xff",
    "not-cbor": b"\0\0\0\3\xff\xff\xff",
    "trailing": b"\0\0\0\2\xf6\xf6",
    "not-canonical": b"\0\0\0\2\x18\x01",
    "indefinite": b"\0\0\0\2\x9f\xff",
    "vast-array": b"\0\0\0\x09\x9b\x00\xff\xff\xff\xff\xff\xff\xff",
    "vast-bytes": b"\0\0\0\x09\x5b\x00\xff\xff\xff\xff\xff\xff\xff",
    "deep": (100_000).to_bytes(4, "big") + b"\x81" * 100_000,
    "self-reference": b"\0\0\0\5\xd8\x1c\x81\xd8\x1d",
    "tagged": b"\0\0\0\3\xc0\x61\x61",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_ends_its_own_connection_only(served: Path, garbage: bytes) -> None:
    with connect(served, 5.0) as neighbour, connect(served, 5.0) as rude:
        rude.sendall(garbage)
        assert receive_frame(rude)["error"] == "REQUEST_MALFORMED"
        # What the worker did not read makes the kernel reset rather than close.
        with suppress(ConnectionResetError):
            assert receive_frame(rude) is None

        neighbour.sendall(ASK_CARD)
        assert "result" in receive_frame(neighbour)


@pytest.mark.parametrize("cut", [1, 3, 4, 10])
def test_a_truncated_frame_ends_its_own_connection_only(served: Path, cut: int) -> None:
    with connect(served, 5.0) as rude:
        rude.sendall(ASK_CARD[:cut])
        rude.shutdown(socket.SHUT_WR)
        assert receive_frame(rude)["error"] == "REQUEST_MALFORMED"

    with closing(open_custodian(f"worker:{served}", no_secret)) as custodian:
        custodian.card()


REQUESTS: dict[str, object] = {
    "list": [],
    "null": {},
    "no-arguments": {"act": "card"},
    "third-member": {"act": "card", "arguments": {}, "token": b""},
    "generic-sign": {"act": "sign", "arguments": {"context": "x", "message": b""}},
    "hidden-method": {"act": "generate", "arguments": {}},
    "hidden-keys": {"act": "bureau", "arguments": {}},
    "dunder": {"act": "__init__", "arguments": {}},
    "missing-argument": {"act": "sign_slip", "arguments": {}},
    "other-argument": {"act": "sign_slip", "arguments": {"slip": b"", "context": b""}},
    "text-argument": {"act": "sign_slip", "arguments": {"slip": "text", "warrant": b""}},
    "number-act": {"act": 7, "arguments": {}},
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
def test_what_is_no_act_is_refused_and_the_caller_may_go_on(served: Path, request_: object) -> None:
    with connect(served, 5.0) as caller:
        caller.sendall(encode_frame(request_))
        assert receive_frame(caller)["error"] == "REQUEST_MALFORMED"

        caller.sendall(ASK_CARD)
        assert "result" in receive_frame(caller)


def test_a_caller_that_hangs_up_early_harms_nobody(served: Path) -> None:
    for _ in range(20):
        with connect(served, 5.0) as rude:
            rude.sendall(ASK_CARD)

    with closing(open_custodian(f"worker:{served}", no_secret)) as custodian:
        custodian.card()


def test_many_threads_share_one_custodian(founded: Any, worker: Any) -> None:
    cards: list[object] = []

    with closing(open_custodian(worker.uri, no_secret)) as custodian:
        threads = [
            threading.Thread(target=lambda: cards.extend(custodian.card() for _ in range(20)))
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert cards == [founded.founding.card] * 320


# A user's process that is not admitted, as the kernel sees it


KNOCK = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
knocking = socket.socket(socket.AF_UNIX)
try:
    knocking.connect(sys.argv[1])
except PermissionError:
    sys.exit(13)
try:
    knocking.sendall(bytes.fromhex(sys.argv[2]))
except BrokenPipeError:
    pass
data = b""
while piece := knocking.recv(65536):
    data += piece
    if len(data) > 4 and len(data) - 4 >= int.from_bytes(data[:4], "big"):
        break
sys.stdout.write(data.hex())
"""


def _knock_as_nobody(path: Path) -> subprocess.CompletedProcess[str]:
    # The folders above are the superuser's alone: nobody is led in through /proc, as it were by
    # a folder that a deployment shares.
    folder = os.open(path.parent, os.O_PATH)
    try:
        place = f"/proc/self/fd/{folder}/{path.name}"
        return subprocess.run(
            [sys.executable, "-c", KNOCK, place, ASK_CARD.hex()],
            capture_output=True, text=True, check=False, timeout=60, pass_fds=[folder],
        )  # fmt: skip
    finally:
        os.close(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can become another user")
def test_another_user_cannot_even_reach_the_socket(worker: Any) -> None:
    worker.path.parent.chmod(0o755)

    assert _knock_as_nobody(worker.path).returncode == 13


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can become another user")
def test_another_user_is_refused_by_the_kernels_word(
    founded: Any, tmp_path: Path, start_worker: Callable[..., Any]
) -> None:
    """The socket is open to a service of another user: who is not that user gets no answer."""
    tmp_path.chmod(0o755)
    worker = start_worker(founded, tmp_path / "open.sock", "--admit", "12345")

    answer = bytes.fromhex(_knock_as_nobody(worker.path).stdout)

    assert cbor2.loads(answer[4:])["error"] == "NOT_ADMITTED"


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can become another user")
@pytest.mark.parametrize("user", [str(NOBODY), pwd.getpwuid(NOBODY).pw_name])
def test_the_user_who_is_named_is_served(
    founded: Any, tmp_path: Path, start_worker: Callable[..., Any], user: str
) -> None:
    tmp_path.chmod(0o755)
    worker = start_worker(founded, tmp_path / "open.sock", "--admit", user)

    answer = bytes.fromhex(_knock_as_nobody(worker.path).stdout)

    assert cbor2.loads(answer[4:])["result"]["bytes"] == founded.founding.card.to_bytes()
    assert _status(worker.process.pid, "Uid").split()[0] == "0"


def test_a_user_whom_this_system_does_not_know_is_wrong_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before a key is read: a service that may not come in must not find the door open to all."""
    needed = ["--store", "s", "--credential", "c", "--socket", "p"]
    parser = _parser()

    assert parser.parse_args([*needed, "--admit", "nobody", "--admit", "42"]).admit == [NOBODY, 42]
    with pytest.raises(SystemExit) as ended:
        parser.parse_args([*needed, "--admit", "no-such-user"])
    assert ended.value.code == 2
    assert "no-such-user" in capsys.readouterr().err
