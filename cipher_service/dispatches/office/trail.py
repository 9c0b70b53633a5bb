"""What officers did with a dispatch: saw it, acknowledged its alert, were given it, process it.

« Vu par » names people: a line that one person has seen is not seen by the others.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from cipher_service import clock
from cipher_service.storage.tables.compositions import dispatch_act
from cipher_service.storage.tables.officers import officer as persons

OPENED: Final = "opened"
ACKNOWLEDGED: Final = "acknowledged"
HANDED: Final = "handed"
ASSIGNED: Final = "assigned"


@dataclass(frozen=True, slots=True)
class Trace:
    """One line: `other` is to whom, with the names as the books have them."""

    dispatch_id: str
    kind: str
    officer: str
    name: str
    other: str | None
    at: str


def note(
    connection: Connection,
    dispatch_id: str,
    kind: str,
    officer: str,
    now: datetime,
    *,
    other: str | None = None,
    digest: str = "",
) -> None:
    """Write what an officer did."""
    connection.execute(
        dispatch_act.insert().values(
            dispatch_id=dispatch_id,
            kind=kind,
            officer=officer,
            other=other,
            digest=digest,
            at=clock.text(now),
        )
    )


def done(
    connection: Connection, dispatch_id: str, kind: str, officer: str, digest: str = ""
) -> bool:
    """Say whether an officer did this: opened exactly this digest, acknowledged."""
    book = dispatch_act
    mine = select(book.c.seq).where(
        book.c.dispatch_id == dispatch_id,
        book.c.kind == kind,
        book.c.officer == officer,
        book.c.digest == digest,
    )
    return connection.execute(mine.limit(1)).first() is not None


def traces(connection: Connection, ids: Collection[str]) -> dict[str, list[Trace]]:
    """Return what was done with each of some dispatches, the oldest first."""
    found: dict[str, list[Trace]] = {each: [] for each in ids}
    book = dispatch_act
    rows = connection.execute(
        select(book, persons.c.name)
        .join(persons, persons.c.officer_id == book.c.officer)
        .where(book.c.dispatch_id.in_(found))
        .order_by(book.c.seq)
    )
    for row in rows:
        found[row.dispatch_id].append(
            Trace(row.dispatch_id, row.kind, row.officer, row.name, row.other, row.at)
        )
    return found
