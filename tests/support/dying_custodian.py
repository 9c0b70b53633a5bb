"""A custodian in a process of its own that dies at the n-th step that it takes on its store."""

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from keys.custody.core import Custody
from keys.custody.frames import listen
from keys.custody.remote import RemoteCustodian
from keys.custody.roll import Roll
from keys.custody.roll_file import RollFile
from keys.custody.server import Server
from keys.custody.store import (
    CARD_FILE,
    SECRET_FILE,
    SERVICE_FILE,
    open_store,
    wrap_secret,
    wrap_service,
)
from keys.files import write_new
from tests.support.dying import die_at

CREDENTIAL = b"0" * 64


@dataclass
class DyingCustodian:
    """The keys of a custodian, in a store; `start` and `stop` its process.

    Attributes:
        folder: where the store and the socket are.
        remote: asks it.
    """

    folder: Path
    remote: RemoteCustodian = field(init=False)
    _child: int = 0

    @property
    def store(self) -> Path:
        return self.folder / "custody"

    def found(self, keys: Custody, roll: Roll) -> None:
        self.store.mkdir(mode=0o700)
        write_new(self.store / CARD_FILE, keys.card().to_bytes() + b"\n")
        write_new(self.store / SERVICE_FILE, wrap_service(keys.service, CREDENTIAL))
        write_new(self.store / SECRET_FILE, wrap_secret(keys.bureau, CREDENTIAL))
        RollFile(self.store, CREDENTIAL).write(roll)
        self.remote = RemoteCustodian(self.folder / "custodian.sock")

    def start(self, last: int = 0) -> None:
        """Serve; with `last`, die before that change of the store, without a word."""
        path = self.folder / "custodian.sock"
        path.unlink(missing_ok=True)
        listener = listen(path, mode=0o600)
        self._child = os.fork()
        if self._child == 0:
            try:
                custody = open_store(self.store, CREDENTIAL)
                die_at(self.store, last, prepared=False)
                Server(custody, listener, frozenset({os.geteuid()})).serve()
            finally:
                os._exit(1)
        listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._child:
            self.stop()

    def stop(self) -> bool:
        """End it; says whether it had died by itself."""
        self.remote.close()
        child, self._child = self._child, 0
        os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in {9, -signal.SIGKILL}
        return status == 9
