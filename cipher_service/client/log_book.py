"""What a post knows of the ministry's log: whom it believes, the last head, what others saw.

One SQLite file `log.db` in the identity folder. The head only ever grows, consistently: whoever
calls `keep_head` has verified that. Heads that others carried in their mail wait here until the
ministry's tiles say whether they belong to the same history; what contradicts stays, with the
signed heads that show it, until a person confirms the log anew.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from cipher_service import clock
from cipher_service.client.closing import Closing
from cipher_service.client.durable import open_database, transaction
from keys.errors import Refusal
from keys.log.checkpoints import Checkpoint, NoteKeys, own_note
from keys.log.errors import LogKeyEnded
from keys.log.notes import Note, VerifierKey
from keys.log.succession import LogLine, LogVerifiers

DATABASE: Final = "log.db"
AGREES: Final = "AGREES"
FORK_BELIEVED: Final = "LOG_FORK_BELIEVED"
"""The verdict on a head that was believed here, and that a head named by the root contradicts."""
CARRIED_MAX: Final = 4096
"""Characters of a head in a manifest or a receipt (keys/SPEC.md §4)."""
_EDITION: Final = 2
_SUCCESSIONS: Final = """
CREATE TABLE succession (
  position INTEGER PRIMARY KEY,
  file BLOB NOT NULL
) STRICT
"""
_UPGRADES: Final = {1: _SUCCESSIONS}
_TABLES: Final = f"""
CREATE TABLE pin (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  vkey TEXT NOT NULL,
  cosigner TEXT NOT NULL,
  pinned_at TEXT NOT NULL
) STRICT;
CREATE TABLE head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  note TEXT NOT NULL,
  verified_at TEXT NOT NULL,
  cosigned INTEGER NOT NULL
) STRICT;
CREATE TABLE heard (
  post TEXT NOT NULL,
  digest TEXT NOT NULL,
  note TEXT NOT NULL,
  about TEXT NOT NULL,
  heard_at TEXT NOT NULL,
  verdict TEXT,
  told INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (post, digest)
) STRICT;
{_SUCCESSIONS}"""


@dataclass(frozen=True, slots=True)
class LogPin:
    """The log that is believed: the keys that sign each of its heads.

    Attributes:
        key: signs them now.
        cosigner: cosigns them.
        successions: how these keys followed those that a person believed, each verified when it
            came; the oldest first.
    """

    key: VerifierKey
    cosigner: VerifierKey
    successions: tuple[bytes, ...] = ()

    @property
    def verifiers(self) -> LogVerifiers:
        """The keys that sign now, whatever the log's name."""
        return LogVerifiers(self.key.public, self.cosigner.public)

    def read(self, note: Note) -> Checkpoint:
        """Read a head that these keys signed, or those before them while they served.

        Raises:
            NoteNotSigned, NoteMalformed, LogOfAnother, LogKeyEnded, LogForked: see `LogLine`.
        """
        return self.line.read_head(note, self.key.name)

    @property
    def line(self) -> LogLine:
        """These keys and those before them."""
        return LogLine.told(self.verifiers, self.successions)

    @property
    def notes(self) -> NoteKeys:
        """What verifies the log's checkpoints."""
        return self.line.notes(self.key.name)

    @property
    def fingerprint(self) -> str:
        """What people compare, hexadecimal."""
        return sha256(f"{self.key.encode()}\n{self.cosigner.encode()}\n".encode()).hexdigest()


def ended_before(pin: LogPin, head: Note) -> bool:
    """Tell whether a head was signed by keys that had ended before it."""
    try:
        pin.read(head)
    except LogKeyEnded:
        return True
    except Refusal:
        return False
    return False


@dataclass(frozen=True, slots=True)
class Heard:
    """A head that somebody showed.

    Attributes:
        post: who; the ministry's own head bears the name of its bureau.
        note: the signed head.
        about: the dispatch in or about which it came, or empty.
        verdict: `AGREES`, the name of what it contradicts by, or None while not judged.
    """

    post: str
    note: str
    about: str
    verdict: str | None


