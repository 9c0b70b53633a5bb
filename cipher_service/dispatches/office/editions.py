"""The edition of a departure that somebody refused, kept for them until it leaves (article 15).

    keep(connection, known, officer, now)       # with the refusal, in its transaction
    refused(connection, known, officer)   # what they refused, once another edition awaits
    forget(connection, composition_id)          # it left, or was dropped

The text stays the ciphertext that it was, for the bureau's key. One edition a person is kept, that
which they refused last. It is shown to nobody else, and to them only under the marking at which
they read it: a lower marking meanwhile must not lower what was written before.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, select

from cipher_service import clock
from cipher_service.storage.tables.compositions import refused_edition
from keys.canonical import encode

if TYPE_CHECKING:
    from cipher_service.dispatches.office.compositions import Composition


@dataclass(frozen=True, slots=True)
class Earlier:
    """An edition that was refused.

    Attributes:
        edition: its number.
        body: age ciphertext: subject, a line end, the text.
        same_addressees: whether it was for the same posts, in the same roles and ways.
        same_attachments: whether it had the same attachments.
    """

    edition: int
    body: bytes
    same_addressees: bool
    same_attachments: bool


def keep(connection: Connection, known: "Composition", officer: str, now: datetime) -> None:
    """Keep the edition that an officer refuses, in the place of what they refused before."""
    book = refused_edition
    mine = (book.c.composition_id == known.composition_id, book.c.officer == officer)
    connection.execute(delete(book).where(*mine))
    connection.execute(
        book.insert().values(
            composition_id=known.composition_id,
            officer=officer,
            edition=known.edition,
            body=known.content.body,
            **_told(known),
            refused_at=clock.text(now),
        )
    )


def refused(connection: Connection, known: "Composition", officer: str) -> Earlier | None:
    """Return what an officer refused, if another edition of the same marking awaits them now."""
    book = refused_edition
    mine = (book.c.composition_id == known.composition_id, book.c.officer == officer)
    row = connection.execute(select(book).where(*mine)).one_or_none()
    now = _told(known)
    if row is None or known.assigned != officer or row.edition == known.edition:
        return None
    if row.marking != now["marking"]:
        return None
    return Earlier(
        row.edition,
        bytes(row.body),
        row.routing == now["routing"],
        row.enclosed == now["enclosed"],
    )


def forget(connection: Connection, composition_id: str) -> None:
    """Erase what was kept of a composition."""
    connection.execute(
        delete(refused_edition).where(refused_edition.c.composition_id == composition_id)
    )


def _told(known: "Composition") -> dict[str, str]:
    content = known.content
    marking = [content.level, sorted(content.caveats)]
    return {
        "marking": encode(marking).decode(),
        "routing": encode([list(each) for each in content.routing]).decode(),
        "enclosed": encode([list(each) for each in content.enclosed]).decode(),
    }
