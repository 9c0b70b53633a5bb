"""What a post has to send, kept until the ministry has answered for it.

The outbox is the folder `outbox/` of an identity folder: one enciphered file per dispatch and one
SQLite database of where each stands. It promises that a dispatch which entered is handed over
exactly once, whatever is killed and whenever:

- A dispatch enters by one rename, when its envelope and what will be submitted with it are on
  disk. What was not renamed never entered: it is a draft whose maker died.
- The envelope and the signed slip never change after that, so every attempt sends the same bytes
  under the same dispatch id, and the ministry answers a repetition with the first receipt.
- It leaves by one commit that stores the ministry's receipt or the name of its refusal. Its
  envelope stays for `KEPT`, for a bag or a repetition, and beyond that until a backup of the
  ministry has it: a ministry that was restored is handed what it lost again (`begin_again`).
- A command that works on an envelope holds a lock on that file, which the system drops when the
  command dies. Two commands therefore never send one dispatch together, and a long upload does not
  hold up a FLASH.
- The same act typed again after a crash is recognised by its mark, until its end was shown.

Small signed acts that follow a dispatch (a post's receipts, its service messages) wait here too,
as notes.
"""

import fcntl
import json
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from cipher_service import clock
from cipher_service.client.closing import Closing
from cipher_service.client.durable import open_database, sync_folder, transaction
from cipher_service.client.outbox_entries import (
    CONTINUITY,
    TABLES,
    Claim,
    Entry,
    Note,
    Standing,
    Status,
)
from cipher_service.references import parse_register_number

FOLDER = "outbox"
KEPT = timedelta(days=30)
KEPT_UNCOVERED = timedelta(days=366)
"""How long an envelope waits for a backup of the ministry that has it."""
_DATABASE = "outbox.db"
_EDITION = 2
_COLUMNS = (
    "dispatch_id, mark, urgency, status, slip, sha256, size, queued_at, upload, receipt, refusal,"
    " shown, register"
)


