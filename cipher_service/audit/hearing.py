"""What posts' mail says of the log, heard at headquarters: is it this log, unbroken?

A post's receipts and manifests carry the head that the post verified last. If it is not in the
history that this database holds, the database was rolled back or replaced, or the log's keys signed
another story elsewhere.
"""

from functools import lru_cache

from sqlalchemy import Connection

from cipher_service.audit.ledger import latest_note, size_and_origin, tree
from keys.log.checkpoints import own_note
from keys.log.errors import LogForked, LogRolledBack
from keys.log.notes import Note
from keys.log.succession import LogLine

CARRIED_MAX = 4096
"""Characters of a head in a manifest or a receipt (keys/SPEC.md §4)."""

HEARD = "log_heard"
"""Name of the entry that says which post's head contradicts this log, and how."""


def carried(connection: Connection) -> str | None:
    """Return the last signed head as a manifest or a receipt of the bureau carries it."""
    _, note = latest_note(connection)
    return _carried(note) if note else None


# Every commit carries it, and it changes once a second at most (`app.registrar`).
@lru_cache(maxsize=4)
def _carried(note: bytes) -> str | None:
    text = own_note(Note.parse(note)).encode().decode()
    return text if len(text) <= CARRIED_MAX else None


def require_ours(connection: Connection, note: str, line: LogLine) -> None:
    """Demand that a head which somebody carried is one of this log's.

    Args:
        connection: reading.
        note: the signed head.
        line: the log's keys.

    Raises:
        Refusal: NOTE_MALFORMED, NOTE_NOT_SIGNED, LOG_OF_ANOTHER: it is of another log.
        LogKeyEnded: its keys had ended before it: who signed it stole them.
        LogRolledBack: it counts more entries than this log has.
        LogForked: it has another root than this log had at that size.
    """
    size, origin = size_and_origin(connection)
    head = line.read_head(Note.parse(note.encode()), origin)
    if head.size > size:
        raise LogRolledBack(f"{size} entries where {head.size} were signed")
    if tree(connection, head.size).root() != head.root:
        raise LogForked(f"another root at {head.size} entries")
