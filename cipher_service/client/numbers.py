"""The numbers that a post gives to its dispatches, one series per addressee.

A number is allocated by a commit before the manifest that carries it is signed, and is never given
out again. It ends `issued` or `cancelled`; a cancelled number stays visible and counts as used
(ACP 127 paragraph 424b). Allocating, signing and settling happen inside `PostState.exclusive`, one
command at a time, since a manifest names the hash of the one before it in its series. Whatever is
still `allocated` when the next command holds the lock belonged to a command that died, and
`recover` settles it.
"""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cipher_service import clock
from cipher_service.client.durable import transaction
from cipher_service.references import INCARNATIONS, series_epoch

TABLES = """
CREATE TABLE outgoing (
  addressee TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  number INTEGER NOT NULL CHECK (number >= 1),
  dispatch_id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('allocated', 'issued', 'cancelled')),
  allocated_at TEXT NOT NULL,
  settled_at TEXT,
  manifest_hash TEXT,
  partial BLOB,
  reason TEXT,
  PRIMARY KEY (addressee, epoch, number),
  CHECK (status <> 'issued' OR manifest_hash IS NOT NULL),
  CHECK ((status = 'cancelled') = (reason IS NOT NULL))
) STRICT;
CREATE INDEX outgoing_dispatch ON outgoing (dispatch_id);
"""
# Apart, since a folder that was put back may be older than this table.
_REOPENED = "CREATE TABLE IF NOT EXISTS reopened (epoch INTEGER PRIMARY KEY, at TEXT NOT NULL)"


