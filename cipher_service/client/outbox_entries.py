"""What lies in the outbox: dispatches, the notes that follow them, and their tables."""

from dataclasses import dataclass
from enum import StrEnum
from io import BufferedReader

TABLES = """
CREATE TABLE dispatch (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  dispatch_id TEXT NOT NULL UNIQUE,
  mark TEXT NOT NULL,
  urgency INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (
    status IN ('drafted', 'queued', 'uploading', 'acknowledged', 'refused')
  ),
  slip BLOB NOT NULL,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  queued_at TEXT NOT NULL,
  upload TEXT,
  receipt BLOB,
  refusal TEXT,
  shown INTEGER NOT NULL DEFAULT 0,
  CHECK ((status = 'acknowledged') = (receipt IS NOT NULL)),
  CHECK ((status = 'refused') = (refusal IS NOT NULL))
);
CREATE INDEX dispatch_mark ON dispatch (mark);
CREATE TABLE note (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  path TEXT NOT NULL,
  body BLOB NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'acknowledged', 'refused')),
  refusal TEXT,
  CHECK ((status = 'refused') = (refusal IS NOT NULL))
);
"""
CONTINUITY = """
ALTER TABLE dispatch ADD COLUMN register TEXT;
ALTER TABLE note ADD COLUMN posted_at TEXT;
UPDATE note SET posted_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE status = 'acknowledged';
CREATE TABLE earlier_receipt (
  dispatch_id TEXT NOT NULL,
  receipt BLOB NOT NULL,
  PRIMARY KEY (dispatch_id, receipt)
);
CREATE TABLE ministry (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  log TEXT NOT NULL,
  cancelled TEXT NOT NULL,
  covered TEXT
);
"""
"""What edition 2 adds: which log stood for the ministry, how far its backup reaches, and the
receipts of the time before a restore."""


class Status(StrEnum):
    """Where a dispatch that entered stands. The last two are ends."""

    QUEUED = "queued"
    UPLOADING = "uploading"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Entry:
    """A dispatch in the outbox.

    Attributes:
        dispatch_id: ULID, as in its manifest.
        mark: recognises the same act of sending when it is typed again.
        urgency: rank of its highest precedence; higher leaves first.
        status: where it stands.
        slip: canonical JSON of the slip with its signature, exactly as it is submitted.
        sha256: of the envelope, hex.
        size: of the envelope, bytes.
        queued_at: when it entered, `YYYY-MM-DDTHH:MM:SSZ`.
        upload: address of the resumable upload under way, if any.
        receipt: the ministry's receipt, once acknowledged.
        refusal: code of the ministry's refusal, once refused.
        shown: whether the end was told to the person who sent it.
        register: the number of its receipt; None while there is none, or where an edition of this
            program that did not keep it wrote the entry.
        earlier: the receipts that it had before the ministry was restored from a backup.
    """

    dispatch_id: str
    mark: str
    urgency: int
    status: Status
    slip: bytes
    sha256: str
    size: int
    queued_at: str
    upload: str | None
    receipt: bytes | None
    refusal: str | None
    shown: bool
    register: str | None = None
    earlier: tuple[bytes, ...] = ()

    @property
    def pending(self) -> bool:
        """Whether the ministry has not yet answered for it."""
        return self.status in {Status.QUEUED, Status.UPLOADING}


@dataclass(frozen=True, slots=True)
class Note:
    """A small signed act that waits to be posted.

    Attributes:
        name: what it is about, unique: `receipt/01J.../delivered`.
        path: where it is posted, under the server's address.
        body: the bytes to post, signed already; canonical JSON.
        posted_at: when the ministry first had it, None when it never did.
    """

    name: str
    path: str
    body: bytes
    posted_at: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The ministry as the outbox last met it.

    Attributes:
        log: the name of its log; another one means that it was restored from a backup.
        cancelled: (year, first, last) of the register numbers that restores skipped.
        covered: the last register number in its backups, as its log proves; None when unknown.
    """

    log: str
    cancelled: tuple[tuple[int, int, int], ...]
    covered: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A dispatch that this command alone may send until `Outbox.claim` ends."""

    entry: Entry
    file: BufferedReader