class LogBook(Closing):
    """The log as one identity folder knows it.

    Raises:
        OSError, sqlite3.Error, StateUnreadable: as `open_database`.
    """

    def __init__(self, identity: Path) -> None:
        self._connection = open_database(identity / DATABASE, _TABLES, _EDITION, _UPGRADES)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def pin(self) -> LogPin | None:
        """Return the log that is believed, None before the first synchronisation."""
        row = self._connection.execute("SELECT vkey, cosigner FROM pin").fetchone()
        if row is None:
            return None
        found = self._connection.execute("SELECT file FROM succession ORDER BY position")
        return LogPin(
            VerifierKey.parse(row["vkey"]),
            VerifierKey.parse(row["cosigner"]),
            tuple(bytes(each["file"]) for each in found),
        )

    def believe(self, pin: LogPin) -> None:
        """Believe this log from now on, and count every contradiction so far as told.

        Another log than before begins without a head.
        """
        before = self.pin()
        with transaction(self._connection):
            self._pin(pin)
            if before is None or before.fingerprint != pin.fingerprint:
                self._connection.execute("DELETE FROM head")
            self._connection.execute("UPDATE heard SET told = 1 WHERE verdict IS NOT NULL")

    def follow(self, pin: LogPin) -> None:
        """Believe the keys that the root says follow those believed before; the log goes on.

        A head that was believed here and that its keys signed after their end is let go of: the
        caller keeps it as a contradiction.
        """
        head = self.head()
        with transaction(self._connection):
            self._pin(pin)
            if head is not None and ended_before(pin, head):
                self._connection.execute("DELETE FROM head")

    def _pin(self, pin: LogPin) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO pin (one, vkey, cosigner, pinned_at) VALUES (1, ?, ?, ?)",
            (pin.key.encode(), pin.cosigner.encode(), clock.text(clock.now())),
        )
        self._connection.execute("DELETE FROM succession")
        self._connection.executemany(
            "INSERT INTO succession (position, file) VALUES (?, ?)", enumerate(pin.successions)
        )

    def head(self) -> Note | None:
        """Return the last verified head, None before the first."""
        row = self._connection.execute("SELECT note FROM head").fetchone()
        return None if row is None else Note.parse(row["note"].encode())

    def carried(self) -> str | None:
        """Return the last verified head as a manifest or a receipt carries it."""
        head = self.head()
        text = "" if head is None else own_note(head).encode().decode()
        return text if 0 < len(text) <= CARRIED_MAX else None

    def keep_head(self, note: Note) -> None:
        """Keep a head that was verified to continue the one before."""
        with transaction(self._connection):
            self._connection.execute(
                "INSERT INTO head (one, note, verified_at, cosigned) VALUES (1, ?, ?, 0)"
                " ON CONFLICT (one) DO UPDATE SET note = excluded.note,"
                " verified_at = excluded.verified_at,"
                " cosigned = CASE WHEN note = excluded.note THEN cosigned ELSE 0 END",
                (note.encode().decode(), clock.text(clock.now())),
            )

    def let_go(self, headquarters: str) -> None:
        """Keep the head that was believed as one that the root contradicts, and have none."""
        head = self.head()
        if head is None:
            return
        text = head.encode().decode()
        self.hear(headquarters, text)
        with transaction(self._connection):
            self._connection.execute(
                "UPDATE heard SET verdict = ?, told = 0 WHERE post = ? AND digest = ?",
                (FORK_BELIEVED, headquarters, sha256(text.encode()).hexdigest()),
            )
            self._connection.execute("DELETE FROM head")

    def is_cosigned(self) -> bool:
        """Tell whether the ministry has this post's cosignature of the head that is kept."""
        row = self._connection.execute("SELECT cosigned FROM head").fetchone()
        return row is not None and bool(row["cosigned"])

    def cosigned(self) -> None:
        """Remember that the ministry has it."""
        with transaction(self._connection):
            self._connection.execute("UPDATE head SET cosigned = 1")

    def hear(self, post: str, note: str | None, about: str = "") -> None:
        """Let a head that a post's signed mail carried wait for its judgement; None is nothing."""
        if note is None:
            return
        with transaction(self._connection):
            self._connection.execute(
                "INSERT OR IGNORE INTO heard (post, digest, note, about, heard_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (post, sha256(note.encode()).hexdigest(), note, about, clock.text(clock.now())),
            )

    def unjudged(self) -> list[Heard]:
        """Return the heads that wait, in the order in which they were heard."""
        return self._listed("verdict IS NULL")

    def contradictions(self) -> list[Heard]:
        """Return the heads that contradict this post's log and that nobody has explained yet."""
        return self._listed(f"verdict <> '{AGREES}' AND told = 0")

    def judge(self, heard: Heard, refusal: Refusal | None) -> None:
        """Record whether a head belongs to the history that is known here."""
        with transaction(self._connection):
            self._connection.execute(
                "UPDATE heard SET verdict = ? WHERE post = ? AND digest = ?",
                (
                    AGREES if refusal is None else refusal.code,
                    heard.post,
                    sha256(heard.note.encode()).hexdigest(),
                ),
            )

    def contradicted(self, post: str, note: str, refusal: Refusal) -> None:
        """Keep a head that contradicts, already judged."""
        self.hear(post, note)
        self.judge(Heard(post, note, "", None), refusal)

    def _listed(self, condition: str) -> list[Heard]:
        rows = self._connection.execute(
            f"SELECT post, note, about, verdict FROM heard WHERE {condition} ORDER BY rowid"  # noqa: S608 - two constants of this class
        )
        return [Heard(row["post"], row["note"], row["about"], row["verdict"]) for row in rows]