class Outbox(Closing):
    """The outbox of one identity folder.

    Args:
        identity: the identity folder; `outbox/` is made inside it, readable by its owner only.

    Raises:
        OSError: the folder cannot be made or written.
        sqlite3.Error: the database is damaged, or was locked for half a minute.
        StateUnreadable: another edition of this program made it.
    """

    def __init__(self, identity: Path) -> None:
        self._folder = identity / FOLDER
        self._folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(identity)
        self._connection = open_database(
            self._folder / _DATABASE, TABLES + CONTINUITY, _EDITION, {1: CONTINUITY}
        )

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    # -- drafts --------------------------------------------------------------------------------
    # All of these run inside `PostState.exclusive`: one command of an identity drafts at a time,
    # so a draft found by the next one belonged to a command that died.

    def partial(self, dispatch_id: str) -> Path:
        """Return where the envelope of a dispatch is written before it enters."""
        return self._folder / f"{dispatch_id}.age.partial"

    def draft(
        self, dispatch_id: str, *, slip: bytes, mark: str, urgency: int, sha256: str, size: int
    ) -> None:
        """Record what will be submitted with the finished envelope at `partial`.

        Args:
            dispatch_id: ULID of the dispatch.
            slip: canonical JSON of the slip with its signature.
            mark: recognises this act of sending.
            urgency: rank of the highest precedence.
            sha256: of the envelope, hex.
            size: of the envelope, bytes.

        Raises:
            OSError: the envelope cannot be made durable, or is not `size` bytes long.
            sqlite3.IntegrityError: the id is already in the outbox.
        """
        with self.partial(dispatch_id).open("rb") as file:
            written = os.fstat(file.fileno()).st_size
            if written != size:
                raise OSError(f"{file.name}: {written} bytes on disk, {size} enciphered")
            os.fsync(file.fileno())
        with transaction(self._connection):
            self._connection.execute(
                "INSERT INTO dispatch (dispatch_id, mark, urgency, status, slip, sha256, size,"
                " queued_at) VALUES (?, ?, ?, 'drafted', ?, ?, ?, ?)",
                (dispatch_id, mark, urgency, slip, sha256, size, clock.text(clock.now())),
            )

    def enter(self, dispatch_id: str) -> Entry:
        """Let a draft enter by renaming its envelope: from here on it will be sent, once.

        `PostState.recover` reads the same rename, so that a number is issued exactly when its
        dispatch entered.
        """
        self.partial(dispatch_id).rename(self.envelope(dispatch_id))
        sync_folder(self._folder)
        self._entered(dispatch_id)
        return self.entry(dispatch_id)

    def settle(self) -> None:
        """Settle what dead commands left: what had entered is queued, drafts are removed."""
        drafted = self._connection.execute(
            "SELECT dispatch_id FROM dispatch WHERE status = 'drafted'"
        ).fetchall()
        for (dispatch_id,) in drafted:
            if self.envelope(dispatch_id).exists():
                self._entered(dispatch_id)
            else:
                self._change("DELETE FROM dispatch WHERE dispatch_id = ?", dispatch_id)
        for partial in self._folder.glob("*.age.partial"):
            partial.unlink(missing_ok=True)
        self._sweep()

    def _sweep(self) -> None:
        now, standing = clock.now(), self.standing()
        covered = None if standing is None else standing.covered
        ended = self._connection.execute(
            "SELECT dispatch_id, register, queued_at, status FROM dispatch"
            " WHERE status IN ('acknowledged', 'refused') AND queued_at < ?",
            (clock.text(now - KEPT),),
        )
        for dispatch_id, register, queued_at, status in ended:
            wanted = status == Status.ACKNOWLEDGED and not _reaches(covered, register)
            if not wanted or queued_at < clock.text(now - KEPT_UNCOVERED):
                self.envelope(dispatch_id).unlink(missing_ok=True)

    def _entered(self, dispatch_id: str) -> None:
        self._change(
            "UPDATE dispatch SET status = 'queued' WHERE dispatch_id = ? AND status = 'drafted'",
            dispatch_id,
        )

    # -- dispatches ----------------------------------------------------------------------------

    def envelope(self, dispatch_id: str) -> Path:
        """Return where the envelope of a dispatch is kept."""
        return self._folder / f"{dispatch_id}.age"

    def entry(self, dispatch_id: str) -> Entry:
        """Return a dispatch. Raises KeyError when it never entered."""
        found = self.find(dispatch_id)
        if found is None:
            raise KeyError(dispatch_id)
        return found

    def find(self, dispatch_id: str) -> Entry | None:
        """Return a dispatch, or None when it never entered."""
        found = self._entries("WHERE dispatch_id = ? AND status <> 'drafted'", dispatch_id)
        return found[0] if found else None

    def find_unshown(self, mark: str) -> Entry | None:
        """Return the latest dispatch of that mark whose end was not shown yet, if any."""
        found = self._entries(
            "WHERE mark = ? AND NOT shown AND status <> 'drafted' ORDER BY sequence DESC", mark
        )
        return found[0] if found else None

    def find_marked(self, mark: str) -> Entry | None:
        """Return the dispatch of that mark that entered first, if any ever did."""
        found = self._entries("WHERE mark = ? AND status <> 'drafted' ORDER BY sequence", mark)
        return found[0] if found else None

    def pending(self) -> list[Entry]:
        """Return what still has to be sent: the most urgent first, then in order of entry."""
        return self._entries(
            "WHERE status IN ('queued', 'uploading') ORDER BY urgency DESC, sequence"
        )

    def entries(self) -> list[Entry]:
        """Return everything that ever entered, in order of entry."""
        return self._entries("WHERE status <> 'drafted' ORDER BY sequence")

    @contextmanager
    def claim(self, dispatch_id: str) -> Iterator[Claim | None]:
        """Take a dispatch for sending, or give None while another command is sending it.

        What the claim says is read under the lock: another command may just have sent it.
        """
        with self.envelope(dispatch_id).open("rb") as file:
            yield Claim(self.entry(dispatch_id), file) if _try_lock(file) else None

    def start_upload(self, dispatch_id: str, address: str) -> None:
        """Record that a resumable upload is open at `address`."""
        self._change(
            "UPDATE dispatch SET status = 'uploading', upload = ? WHERE dispatch_id = ?"
            " AND status = 'queued'",
            address,
            dispatch_id,
        )

    def forget_upload(self, dispatch_id: str) -> None:
        """Record that the ministry no longer knows the upload: it starts anew."""
        self._change(
            "UPDATE dispatch SET status = 'queued', upload = NULL WHERE dispatch_id = ?"
            " AND status = 'uploading'",
            dispatch_id,
        )

    def acknowledge(self, dispatch_id: str, receipt: bytes, register: str) -> None:
        """Record the ministry's receipt, verified already, and the number that it names."""
        self._change(
            "UPDATE dispatch SET status = 'acknowledged', receipt = ?, register = ?, upload = NULL"
            " WHERE dispatch_id = ? AND status IN ('queued', 'uploading')",
            receipt,
            register,
            dispatch_id,
        )

    def refuse(self, dispatch_id: str, code: str) -> None:
        """Record that the ministry refused the dispatch for good."""
        self._change(
            "UPDATE dispatch SET status = 'refused', refusal = ?, upload = NULL"
            " WHERE dispatch_id = ? AND status IN ('queued', 'uploading')",
            code,
            dispatch_id,
        )

    def show(self, dispatch_id: str) -> None:
        """Record that the end of a dispatch was told to the person who sent it."""
        self._change(
            "UPDATE dispatch SET shown = 1 WHERE dispatch_id = ?"
            " AND status IN ('acknowledged', 'refused')",
            dispatch_id,
        )

    # -- the ministry, restored or not ----------------------------------------------------------

    def standing(self) -> Standing | None:
        """Return the ministry as it was last met, None before the first time."""
        row = self._connection.execute("SELECT log, cancelled, covered FROM ministry").fetchone()
        if row is None:
            return None
        cancelled = tuple((year, first, last) for year, first, last in json.loads(row["cancelled"]))
        return Standing(row["log"], cancelled, row["covered"])

    def meet(self, standing: Standing) -> None:
        """Remember the ministry as it stands."""
        with transaction(self._connection):
            self._meet(standing)

    def begin_again(self, standing: Standing, lost: Collection[str]) -> None:
        """Remember a ministry that was restored, and let what it lost wait to be sent again.

        The receipts that those dispatches had are kept. All notes that it had wait again too: it
        takes what it still has as the same.

        Args:
            standing: the ministry now.
            lost: ids of acknowledged dispatches whose envelopes are here.
        """
        with transaction(self._connection):
            for dispatch_id in lost:
                self._connection.execute(
                    "INSERT OR IGNORE INTO earlier_receipt (dispatch_id, receipt)"
                    " SELECT dispatch_id, receipt FROM dispatch"
                    " WHERE dispatch_id = ? AND status = 'acknowledged'",
                    (dispatch_id,),
                )
                self._connection.execute(
                    "UPDATE dispatch SET status = 'queued', receipt = NULL, register = NULL"
                    " WHERE dispatch_id = ? AND status = 'acknowledged'",
                    (dispatch_id,),
                )
            self._connection.execute(
                "UPDATE note SET status = 'queued' WHERE status = 'acknowledged' AND posted_at > ?",
                (clock.text(clock.now() - KEPT),),
            )
            self._meet(standing)

    def _meet(self, standing: Standing) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO ministry (one, log, cancelled, covered) VALUES (1, ?, ?, ?)",
            (standing.log, json.dumps(standing.cancelled), standing.covered),
        )

    # -- notes ---------------------------------------------------------------------------------

    def post(self, note: Note) -> bool:
        """Let a note enter; return False when one of that name already did."""
        with transaction(self._connection):
            cursor = self._connection.execute(
                "INSERT INTO note (name, path, body, status) VALUES (?, ?, ?, 'queued')"
                " ON CONFLICT (name) DO NOTHING",
                (note.name, note.path, note.body),
            )
        return cursor.rowcount == 1

    def knows_note(self, name: str) -> bool:
        """Tell whether a note of that name ever entered."""
        found = self._connection.execute("SELECT 1 FROM note WHERE name = ?", (name,))
        return found.fetchone() is not None

    def note_refusal(self, name: str) -> str | None:
        """Return the code with which the ministry refused a note, None when it did not."""
        found = self._connection.execute("SELECT refusal FROM note WHERE name = ?", (name,))
        row = found.fetchone()
        return None if row is None else row["refusal"]

    def pending_notes(self) -> list[Note]:
        """Return the notes that still have to be posted, in order of entry."""
        rows = self._connection.execute(
            "SELECT name, path, body, posted_at FROM note WHERE status = 'queued' ORDER BY sequence"
        )
        return [Note(**dict(row)) for row in rows]

    def note_posted(self, name: str) -> None:
        """Record that the ministry has a note."""
        self._change(
            "UPDATE note SET status = 'acknowledged', posted_at = coalesce(posted_at, ?)"
            " WHERE name = ? AND status <> 'refused'",
            clock.text(clock.now()),
            name,
        )

    def note_refused(self, name: str, code: str) -> None:
        """Record that the ministry refused a note for good."""
        self._change(
            "UPDATE note SET status = 'refused', refusal = ? WHERE name = ? AND status = 'queued'",
            code,
            name,
        )

    # ------------------------------------------------------------------------------------------

    def _entries(self, condition: str, *values: str) -> list[Entry]:
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM dispatch {condition}",  # noqa: S608 - our own constants; values are bound
            values,
        )
        return [
            Entry(
                **{
                    **dict(row),
                    "status": Status(row["status"]),
                    "shown": bool(row["shown"]),
                    "earlier": self._earlier(row["dispatch_id"]),
                }
            )
            for row in rows.fetchall()
        ]

    def _earlier(self, dispatch_id: str) -> tuple[bytes, ...]:
        rows = self._connection.execute(
            "SELECT receipt FROM earlier_receipt WHERE dispatch_id = ? ORDER BY rowid",
            (dispatch_id,),
        )
        return tuple(receipt for (receipt,) in rows)

    def _change(self, statement: str, *values: str | bytes) -> None:
        with transaction(self._connection):
            if self._connection.execute(statement, values).rowcount != 1:
                raise RuntimeError(f"the outbox was not in a state for this: {statement}")


def _reaches(covered: str | None, register: str | None) -> bool:
    """Tell whether a backup that ends with `covered` has what was acknowledged under `register`."""
    with suppress(ValueError):
        if covered and register:
            return parse_register_number(register) <= parse_register_number(covered)
    return False


def _try_lock(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