class Status(StrEnum):
    """Where an outgoing number stands. The last two are ends."""

    ALLOCATED = "allocated"
    ISSUED = "issued"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class SeriesNumber:
    """A place in a series from one origin to one addressee.

    Attributes:
        epoch: calendar year times 100 plus the incarnation, such as 202600.
        number: from 1, without gaps.
        previous: hex SHA-256 of the manifest issued before it in this series, if any.
    """

    epoch: int
    number: int
    previous: str | None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An outgoing number and what became of it."""

    addressee: str
    epoch: int
    number: int
    dispatch_id: str
    status: Status
    allocated_at: str
    settled_at: str | None
    manifest_hash: str | None
    reason: str | None


class Numbers:
    """The outgoing numbers of one identity folder; reached as `PostState.numbers`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute(_REOPENED)

    def epoch(self, year: int, incarnation: int) -> int:
        """Return the epoch to number in: a reopened one of that year, else the given incarnation's.

        Args:
            year: of the dispatch.
            incarnation: of the post's edition.
        """
        (reopened,) = self._connection.execute(
            "SELECT max(epoch) FROM reopened WHERE epoch / ? = ?", (INCARNATIONS, year)
        ).fetchone()
        return series_epoch(year, incarnation) if reopened is None else int(reopened)

    def latest_epoch(self, year: int) -> int | None:
        """Return the highest epoch of a year in which this folder has numbered or may, if any."""
        (latest,) = self._connection.execute(
            "SELECT max(epoch) FROM (SELECT epoch FROM outgoing UNION ALL SELECT epoch FROM"
            " reopened) WHERE epoch / ? = ?",
            (INCARNATIONS, year),
        ).fetchone()
        return None if latest is None else int(latest)

    def reopen(self, epoch: int) -> None:
        """Number in this epoch from now on, for the rest of its year."""
        with transaction(self._connection):
            self._connection.execute(
                "INSERT INTO reopened (epoch, at) VALUES (?, ?)", (epoch, clock.text(clock.now()))
            )

    def allocate(
        self, dispatch_id: str, addressees: Sequence[str], epoch: int, partial: Path
    ) -> dict[str, SeriesNumber]:
        """Take the next number of each addressee's series, durably.

        Args:
            dispatch_id: ULID of the dispatch to be signed.
            addressees: post codes, each once; the sender's own copy takes no number.
            epoch: from `epoch`.
            partial: where the enciphered file is written before it has its final name.

        Returns:
            The number for each addressee.
        """
        at = clock.text(clock.now())
        with transaction(self._connection):
            numbers = {addressee: self._next(addressee, epoch) for addressee in addressees}
            self._connection.executemany(
                "INSERT INTO outgoing (addressee, epoch, number, dispatch_id, status, allocated_at,"
                " partial) VALUES (?, ?, ?, ?, 'allocated', ?, ?)",
                [
                    (post, epoch, taken.number, dispatch_id, at, os.fsencode(partial.absolute()))
                    for post, taken in numbers.items()
                ],
            )
        return numbers

    def _next(self, addressee: str, epoch: int) -> SeriesNumber:
        (highest,) = self._connection.execute(
            "SELECT coalesce(max(number), 0) FROM outgoing WHERE addressee = ? AND epoch = ?",
            (addressee, epoch),
        ).fetchone()
        previous = self._connection.execute(
            "SELECT manifest_hash FROM outgoing WHERE addressee = ? AND epoch = ?"
            " AND status = 'issued' ORDER BY number DESC LIMIT 1",
            (addressee, epoch),
        ).fetchone()
        return SeriesNumber(epoch, highest + 1, previous["manifest_hash"] if previous else None)

    def finish(self, dispatch_id: str, manifest_hash: str) -> None:
        """Record that the partial file is complete and about to be renamed.

        From here on a command that dies leaves a trace that can be read: the partial file is
        still there (nothing was published) or it is gone (it was).
        """
        with transaction(self._connection):
            self._connection.execute(
                "UPDATE outgoing SET manifest_hash = ? WHERE dispatch_id = ?"
                " AND status = 'allocated'",
                (manifest_hash, dispatch_id),
            )

    def issue(self, dispatch_id: str, manifest_hash: str) -> None:
        """Record that the dispatch exists under its final name."""
        with transaction(self._connection):
            self._issue(dispatch_id, manifest_hash)

    def _issue(self, dispatch_id: str, manifest_hash: str) -> None:
        self._connection.execute(
            "UPDATE outgoing SET status = 'issued', manifest_hash = ?, settled_at = ?,"
            " partial = NULL WHERE dispatch_id = ? AND status = 'allocated'",
            (manifest_hash, clock.text(clock.now()), dispatch_id),
        )

    def cancel(self, dispatch_id: str, reason: str) -> None:
        """Cancel the numbers of a dispatch that will never be sent; again is harmless.

        Args:
            dispatch_id: whose numbers; an unknown id has none.
            reason: a stable word, such as `interrupted`, or the code of a refusal.
        """
        with transaction(self._connection):
            self._cancel(dispatch_id, reason)

    def _cancel(self, dispatch_id: str, reason: str) -> None:
        self._connection.execute(
            "UPDATE outgoing SET status = 'cancelled', reason = ?, settled_at = ?, partial = NULL"
            " WHERE dispatch_id = ? AND status <> 'cancelled'",
            (reason, clock.text(clock.now()), dispatch_id),
        )

    def recover(self) -> tuple[list[Outgoing], list[Path]]:
        """Settle what dead commands left behind. Inside `PostState.exclusive`.

        Returns:
            The numbers cancelled now, and where their partial files may be.
        """
        cancelled: set[str] = set()
        leftovers = []
        with transaction(self._connection):
            rows = self._connection.execute(
                "SELECT DISTINCT dispatch_id, manifest_hash, partial FROM outgoing"
                " WHERE status = 'allocated'"
            ).fetchall()
            for row in rows:
                partial = Path(os.fsdecode(row["partial"]))
                if row["manifest_hash"] is not None and not partial.exists():
                    self._issue(row["dispatch_id"], row["manifest_hash"])
                    continue
                self._cancel(row["dispatch_id"], "interrupted")
                cancelled.add(row["dispatch_id"])
                leftovers.append(partial)
        return [each for each in self.entries() if each.dispatch_id in cancelled], leftovers

    def entries(self) -> list[Outgoing]:
        """Return every outgoing number, by addressee, epoch and number."""
        rows = self._connection.execute(
            "SELECT addressee, epoch, number, dispatch_id, status, allocated_at, settled_at,"
            " manifest_hash, reason FROM outgoing ORDER BY addressee, epoch, number"
        )
        return [Outgoing(**{**dict(row), "status": Status(row["status"])}) for row in rows]
