"""A month of records with their proof against a signed head, and of no other month anything.

`month` says which entries these are and holds the hashes beside them; `records` has a line for each
entry. One that was told in another month (clocks differ by moments at midnight) is there as the
commitment that the log holds of it, without its record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from keys import canonical
from keys.log.checkpoints import Checkpoint, NoteKeys, read_checkpoint
from keys.log.errors import LogDamaged
from keys.log.leaves import require_record
from keys.log.notes import Note, VerifierKey
from keys.log.ranges import verify_run
from keys.merkle import HASH_SIZE, ProofInvalid, leaf_hash
from keys.records import Record
from keys.verifier.exported import CHECKPOINT_FILE, read_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MONTH_FILE: Final = "month"
RECORDS_FILE: Final = "records"
MONTH: Final = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")

_TYPE: Final = "depeche/v1 log-month"
_HASHES_MOST: Final = 128
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_COMMITTED: Final = 2


@dataclass(frozen=True)
class Month:
    """Which entries a month has.

    Attributes:
        month: `2026-11`, by universal time.
        first: index of its first entry.
        end: index after its last.
        beside: the roots of what stands beside them, from left to right.
    """

    month: str
    first: int
    end: int
    beside: tuple[bytes, ...]

    def encode(self) -> bytes:
        """The canonical bytes of a `month` file."""
        return canonical.encode(
            {
                "v": 1,
                "type": _TYPE,
                "month": self.month,
                "first": self.first,
                "end": self.end,
                "beside": [canonical.text_from_bytes(each) for each in self.beside],
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> Month:
        """Reads a `month` file.

        Raises:
            LogDamaged: another form.
        """
        try:
            record = Record(canonical.decode(data), "month")
            record.constant("v", 1)
            record.constant("type", _TYPE)
            told = record.items("beside", most=_HASHES_MOST)
            month = cls(
                record.text("month", MONTH),
                record.integer("first"),
                record.integer("end"),
                tuple(canonical.bytes_from_text(each) for each in told),
            )
            record.close()
        except (ValueError, TypeError, AttributeError) as error:
            raise LogDamaged(f"{MONTH_FILE} is malformed") from error
        if any(len(each) != HASH_SIZE for each in month.beside):
            raise LogDamaged(f"{MONTH_FILE} holds a hash of another length")
        return month


@dataclass(frozen=True)
class Proved:
    """A month that holds: the head that says so, its entries, how many of them are withheld."""

    month: Month
    note: Note
    checkpoint: Checkpoint
    withheld: int


def bounds(month: str) -> tuple[int, int]:
    """Gives a month's beginning and its end, microseconds since 1970 by universal time.

    Raises:
        ValueError: it is none.
    """
    if not MONTH.fullmatch(month):
        raise ValueError(f"not a month: {month}")
    begins = datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC)
    ends = (begins + timedelta(days=31)).replace(day=1)
    return (begins - _EPOCH) // _MICROSECOND, (ends - _EPOCH) // _MICROSECOND


def verify_month(folder: Path, key: VerifierKey | NoteKeys) -> Proved:
    """Verifies a folder that `cipher-service audit export --month` wrote.

    The order: 1. the checkpoint is signed by `key` and of its log; 2. `month` and every line are of
    their form, an entry after the other; 3. each record is what its entry commits to, and of this
    month; 4. the entries stand in the tree of the checkpoint where they say.

    Raises:
        NoteMalformed, NoteNotSigned, LogOfAnother: 1 fails.
        LogDamaged: 2, 3 or 4 fails; the text names the month, and the entry where one is at fault.
    """
    note = Note.parse(read_file(folder, CHECKPOINT_FILE))
    checkpoint = read_checkpoint(note, key)
    month = Month.parse(read_file(folder, MONTH_FILE))
    lines = read_file(folder, RECORDS_FILE).splitlines()
    if len(lines) != month.end - month.first:
        raise LogDamaged(f"{month.month}: {len(lines)} lines for {month.end - month.first} entries")
    entries, withheld = [], 0
    for index, line in enumerate(lines, month.first):
        entry, told = _read_line(month.month, index, line)
        entries.append(entry)
        withheld += not told
    _require_there(month, entries, checkpoint)
    return Proved(month, note, checkpoint, withheld)


def _require_there(month: Month, entries: Sequence[bytes], checkpoint: Checkpoint) -> None:
    leaves = [leaf_hash(entry) for entry in entries]
    try:
        verify_run(month.first, leaves, checkpoint.size, month.beside, checkpoint.root)
    except ProofInvalid as error:
        raise LogDamaged(f"{month.month}: not what the log holds there: {error}") from error


def _read_line(month: str, index: int, line: bytes) -> tuple[bytes, bool]:
    """Gives the entry of a line, and whether its record is told."""
    try:
        parts = canonical.decode(line)
        if parts[0] != index:
            raise LogDamaged(f"{month}: entry {parts[0]} stands where {index} must")
        if len(parts) == _COMMITTED:
            return canonical.bytes_from_text(parts[1]), False
        _, entry, salt, record = parts
        data = canonical.bytes_from_text(record)
        said = canonical.decode(data)
        committed = canonical.bytes_from_text(entry)
        kept = canonical.bytes_from_text(salt)
        seq, time_us = said["seq"], int(said["time_us"])
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise LogDamaged(f"{month}: the line of entry {index} is malformed") from error
    begins, ends = bounds(month)
    if seq != index or not begins <= time_us < ends:
        raise LogDamaged(f"{month}: the record of entry {index} is another's")
    try:
        require_record(committed, data, kept)
    except LogDamaged as error:
        raise LogDamaged(f"{month}: entry {index}: {error}") from error
    return committed, True
