"""Challenges for officers' security keys: given for one purpose, used once, within 300 seconds.

    nonce = give(connection, "step-up", officer, now)
    use(connection, nonce, "step-up", officer, now)      # in the transaction of the act

A challenge is deleted by the transaction that its answer commits, so that of two answers at one
time one finds nothing. A wrong answer uses nothing up: its transaction is rolled back, and the
right one may still come until the 300 seconds are over.
"""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, delete

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.storage.tables import identity as tables

SECONDS = 300

_NONCE_BYTES = 32
_CONTEXT = {purpose: f"cipher-service/v1 {purpose}\0".encode() for purpose in ("enrol", "sign-in")}


def give(connection: Connection, purpose: str, officer: str | None, now: datetime) -> bytes:
    """Return a new nonce of 32 bytes.

    Args:
        connection: inside a unit of work.
        purpose: enrol, sign-in or step-up.
        officer: who may answer; None where nobody is known yet (sign-in).
        now: the present; also forgets what is too old.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    book = tables.challenge
    connection.execute(delete(book).where(book.c.given_at < _oldest(now)))
    connection.execute(
        book.insert().values(
            digest=sha256(nonce).hexdigest(),
            purpose=purpose,
            officer=officer,
            given_at=clock.text(now),
        )
    )
    return nonce


def use(
    connection: Connection, nonce: bytes, purpose: str, officer: str | None, now: datetime
) -> None:
    """Use a nonce up.

    Raises:
        ServiceError: CHALLENGE_UNKNOWN: not given, for another purpose or person, too old, used.
    """
    book = tables.challenge
    used = connection.execute(
        delete(book).where(
            book.c.digest == sha256(nonce).hexdigest(),
            book.c.purpose == purpose,
            book.c.officer.is_(None) if officer is None else book.c.officer == officer,
            book.c.given_at >= _oldest(now),
        )
    )
    if used.rowcount != 1:
        raise ServiceError("CHALLENGE_UNKNOWN")


def asked(purpose: str, nonce: bytes) -> bytes:
    """Return what the security key answers: a nonce serves one purpose, whoever shows it.

    For step-up it is `keys.acts.approval_challenge`, over the act's digest.
    """
    return sha256(_CONTEXT[purpose] + nonce).digest()


def _oldest(now: datetime) -> str:
    # Whole seconds are written, so one that was given at 0.9 counts from 0.0: never longer.
    return clock.text(now - timedelta(seconds=SECONDS - 1))
