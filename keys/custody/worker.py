"""The custodian as a process of its own.

    python -m keys.custody.worker --store DIR --credential FILE --socket PATH
                                  [--admit USER ...] [--production]
                                  [--hsm-module SO --hsm-pin FILE]

Prints `READY PATH` once it serves; ends cleanly on SIGTERM and SIGINT. It serves processes of its
own user and of those that --admit gives by name or number. With --production the bureau's keys
serve nobody until the founding ceremony was closed (`keys.custody.ceremony`). With --hsm-module the
credential is one that a hardware security module seals (`keys.custody.hsm`). Its memory reaches
neither core files nor other processes of the same user (prctl(2) PR_SET_DUMPABLE, setrlimit(2)
RLIMIT_CORE). It imports nothing of the service.

Exit status: 0 stopped, 1 refused (the store, the credential; named on stderr), 3 the system failed.
"""

from __future__ import annotations

import argparse
import os
import pwd
import signal
import stat
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keys.confinement import forbid_dumps
from keys.custody.clock import ClockMark, system_clock
from keys.custody.errors import StoreBusy, StoreUnsafe
from keys.custody.files import alone
from keys.custody.frames import connect, listen
from keys.custody.server import Server
from keys.custody.store import open_store, read_credential
from keys.exits import exit_status

if TYPE_CHECKING:
    import socket
    from collections.abc import Collection, Iterator, Sequence

    from keys.custody.core import Custody

_SECONDS: Final = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the worker; gives its exit status."""
    options = _parser().parse_args(arguments)
    os.umask(0o077)
    return exit_status(lambda: _work(options))


def _work(options: argparse.Namespace) -> None:
    forbid_dumps()
    credential = _credential(options)
    custody = open_store(options.store, credential, production=options.production)
    # The store before the place: of two that start at once, none takes the other's socket away.
    with hold_store(options.store):
        system_clock.go_on_from(ClockMark(options.store))
        _serve(custody, options.socket, {os.geteuid(), *options.admit})


def _serve(custody: Custody, path: Path, admitted: Collection[int]) -> None:
    server = Server(custody, take_place(path, admitted), admitted)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    sys.stdout.write(f"READY {path}\n")
    sys.stdout.flush()
    server.serve()
    path.unlink(missing_ok=True)


@contextmanager
def hold_store(store: Path) -> Iterator[None]:
    """Keeps a store for this process alone; however the process ends, the kernel lets go of it.

    Two custodians on one store would each remember other grants and other challenges.

    Raises:
        StoreBusy: another one has it.
        OSError: the disk refuses.
    """
    with ExitStack() as held:
        try:
            held.enter_context(alone(store / "custodian.lock", wait=False))
        except BlockingIOError as error:
            raise StoreBusy(f"another custodian serves from {store}") from error
        yield


def take_place(path: Path, admitted: Collection[int]) -> socket.socket:
    """Listens at `path`, in place of a worker that died there.

    Other users than our own can only be admitted if they can reach the socket at all; it is the
    kernel's word on who they are that admits them.

    Raises:
        StoreUnsafe: what stands at `path` is not a socket of ours.
        FileExistsError: a living worker serves there.
        OSError: the place cannot be taken.
    """
    with suppress(FileNotFoundError):
        status = path.lstat()
        if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.geteuid():
            raise StoreUnsafe(f"{path} is there already and is not a socket of this user")
        with suppress(ConnectionRefusedError):
            connect(path, _SECONDS).close()
            raise FileExistsError(f"another custodian serves at {path}")
        path.unlink()
    return listen(path, mode=0o600 if set(admitted) == {os.geteuid()} else 0o666)


def _credential(options: argparse.Namespace) -> bytes:
    """The store's credential, by a hardware security module where one is named."""
    if options.hsm_module is None:
        return read_credential(options.credential)
    from keys.custody.hsm import Module, read_wrapped  # noqa: PLC0415  only where a module is

    return read_wrapped(options.credential, Module(options.hsm_module, options.hsm_pin))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m keys.custody.worker")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--credential", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--admit", type=_user, action="append", default=[], metavar="USER")
    parser.add_argument("--production", action="store_true")
    parser.add_argument("--hsm-module", type=Path, metavar="SO")
    parser.add_argument("--hsm-pin", type=Path, metavar="FILE")
    return parser


def _user(text: str) -> int:
    """The number of the user that is named by number or by name.

    Raises:
        ValueError: this system knows no such user.
    """
    if text.isdecimal():
        return int(text)
    try:
        return pwd.getpwnam(text).pw_uid
    except KeyError as error:
        raise ValueError(text) from error


if __name__ == "__main__":
    sys.exit(main())
