"""What an identity folder remembers: the numbers it gave out and the dispatches it opened.

One SQLite file `state.db` and one lock file `state.lock`, readable by their owner only.

- **Outgoing numbers** are in `numbers.py`; the lock that they need is here.
- **Incoming.** `admit` records the id and the number of a dispatch whose signatures, parts and
  addressees have all been verified. The identical dispatch is admitted again; the same id or the
  same number with other content is refused. Any order of arrival is normal; numbers below the
  highest one received are reported as missing (ACP 127 paragraph 402).

An id and a number count per origin: a colleague who sees an id cannot use it up for its owner.

    with PostState(folder) as state:
        with state.transaction():
            admission = state.admit(manifest, own_fingerprint)
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cipher_service import clock
from cipher_service.client.closing import Closing
from cipher_service.client.durable import open_database, transaction
from cipher_service.client.numbers import TABLES as OUTGOING
from cipher_service.client.numbers import Numbers
from keys.errors import NumberReused, Replayed
from keys.manifest import Manifest
from keys.rerouting import Rerouting

DATABASE = "state.db"
LOCK = "state.lock"
_EDITION = 1

_INCOMING = """
CREATE TABLE opened (
  origin TEXT NOT NULL,
  dispatch_id TEXT NOT NULL,
  manifest_hash TEXT NOT NULL,
  opened_at TEXT NOT NULL,
  PRIMARY KEY (origin, dispatch_id)
) STRICT;
CREATE TABLE received (
  origin TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  number INTEGER NOT NULL,
  dispatch_id TEXT NOT NULL,
  PRIMARY KEY (origin, epoch, number)
) STRICT
"""


@dataclass(frozen=True, slots=True)
class Incoming:
    """What arrived of one series.

    Attributes:
        origin: post code of the sender.
        epoch: calendar year times 100 plus the incarnation, such as 202600.
        received: how many numbers arrived.
        highest: the highest of them.
        missing: runs of numbers below it that never arrived, ascending.
    """

    origin: str
    epoch: int
    received: int
    highest: int
    missing: tuple[range, ...]


@dataclass(frozen=True, slots=True)
class Admission:
    """A dispatch that may be published.

    Attributes:
        opened_at: when the identical dispatch was first opened; None the first time.
        missing: runs of numbers that are missing now in the series it came by, ascending. Runs,
            since one wild number from a known sender could leave a billion of them.
        numbered_by: the post whose series that is: the origin, or who rerouted it to us.
    """

    opened_at: str | None
    missing: tuple[range, ...]
    numbered_by: str

    @property
    def identical(self) -> bool:
        """Whether this very dispatch was opened before."""
        return self.opened_at is not None


class PostState(Closing):
    """The state of one identity folder.

    Args:
        folder: the identity folder; `state.db` is made inside it.

    Attributes:
        folder: the identity folder.
        numbers: the outgoing numbers.

    Raises:
        OSError: the folder cannot be written.
        sqlite3.Error: the state file is damaged, or was locked for half a minute.
        StateUnreadable: another edition of this program made it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._connection = open_database(folder / DATABASE, OUTGOING + _INCOMING, _EDITION)
        self.numbers = Numbers(self._connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def exclusive(self, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Keep other commands of this identity from numbering while the block lasts.

        The system drops the lock when the command dies.

        Args:
            waiting: called once when another command holds the lock, before waiting for it.
        """
        descriptor = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if waiting is not None:
                    waiting()
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def transaction(self) -> AbstractContextManager[None]:
        """Commit what the block recorded, all of it or, when it raises, nothing."""
        return transaction(self._connection)

    def admit(
        self, manifest: Manifest, fingerprint: str, reroutings: Sequence[Rerouting] = ()
    ) -> Admission:
        """Record a verified dispatch. Inside `transaction`, which the caller commits.

        Args:
            manifest: its signatures, parts and addressees all verified.
            fingerprint: of the card it was opened with; says which entries of `to` are ours.
            reroutings: verified too; who added us gave us a number of their own series.

        Raises:
            Replayed: the same origin used this id for other content.
            NumberReused: the same post used this number for another dispatch to us.
        """
        origin = manifest.sender.post
        series = [
            (post, entry.series.epoch, entry.series.number)
            for post, entries in (
                (origin, manifest.to),
                *((each.addendum.sender.post, each.addendum.to) for each in reroutings),
            )
            for entry in entries
            if entry.fingerprint == fingerprint and entry.series is not None
        ]
        opened_at = self._opened(origin, manifest.id, manifest.hash)
        if opened_at is None:
            self._connection.execute(
                "INSERT INTO opened (origin, dispatch_id, manifest_hash, opened_at)"
                " VALUES (?, ?, ?, ?)",
                (origin, manifest.id, manifest.hash, clock.text(clock.now())),
            )
            for post, epoch, number in series:
                self._receive(post, epoch, number, manifest.id)
        numbered_by = series[0][0] if series else origin
        epochs = sorted({epoch for post, epoch, _ in series if post == numbered_by})
        missing = (run for epoch in epochs for run in self._missing(numbered_by, epoch))
        return Admission(opened_at, tuple(missing), numbered_by)

    def knows(self, origin: str, dispatch_id: str) -> bool:
        """Tell whether a dispatch of that origin was opened here."""
        found = self._connection.execute(
            "SELECT 1 FROM opened WHERE origin = ? AND dispatch_id = ?", (origin, dispatch_id)
        )
        return found.fetchone() is not None

    def _opened(self, origin: str, dispatch_id: str, manifest_hash: str) -> str | None:
        row = self._connection.execute(
            "SELECT manifest_hash, opened_at FROM opened WHERE origin = ? AND dispatch_id = ?",
            (origin, dispatch_id),
        ).fetchone()
        if row is None:
            return None
        if row["manifest_hash"] != manifest_hash:
            raise Replayed(f"{origin} already sent other content under the id {dispatch_id}")
        return str(row["opened_at"])

    def _receive(self, origin: str, epoch: int, number: int, dispatch_id: str) -> None:
        row = self._connection.execute(
            "SELECT dispatch_id FROM received WHERE origin = ? AND epoch = ? AND number = ?",
            (origin, epoch, number),
        ).fetchone()
        if row is not None:
            raise NumberReused(
                f"{origin} already gave number {number} of {epoch} to {row['dispatch_id']}"
            )
        self._connection.execute(
            "INSERT INTO received (origin, epoch, number, dispatch_id) VALUES (?, ?, ?, ?)",
            (origin, epoch, number, dispatch_id),
        )

    def _missing(self, origin: str, epoch: int) -> list[range]:
        rows = self._connection.execute(
            "SELECT before, number FROM (SELECT number, lag(number, 1, 0) OVER (ORDER BY number)"
            " AS before FROM received WHERE origin = ? AND epoch = ?)"
            " WHERE number > before + 1 ORDER BY number",
            (origin, epoch),
        )
        return [range(row["before"] + 1, row["number"]) for row in rows]

    def incoming(self) -> list[Incoming]:
        """Return every series that arrived, by origin and epoch."""
        rows = self._connection.execute(
            "SELECT origin, epoch, count(*) AS count, max(number) AS highest FROM received"
            " GROUP BY origin, epoch ORDER BY origin, epoch"
        ).fetchall()
        return [
            Incoming(
                row["origin"],
                row["epoch"],
                row["count"],
                row["highest"],
                tuple(self._missing(row["origin"], row["epoch"])),
            )
            for row in rows
        ]
