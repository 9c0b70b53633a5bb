"""Gates 1 and 2: what the service acknowledged survives kill -9 and power loss.

Each cycle starts the whole service as real processes, lets two posts write to each other through
the API, and ends it in the middle by SIGKILL to every process; the power-loss cycles then forget
whatever was not flushed. The next start must have every dispatch that was ever acknowledged, with
its envelope, and what was cut off can be sent again; at the end `check` must find nothing wrong.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from cipher_service.administration.checking import HARMLESS
from cipher_service.dispatches.integrity import check
from cipher_service.settings import Settings
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.engine import open_engine
from keys.custody import open_custodian, read_credential
from tests.gates.powerloss import Machine
from tests.support.ministry import PostKeys
from tests.surfaces.api.live import Post, Sent, Service, founded

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiler")]

CYCLES = 500 if os.environ.get("GATES") == "full" else 3
SECONDS_OF_LOAD = 0.5
LARGE = 100_000  # bytes: a file of its own, not a row
CAREFUL = """
import sys
from cipher_service.administration.command import main
sys.exit(main(["--data", sys.argv[1], "serve"]))
"""
SERVE = [sys.executable, "-c", CAREFUL]
# The same service on a database that does not flush its commits: the canary.
CARELESS = """
import sys
from cipher_service.storage import engine
careful = engine._prepare_sqlite
def careless(connection, record, **kept):
    careful(connection, record, **kept)
    connection.cursor().execute("PRAGMA synchronous=OFF")
engine._prepare_sqlite = careless
from cipher_service.administration.command import main
sys.exit(main(["--data", sys.argv[1], "serve"]))
"""


@dataclass
class Correspondence:
    """What was handed in over all cycles, and what of it was acknowledged."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    acknowledged: list[Sent] = field(default_factory=list)
    cut_off: list[Sent] = field(default_factory=list)
    numbers: dict[str, dict[str, int]] = field(default_factory=dict)


