"""A founded store, a worker in its own process, and dispatches to rob it with."""

import io
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from keys.age.header import Header
from keys.cards import Card
from keys.custody import Bureau, Custodian, Founding, found, open_custodian
from keys.custody.bureau_opening import PREFIX_BYTES
from keys.custody.core import Custody
from keys.custody.frames import listen
from keys.custody.log_keys import HeadInMemory
from keys.custody.officers import Officers
from keys.custody.roll_file import RollFile
from keys.custody.server import Server
from keys.custody.store import open_store, read_credential
from keys.dispatch import Destination, encipher
from keys.manifest import Heading, Label, Series
from tests.support.officers import Hours, Ministry, found_ministry, whole_now

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DISPATCH = "01KAMV6R8P3ZDFWQ5XJ9T2C4EN"


@dataclass(frozen=True)
class Founded:
    """A store as `found` made it."""

    store: Path
    credential: Path
    founding: Founding


@dataclass(frozen=True)
class Worker:
    """A custodian's process."""

    process: subprocess.Popen[str]
    path: Path

    @property
    def uri(self) -> str:
        return f"worker:{self.path}"


@dataclass(frozen=True)
class Envelope:
    """An enciphered dispatch, taken apart as a caller of the custodian would."""

    data: bytes

    @property
    def header(self) -> Header:
        return Header.parse(io.BytesIO(self.data))

    @property
    def payload(self) -> bytes:
        return self.data[len(self.header.encode()) :]

    @property
    def prefix(self) -> bytes:
        return self.payload[:PREFIX_BYTES]


def _office(post: str) -> Custody:
    """The keys of some post, in this process."""
    return Custody.generate(post, valid_from=START, valid_until=END)


def _dispatch(sender: Custodian, *cards: Card, message: bytes = b"Bonjour.\n") -> Envelope:
    """An envelope from `sender` to `cards`."""
    heading = Heading(
        id=DISPATCH,
        kind="telegram",
        label=Label("CMR", "SECRET"),
        dtg=NOON,
        created=NOON,
        subject="Visite",
    )
    destinations = [Destination(card, "FLASH", Series(202600, 1)) for card in cards]
    sink = io.BytesIO()
    encipher(heading, destinations, message, signer=Bureau(sender), sink=sink)
    return Envelope(sink.getvalue())


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """A command that runs in this process narrows the umask for good, as its own process may."""
    before = os.umask(0o077)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture
def dispatch() -> Callable[..., Envelope]:
    return _dispatch


@pytest.fixture(scope="session")
def paris() -> Custody:
    return _office("PARIS")


@pytest.fixture(scope="session")
def lome() -> Custody:
    return _office("LOME")


@pytest.fixture
def founded(tmp_path: Path) -> Founded:
    store, credential = tmp_path / "custody", tmp_path / "credentials" / "wrapping"
    return Founded(store, credential, found(store, credential, "MINREX", START, END))


def _start(stack: ExitStack, founded: Founded, path: Path, *options: str) -> Worker:
    process = stack.enter_context(
        subprocess.Popen(
            [
                *(sys.executable, "-m", "keys.custody.worker"),
                *("--store", str(founded.store)),
                *("--credential", str(founded.credential)),
                *("--socket", str(path)),
                *options,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    stack.callback(process.kill)
    assert process.stdout is not None
    assert process.stdout.readline() == f"READY {path}\n"
    return Worker(process, path)


@pytest.fixture
def custody(founded: Founded) -> Custody:
    """The founded store, opened in this process."""
    return open_store(founded.store, read_credential(founded.credential))


@pytest.fixture
def start_worker() -> Iterator[Callable[..., Worker]]:
    """Start a worker on a store and wait until it serves; whatever still runs is killed."""
    with ExitStack() as stack:
        yield partial(_start, stack)


@pytest.fixture
def worker(founded: Founded, tmp_path: Path, start_worker: Callable[..., Worker]) -> Worker:
    return start_worker(founded, tmp_path / "custodian.sock")


@pytest.fixture(scope="session")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    """A store that no test may change."""
    folder = tmp_path_factory.mktemp("lasting")
    store, credential = folder / "custody", folder / "wrapping"
    return Founded(store, credential, found(store, credential, "MINREX", START, END))


@pytest.fixture(scope="session")
def survivor(lasting: Founded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker that outlives whatever the tests send to it, one after the other."""
    with ExitStack() as stack:
        yield _start(stack, lasting, tmp_path_factory.mktemp("survivor") / "custodian.sock")


@pytest.fixture
def open_door(tmp_path: Path, lome: Custody) -> Iterator[Callable[..., Server]]:
    """Serve in a thread of this process."""
    with ExitStack() as stack:

        def serve(
            custody: Custody = lome,
            listener: socket.socket | None = None,
            admitted: frozenset[int] = frozenset({os.geteuid()}),
        ) -> Server:
            door = Server(custody, listener or listen(tmp_path / "door.sock", mode=0o600), admitted)
            thread = threading.Thread(target=door.serve)
            thread.start()
            stack.callback(thread.join)
            stack.callback(door.stop)
            return door

        yield serve


@pytest.fixture(params=["process", "thread"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The socket of a custodian: a real worker's, or the same loop in this process."""
    if request.param == "process":
        survivor: Worker = request.getfixturevalue("survivor")
        return survivor.path
    request.getfixturevalue("open_door")()
    return tmp_path / "door.sock"


@pytest.fixture
def ministry() -> Ministry:
    return found_ministry(whole_now())


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def custodian(founded: Founded, ministry: Ministry, hours: Hours) -> Custodian:
    """The custodian in this process, its clock in the test's hand."""
    credential = read_credential(founded.credential)
    file = RollFile(founded.store, credential)
    file.write(ministry.roll)
    keys = open_store(founded.store, credential)
    return Custody(keys.service, keys.secret, HeadInMemory(), Officers(file, hours))


@pytest.fixture
def appoint(founded: Founded, ministry: Ministry) -> Callable[..., None]:
    """Writes other functions, ranks and the like of officers into the custodian's roll."""

    def write(changes: Mapping[str, Mapping[str, Any]]) -> None:
        officers = {
            number: replace(one, **changes.get(number, {}))
            for number, one in ministry.roll.officers.items()
        }
        RollFile(founded.store, read_credential(founded.credential)).write(
            replace(ministry.roll, officers=officers)
        )

    return write


@pytest.fixture
def worker_of(
    founded: Founded, ministry: Ministry, start_worker: Callable[..., Worker]
) -> Iterator[Custodian]:
    """The custodian in a process of its own."""
    RollFile(founded.store, read_credential(founded.credential)).write(ministry.roll)
    started = start_worker(founded, founded.store.parent / "custodian.sock")
    client = open_custodian(started.uri, lambda _: b"")
    yield client
    client.close()
