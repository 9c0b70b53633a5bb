"""The registers of machines with keys of their own: how one is entered, found, and ended for good.

Doors and auditors' machines each have a table of the same columns: the key and its thumbprint, the
state and since when, by whom it was recorded and revoked. Who may do it each module decides itself.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, select, update

from cipher_service import clock
from cipher_service.directory.enrolment import ApiKey, require_new_key
from cipher_service.directory.register import changed
from cipher_service.errors import ServiceError


def enter(
    connection: Connection, register: Table, api_key: ApiKey, by: str, now: datetime, **about: str
) -> int:
    """Take a machine into service; returns its place in the register.

    Raises:
        ServiceError: KEY_KNOWN (a key never comes back, and serves one machine).
    """
    require_new_key(connection, api_key)
    entered = register.insert().values(
        thumbprint=api_key.thumbprint,
        jwk=api_key.jwk,
        state="active",
        state_at=clock.text(now),
        recorded_by=by,
        **about,
    )
    seq = connection.scalar(entered.returning(register.c.seq))
    changed(connection)
    return int(seq or 0)


def serving(
    connection: Connection, register: Table, number: str, numbered: Callable[[int], str]
) -> Row[Any]:
    """Return the machine in service that bears this number.

    Raises:
        ServiceError: NOT_FOUND (no such machine is in service).
    """
    active = select(register).where(register.c.state == "active")
    rows = connection.execute(active)
    row = next((each for each in rows if numbered(each.seq) == number), None)
    if row is None:
        raise ServiceError("NOT_FOUND")
    return row


def end(connection: Connection, register: Table, seq: int, by: str, now: datetime) -> None:
    """End a machine: its tokens answer nothing from the next request on."""
    ended = {"state": "revoked", "state_at": clock.text(now), "revoked_by": by}
    connection.execute(update(register).where(register.c.seq == seq).values(**ended))
    changed(connection)


def everything(connection: Connection, register: Table) -> list[Row[Any]]:
    """Return every machine that a register has held, in the order of their numbers."""
    return list(connection.execute(select(register).order_by(register.c.seq)))