class Ministry:
    """An installation on a machine that can be killed."""

    def __init__(self, folder: Path, workspace: Path, command: Sequence[str]) -> None:
        folder.mkdir()
        workspace.mkdir()
        self.settings: Settings = founded(folder, workers=1)
        self.machine = Machine(folder, workspace)
        self._command = [*command, str(folder)]
        self._own = {code: PostKeys(code) for code in ("PARIS", "LOME")}
        self._done = Correspondence()
        self._process = 0

    @contextmanager
    def _running(self) -> Iterator[dict[str, Post]]:
        with self.machine.running(self._command) as process:
            self._process = process.pid
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready == f"READY {self.settings.issuer}\n"
            with httpx.Client(base_url=self.settings.issuer, timeout=60, trust_env=False) as client:
                service = Service(self.settings, None, client)  # type: ignore[arg-type]  # a Post needs no process
                posts = {code: Post(service, own) for code, own in self._own.items()}
                for code, post in posts.items():
                    post.numbers = self._done.numbers.setdefault(code, {})
                yield posts
        self._await_silence()

    def enrol(self) -> None:
        """Let the posts enrol; what they did is then durable."""
        with self._running() as posts:
            for post in posts.values():
                code = post.service.issue_code(post.code)
                assert post.enrol(code).status_code == 201
                post.service.activate(post.own.card)
        self.machine.settle()

    def work_until_killed(self) -> list[str]:
        """Verify what an earlier end left, and kill every process of the service under load.

        Returns:
            What `verify` does.
        """
        with self._running() as posts:
            lost = self._lost(posts)
            before = self.acknowledged
            paris, lome = posts["PARIS"], posts["LOME"]
            paris.token()
            lome.token()
            stop = threading.Event()
            senders = [
                threading.Thread(target=self._send_until, args=(stop, one, other, size))
                for one, other, size in ((paris, lome, 2000), (lome, paris, LARGE))
            ]
            for sender in senders:
                sender.start()
            time.sleep(SECONDS_OF_LOAD)
            self._kill()  # while the senders still send
            stop.set()
            for sender in senders:
                sender.join()
        assert self.acknowledged > before, "nothing was acknowledged under load"
        return lost

    def verify(self) -> list[str]:
        """Return the ids of acknowledged dispatches that are not there, whole."""
        with self._running() as posts:
            return self._lost(posts)

    def _lost(self, posts: dict[str, Post]) -> list[str]:
        """Do so, and send what was cut off again."""
        lost = []
        for sent in self._done.acknowledged:
            reader = posts[sent.slip.addressees[0].post]
            answer = reader.get(f"/v1/dispatches/{sent.id}/envelope")
            if answer.status_code != 200 or answer.content != sent.body:
                lost.append(sent.id)
        for sent in self._done.cut_off:
            again = posts[sent.slip.origin].submit(sent.signed.head, sent.body)
            assert again.status_code in (200, 201), again.text
            self._done.acknowledged.append(sent)
        self._done.cut_off.clear()
        return lost

    def findings(self) -> list[str]:
        """Return what `check` finds wrong."""
        credential = self.settings.custodian_credential
        custodian = open_custodian(
            f"file:{self.settings.custodian_store}", lambda _uri: read_credential(credential)
        )
        engine = open_engine(self.settings.database)
        try:
            found = check(engine, Blobs(self.settings.data), custodian.service_key())
            return [str(finding) for finding in found if finding.code not in HARMLESS]
        finally:
            engine.dispose()
            custodian.close()

    @property
    def acknowledged(self) -> int:
        """How many dispatches were acknowledged so far."""
        return len(self._done.acknowledged)

    def _send_until(self, stop: threading.Event, one: Post, other: Post, size: int) -> None:
        while not stop.is_set():
            sent = one.make([other], size)
            try:
                answer = one.submit(sent.signed.head, sent.body)
            except httpx.TransportError:
                answer = None
            with self._done.lock:
                if answer is not None and answer.status_code == 201:
                    self._done.acknowledged.append(sent)
                else:
                    self._done.cut_off.append(sent)
            if answer is None:
                return

    def _kill(self) -> None:
        os.killpg(self._process, signal.SIGKILL)

    def _await_silence(self) -> None:
        """Wait until the kernel has ended every process of the service."""
        name = str(self.settings.data).encode()
        for _ in range(3000):
            if not any(name in words for words in _command_lines()):
                return
            time.sleep(0.02)
        pytest.fail("a process of the service outlived its kill")


def _command_lines() -> Iterator[bytes]:
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield process.read_bytes()


def test_kill_9_loses_nothing_acknowledged(tmp_path: Path) -> None:
    ministry = Ministry(tmp_path / "data", tmp_path / "work", SERVE)
    _play(ministry, cut_power=False)


def test_power_loss_loses_nothing_acknowledged(tmp_path: Path) -> None:
    ministry = Ministry(tmp_path / "data", tmp_path / "work", SERVE)
    _play(ministry, cut_power=True)


def test_the_canary_that_does_not_flush_loses_dispatches(tmp_path: Path) -> None:
    """Else the gate above would be blind."""
    ministry = Ministry(tmp_path / "data", tmp_path / "work", [sys.executable, "-c", CARELESS])
    ministry.enrol()
    for _ in range(max(CYCLES, 3)):
        assert ministry.work_until_killed() == []
        ministry.machine.lose_power()
        try:
            lost = ministry.verify()
        except (AssertionError, httpx.HTTPError):
            return  # so much is gone that the service does not even come up
        if lost:
            return
    pytest.fail("nothing was lost without flushing: the power was not really cut")


def _play(ministry: Ministry, *, cut_power: bool) -> None:
    ministry.enrol()
    for cycle in range(CYCLES):
        assert ministry.work_until_killed() == [], f"lost before cycle {cycle}"
        if cut_power:
            ministry.machine.lose_power()
    assert ministry.verify() == [], "lost in the last cycle"
    ministry.machine.settle()
    assert ministry.findings() == []
