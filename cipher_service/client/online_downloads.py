"""Bringing one envelope to disk: resumed where it broke, believed only by its slip's hash."""

import fcntl
import os
import re
from hashlib import file_digest, sha256
from io import FileIO
from pathlib import Path
from typing import Final

import httpx

from cipher_service.client.durable import sync_folder
from cipher_service.client.failures import Unavailable
from cipher_service.client.online_refusals import Distrusted, Unreachable
from cipher_service.client.online_session import Session
from cipher_service.client.terminal import Advance
from keys.slips import Slip

_PIECE: Final = 1024 * 1024
_PARTIAL: Final = 206
_RANGE: Final = re.compile(r"bytes ([0-9]{1,16})-[0-9]{1,16}/([0-9]{1,16})")


def download(session: Session, slip: Slip, path: Path) -> bool:
    """Bring the envelope of a slip to `path`, whole and durable; False when it was there already.

    Raises:
        Unreachable: the network is gone; what arrived is kept for the next time.
        Distrusted: what arrived is not what the slip describes; it is wiped.
        Unavailable: another command is fetching it.
        MinistryRefused, OSError: likewise by name.
    """
    if path.exists():
        with path.open("rb") as file:
            if file_digest(file, "sha256").hexdigest() == slip.envelope_sha256:
                return False
    partial = path.with_name(f".{path.name}.partial")
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with FileIO(descriptor, "r+b") as file:
        _lock(file, slip.dispatch_id)
        with session.terminal.progress("fetching", slip.envelope_size) as advance:
            arriving = _Arriving(file, slip, advance)
            while not arriving.complete:
                _receive(session, slip, arriving)
        if arriving.sha256 != slip.envelope_sha256:
            partial.unlink()
            raise Distrusted("ENVELOPE_DIFFERS", dispatch_id=slip.dispatch_id)
        os.fsync(descriptor)
        partial.replace(path)
    sync_folder(path.parent)
    return True


class _Arriving:
    """An envelope as far as it has come, with the hash of that much."""

    def __init__(self, file: FileIO, slip: Slip, advance: Advance) -> None:
        self._file = file
        self._size = slip.envelope_size
        self._advance = advance
        self._digest = sha256()
        self.place = 0
        while piece := file.read(_PIECE):
            self._count(piece)
        if self.place > self._size:
            self.restart()

    @property
    def complete(self) -> bool:
        return self.place >= self._size

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest() if self.place == self._size else ""

    def restart(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._advance(-self.place)
        self._digest, self.place = sha256(), 0

    def take(self, piece: bytes) -> None:
        view = memoryview(piece)
        while view:
            view = view[self._file.write(view) or 0 :]
        self._count(piece)

    def _count(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.place += len(piece)
        self._advance(len(piece))


def _receive(session: Session, slip: Slip, arriving: _Arriving) -> None:
    """Read once from where the envelope stands; a line that breaks on the way is forgiven."""
    before = arriving.place
    try:
        with session.ministry.envelope(slip.dispatch_id, before, slip.envelope_sha256) as response:
            if response.status_code != _PARTIAL and before:
                arriving.restart()
            elif response.status_code == _PARTIAL:
                _require_range(response, before, slip.envelope_size)
            # No chunk size: what httpx gathers into chunks is lost when the line breaks.
            for piece in response.iter_raw():
                arriving.take(piece)
                if arriving.place > slip.envelope_size:
                    return  # longer than announced: the hash will say so
    except Unreachable:
        if arriving.place == before:
            raise
    if arriving.place == before:
        raise Unreachable("NETWORK_BROKEN")


def _require_range(response: httpx.Response, start: int, size: int) -> None:
    told = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if told is None or (int(told[1]), int(told[2])) != (start, size):
        raise Distrusted("ANSWER_MALFORMED", header="Content-Range")


def _lock(file: FileIO, dispatch_id: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Unavailable("FETCHED_ELSEWHERE", dispatch_id=dispatch_id) from None
