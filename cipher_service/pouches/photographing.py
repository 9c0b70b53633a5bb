"""Photographs of bags in the books: which there are, who may add one and see one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.pouches.carriage import seen
from cipher_service.pouches.office import Office
from cipher_service.pouches.repository import Closing
from cipher_service.references import new_id
from cipher_service.storage.tables.pouches import photograph as book

PHOTOGRAPHS_MOST: Final = 40
"""Of one closing: more than anybody looks at, less than fills the books."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A photograph on record.

    Attributes:
        photograph: its id.
        subject: `seals`, `bag` or `item`.
        taken_at: when it came.
        post: which post brought it.
        officer: who brought it.
    """

    photograph: str
    subject: str
    taken_at: str
    post: str
    officer: str


@dataclass(frozen=True, slots=True)
class Album:
    """The photographs of one closing, the oldest first."""

    seal: str
    bag: str
    kept: tuple[Kept, ...]


def album(office: Office, named: str, *, by: str) -> Album:
    """Return the photographs of a closing, unopened.

    Raises:
        ServiceError: CLOSING_UNKNOWN, UNKNOWN_OFFICER.
    """
    with office.look() as sitting:
        closing = seen(sitting, named, by)
        names = [getattr(book.c, name) for name in ("subject", "taken_at", "post", "officer")]
        rows = sitting.connection.execute(
            select(book.c.photograph_id, *names)
            .where(book.c.seal == closing.seal)
            .order_by(book.c.photograph_id)
        )
        return Album(closing.seal, closing.bag, tuple(Kept(*row) for row in rows))


def body_of(office: Office, named: str, photograph: str, *, by: str) -> bytes:
    """Return the ciphertext of one photograph of a closing.

    Raises:
        ServiceError: CLOSING_UNKNOWN, UNKNOWN_OFFICER, NOT_FOUND.
    """
    with office.look() as sitting:
        closing = seen(sitting, named, by)
        mine = book.c.seal == closing.seal, book.c.photograph_id == photograph
        body = sitting.connection.scalar(select(book.c.body).where(*mine))
    if body is None:
        raise ServiceError("NOT_FOUND")
    return bytes(body)


def add(
    office: Office, named: str, subject: str, sha256: str, body: bytes, *, by: str
) -> dict[str, Any]:
    """Keep a photograph that an officer took here.

    Gives as `keep`.

    Raises:
        ServiceError: CLOSING_UNKNOWN, UNKNOWN_OFFICER, PHOTOGRAPHS_MANY.
    """
    with office.act("pouch_photograph", named) as sitting:
        return keep(
            sitting.connection,
            seen(sitting, named, by),
            post=office.post,
            officer=by,
            subject=subject,
            sha256=sha256,
            body=body,
            now=sitting.now,
        )


def keep(
    connection: Connection,
    closing: Closing,
    *,
    post: str,
    officer: str,
    subject: str,
    sha256: str,
    body: bytes,
    now: datetime,
) -> dict[str, Any]:
    """Keep a photograph of a bag. Raises ServiceError PHOTOGRAPHS_MANY."""
    known = connection.scalar(
        select(book.c.photograph_id).where(book.c.seal == closing.seal, book.c.sha256 == sha256)
    )
    if known is not None:
        return {"photograph": known, "new": False}
    counted = select(func.count()).select_from(book).where(book.c.seal == closing.seal)
    if (connection.scalar(counted) or 0) >= PHOTOGRAPHS_MOST:
        raise ServiceError("PHOTOGRAPHS_MANY", most=PHOTOGRAPHS_MOST)
    photograph = new_id(now)
    connection.execute(
        insert(book).values(
            photograph_id=photograph,
            seal=closing.seal,
            post=post,
            officer=officer,
            subject=subject,
            taken_at=clock.text(now),
            sha256=sha256,
            body=body,
        )
    )
    return {"photograph": photograph, "new": True}
