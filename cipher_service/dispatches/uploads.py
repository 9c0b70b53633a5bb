"""Large envelopes on their way: the signed slip first, then the bytes in pieces.

The slip is judged before the first byte, so that a gigabyte that would be refused is not sent. The
bytes lie in the spool (`storage.blobs`); this keeps who sends what, so that any API process can
take the next piece.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select

from cipher_service import clock
from cipher_service.dispatches import repository
from cipher_service.dispatches.submission import Submission
from cipher_service.errors import ServiceError
from cipher_service.storage.statements import insert_or_skip
from cipher_service.storage.tables.dispatches import upload as table

LIFE = timedelta(days=7)
"""An upload that has not ended by then is dropped; its origin starts again."""
UNFINISHED_MOST: Final = 64
"""Uploads of one post that have not ended."""
UNFINISHED_BYTES: Final = 256 * 1024**3
"""What their slips announce together: four of the largest envelopes."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload under way: 32 hex digits name it, `size` and `sha256` are the slip's."""

    upload_id: str
    origin: str
    dispatch_id: str
    slip: bytes
    signature: bytes
    sha256: str
    size: int


def open_upload(connection: Connection, submission: Submission, now: datetime) -> Upload:
    """Begin an upload, or find the one that was begun for this very slip.

    Raises:
        ServiceError: DUPLICATE_ID: another slip has this dispatch id, on its way or recorded;
            UPLOADS_MANY: the post has as much unfinished as it may.
    """
    known = repository.known_dispatch(connection, submission.dispatch_id)
    if known is not None and known.slip != submission.slip:
        raise ServiceError("DUPLICATE_ID", dispatch_id=submission.dispatch_id)
    _require_room(connection, submission)
    connection.execute(
        insert_or_skip(table, ["origin", "dispatch_id"]).values(
            upload_id=secrets.token_hex(16),
            origin=submission.origin,
            dispatch_id=submission.dispatch_id,
            slip=submission.slip,
            signature=submission.signature,
            sha256=submission.sha256,
            size=submission.size,
            created_at=clock.text(now),
        )
    )
    row = connection.execute(
        select(table).where(
            table.c.origin == submission.origin, table.c.dispatch_id == submission.dispatch_id
        )
    ).one()
    if bytes(row.slip) != submission.slip:
        raise ServiceError("DUPLICATE_ID", dispatch_id=submission.dispatch_id)
    return _upload(row)


def _require_room(connection: Connection, submission: Submission) -> None:
    """Demand that one more upload fits beside a post's others: nobody fills the disk for all."""
    others = connection.execute(
        select(func.count(), func.coalesce(func.sum(table.c.size), 0)).where(
            table.c.origin == submission.origin, table.c.dispatch_id != submission.dispatch_id
        )
    ).one()
    if others[0] >= UNFINISHED_MOST or others[1] + submission.size > UNFINISHED_BYTES:
        raise ServiceError("UPLOADS_MANY", most=UNFINISHED_MOST, days=LIFE.days)


def find_upload(connection: Connection, upload_id: str) -> Upload:
    """Return an upload, whoever's; a post sees what `shown.upload_of` lets it.

    Raises:
        ServiceError: NOT_FOUND.
    """
    row = connection.execute(select(table).where(table.c.upload_id == upload_id)).one_or_none()
    if row is None:
        raise ServiceError("NOT_FOUND")
    return _upload(row)


def end_upload(connection: Connection, dispatch_id: str, origin: str) -> None:
    """Forget an upload whose dispatch is recorded, in the transaction that records it."""
    mine = (table.c.dispatch_id == dispatch_id, table.c.origin == origin)
    connection.execute(delete(table).where(*mine))


def drop_stale(connection: Connection, now: datetime) -> list[str]:
    """Forget uploads that were begun too long ago; returns their names, for the spool."""
    stale = table.c.created_at < clock.text(now - LIFE)
    names = list(connection.scalars(select(table.c.upload_id).where(stale)))
    connection.execute(delete(table).where(stale))
    return names


def _upload(row: Row[Any]) -> Upload:
    return Upload(
        upload_id=row.upload_id,
        origin=row.origin,
        dispatch_id=row.dispatch_id,
        slip=bytes(row.slip),
        signature=bytes(row.signature),
        sha256=row.sha256,
        size=row.size,
    )
