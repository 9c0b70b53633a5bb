"""Sessions of signed-in officers: what the cookie stands for, asked anew at every request.

A session ends after 15 minutes without a request, 12 hours after its opening, when it is ended,
when its security key is revoked, and with whatever keeps the officer from acting: nothing of it is
remembered by a process, so that the next request of every process finds it ended. An officer has
one open session; signing in elsewhere ends it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.identity.carried import digest_of, new_secret
from cipher_service.storage.tables import identity as tables
from cipher_service.storage.tables import officers

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=12)
# A request writes only when the last mark is older, so a session may end this much too early.
MARK = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Session:
    """An open session: `ends` is when it ends without another request."""

    officer: str
    credential_id: str
    opened: datetime
    ends: datetime


def open_session(connection: Connection, officer: str, credential_id: str, now: datetime) -> str:
    """Open a session and end the officer's other one; returns the cookie's value.

    The caller has verified the security key's answer, in this transaction.
    """
    end_sessions(connection, officer, now)
    token = new_secret()
    stamp = clock.text(now)
    connection.execute(
        tables.session.insert().values(
            digest=digest_of(token),
            officer=officer,
            passkey=credential_id,
            opened_at=stamp,
            seen_at=stamp,
        )
    )
    return token


def find_session(connection: Connection, token: str, now: datetime) -> Session:
    """Return the session of a cookie; reads only.

    Raises:
        ServiceError: SESSION_ENDED, whatever ended it.
    """
    book, key = tables.session, tables.passkey
    row = connection.execute(
        select(book)
        .join(key, key.c.credential_id == book.c.passkey)
        .join(officers.officer, officers.officer.c.officer_id == book.c.officer)
        .where(
            book.c.digest == digest_of(token),
            book.c.ended_at.is_(None),
            key.c.revoked_at.is_(None),
            officers.officer.c.state == "active",
        )
    ).one_or_none()
    if row is None:
        raise ServiceError("SESSION_ENDED")
    opened, seen = clock.parse(row.opened_at), clock.parse(row.seen_at)
    ends = min(seen + IDLE, opened + LONGEST)
    if not opened <= now.replace(microsecond=0) < ends:
        raise ServiceError("SESSION_ENDED")
    return Session(row.officer, row.passkey, opened, ends)


def mark_seen(connection: Connection, token: str, session: Session, now: datetime) -> None:
    """Note a request, so that the session does not end as idle; writes at most once a minute."""
    if session.ends - now > IDLE - MARK:
        return
    book = tables.session
    connection.execute(
        update(book)
        .where(book.c.digest == digest_of(token), book.c.ended_at.is_(None))
        .values(seen_at=clock.text(now))
    )


def end_sessions(connection: Connection, officer: str, now: datetime) -> int:
    """End every session of an officer, everywhere; returns how many were open."""
    book = tables.session
    ended = connection.execute(
        update(book)
        .where(book.c.officer == officer, book.c.ended_at.is_(None))
        .values(ended_at=clock.text(now))
    )
    return int(ended.rowcount)
