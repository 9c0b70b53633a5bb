"""What the log tells of suspensions of keys that were ended at the custodian's terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from cipher_service.audit.records import DONE
from cipher_service.storage.tables.audit import audit_entry
from keys import canonical
from keys.custody.book import Book
from keys.lifecycle import ACTIVE, DEACTIVATED, SUCCEEDED, SUSPENDED, KeyVersion

RESUMED: Final = "key_resume"
CARRIED: Final = "restore_resumption"
"""A restored log's entry for each resumption that the log of before told of."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """A suspension's end.

    Attributes:
        key: its name.
        number: of the version.
        fingerprint: of its public side.
        move: which of the version's moves it is, from 0: one second may see several.
        to: the state it came to stand in.
        at: when, UTC, whole seconds.
    """

    key: str
    number: int
    fingerprint: str
    move: int
    to: str
    at: datetime

    @classmethod
    def last_of(cls, version: KeyVersion) -> "Resumption":
        """What has just been done to a version."""
        return cls._of(version, len(version.history) - 1)

    @classmethod
    def _of(cls, version: KeyVersion, move: int) -> "Resumption":
        made = version.history[move]
        return cls(version.key, version.number, version.fingerprint, move, made.to, made.at)

    @classmethod
    def all_in(cls, book: Book) -> list["Resumption"]:
        """Every one that a custodian tells, the oldest first."""
        found = [
            cls._of(version, move)
            for version in book.versions
            for move, (before, after) in enumerate(pairwise(version.history), 1)
            if before.to == SUSPENDED and after.to in {ACTIVE, DEACTIVATED}
            if after.reason != SUCCEEDED
        ]
        return sorted(found, key=lambda each: each.at)

    @property
    def digest(self) -> str:
        """What its entry names, hexadecimal SHA-256."""
        said = {
            "v": 1,
            "type": "depeche/v1 resumption",
            "key": self.key,
            "number": self.number,
            "fingerprint": self.fingerprint,
            "move": self.move,
            "to": self.to,
            "at": canonical.text_from_time(self.at),
        }
        return sha256(canonical.encode(said)).hexdigest()


def untold(connection: Connection, book: Book) -> list[Resumption]:
    """Return the resumptions that a custodian tells and the log does not, the oldest first.

    An entry of before they had digests tells of its key's oldest one that no other tells of.
    """
    found, rows = [], _entries(connection)
    told = {canonical.decode(row.record).get("statement") for row in rows}
    nameless = [row.resource for row in rows if "statement" not in canonical.decode(row.record)]
    for each in Resumption.all_in(book):
        if each.digest in told:
            continue
        if each.key in nameless:
            nameless.remove(each.key)
        else:
            found.append(each)
    return found


def _entries(connection: Connection) -> Sequence[Row[Any, Any]]:
    entry = audit_entry.c
    asked = select(entry.resource, entry.record)
    done = (entry.outcome == DONE, entry.action.in_((RESUMED, CARRIED)))
    return connection.execute(asked.where(*done).order_by(entry.seq)).all()
