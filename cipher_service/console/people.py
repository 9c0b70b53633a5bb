"""Who a cookie stands for, at this moment."""

from datetime import datetime

from sqlalchemy import Connection, select

from cipher_service.access.acts import Gate
from cipher_service.console.visit import Person
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.identity import sessions
from cipher_service.storage.tables.identity import preference


def person_of(connection: Connection, gate: Gate, token: str, now: datetime) -> Person | None:
    """Return the officer whose open session a cookie is; None when it is nobody's."""
    try:
        session = sessions.find_session(connection, token, now)
    except ServiceError:
        return None
    return Person(
        token=token,
        credential_id=session.credential_id,
        officer=officers.read(connection, session.officer),
        principal=gate.principals.of(connection, session.officer, now),
        opened=session.opened,
        ends=session.ends,
        language=connection.scalar(
            select(preference.c.language).where(preference.c.officer == session.officer)
        ),
        last=session.opened + sessions.LONGEST,
    )
