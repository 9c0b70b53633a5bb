"""Drafts of the headquarters bureau: only ciphertext is kept, and no save overwrites unseen work.

A save names the edition it was made from; if another save came first it is refused, so that two
officers at one draft lose nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.headquarters import draft as table


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft; `body` is age ciphertext to the bureau's card (`sealed.seal_text`)."""

    draft_id: str
    drafter: str
    edition: int
    saved_at: str
    body: bytes


def begin(connection: Connection, draft_id: str, drafter: str, body: bytes, now: datetime) -> int:
    """Keep a new draft; returns its first edition, 1."""
    connection.execute(
        insert(table).values(
            draft_id=draft_id,
            drafter=drafter,
            body=body,
            edition=1,
            created_at=clock.text(now),
            saved_at=clock.text(now),
        )
    )
    return 1


def save(
    connection: Connection, draft_id: str, drafter: str, body: bytes, *, edition: int, now: datetime
) -> int:
    """Replace a draft's text; returns the new edition.

    Args:
        connection: inside a unit of work.
        draft_id: which.
        drafter: the caller; only the drafter's own drafts are found.
        body: the new ciphertext.
        edition: the one that the change was made from.
        now: when.

    Raises:
        ServiceError: NOT_FOUND, or DRAFT_CHANGED (somebody saved another edition meanwhile).
    """
    saved = connection.execute(
        update(table)
        .where(_of(draft_id, drafter), table.c.edition == edition)
        .values(body=body, edition=edition + 1, saved_at=clock.text(now))
    )
    if saved.rowcount == 0:
        held = read(connection, draft_id, drafter)
        raise ServiceError("DRAFT_CHANGED", edition=held.edition)
    return edition + 1


def read(connection: Connection, draft_id: str, drafter: str) -> Draft:
    """Return a draft of the caller. Raises ServiceError NOT_FOUND."""
    row = connection.execute(select(table).where(_of(draft_id, drafter))).one_or_none()
    if row is None:
        raise ServiceError("NOT_FOUND")
    return Draft(row.draft_id, row.drafter, row.edition, row.saved_at, bytes(row.body))


def drafts_of(connection: Connection, drafter: str) -> list[Draft]:
    """Return the caller's drafts, the last saved first."""
    rows = connection.execute(
        select(table)
        .where(table.c.drafter == drafter)
        .order_by(table.c.saved_at.desc(), table.c.draft_id.desc())
    )
    return [Draft(row.draft_id, row.drafter, row.edition, row.saved_at, row.body) for row in rows]


def discard(connection: Connection, draft_id: str, drafter: str) -> None:
    """Destroy a draft of the caller. Raises ServiceError NOT_FOUND."""
    if connection.execute(delete(table).where(_of(draft_id, drafter))).rowcount == 0:
        raise ServiceError("NOT_FOUND")


def _of(draft_id: str, drafter: str) -> ColumnElement[bool]:
    return (table.c.draft_id == draft_id) & (table.c.drafter == drafter)
