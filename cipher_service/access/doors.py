"""Machines of doors and applications, which ask about accesses outside the service (article 12).

Each has a key of its own and is bound to one place: it asks whether a person may enter there now,
and is told yes, or no and why. Nothing else answers it. The security officer records and revokes
it; a key never comes back.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from cipher_service import clock
from cipher_service.access import sites
from cipher_service.access.acts import Gate, circumstances, require
from cipher_service.access.subjects import Person
from cipher_service.directory.enrolment import ApiKey, require_new_key
from cipher_service.directory.register import DirectoryReader, changed, door_number
from cipher_service.errors import ServiceError
from cipher_service.identity.admission import door_in_force
from cipher_service.storage.batch import Handler
from cipher_service.storage.tables.access import door


def record(
    connection: Connection,
    gate: Gate,
    api_key: ApiKey,
    kind: str,
    place: str,
    by: str,
    now: datetime,
) -> str:
    """Take a door into service for one place; returns its number.

    Raises:
        ServiceError: UNKNOWN_KIND, MATTER_MISSING, KEY_KNOWN, NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    if kind not in sites.KINDS:
        raise ServiceError("UNKNOWN_KIND", kind=kind)
    if not place.strip():
        raise ServiceError("MATTER_MISSING")
    # The books of persons are the security officer's; who may enter where is read from them.
    about = Person(f"{kind}/{place.strip()}", "")
    require(connection, gate, by, "person-record", about, circumstances(connection, gate, now))
    require_new_key(connection, api_key)
    seq = connection.scalar(
        door.insert()
        .values(
            thumbprint=api_key.thumbprint,
            jwk=api_key.jwk,
            kind=kind,
            place=place.strip(),
            state="active",
            state_at=clock.text(now),
            recorded_by=by,
        )
        .returning(door.c.seq)
    )
    changed(connection)
    return door_number(int(seq or 0))


def revoke(connection: Connection, gate: Gate, number: str, by: str, now: datetime) -> None:
    """End a door at once: its tokens answer nothing from the next question on.

    Raises:
        ServiceError: NOT_FOUND (no such door is in service), NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    about = Person(number, "")
    require(connection, gate, by, "revoke", about, circumstances(connection, gate, now))
    serving = select(door.c.seq).where(door.c.state == "active").with_for_update()
    seq = next((each for each in connection.scalars(serving) if door_number(each) == number), None)
    if seq is None:
        raise ServiceError("NOT_FOUND")
    ended = {"state": "revoked", "state_at": clock.text(now), "revoked_by": by}
    connection.execute(update(door).where(door.c.seq == seq).values(**ended))
    changed(connection)


def everything(connection: Connection) -> list[Row[Any]]:
    """Return the register of doors."""
    return list(connection.execute(select(door).order_by(door.c.seq)))


class DoorDesk:
    """The registrar's command of doors.

    Args:
        directory: this process's reader.
        gate: what decides.
        now: the clock.
    """

    def __init__(
        self, directory: DirectoryReader, gate: Gate, now: Callable[[], datetime] = clock.now
    ) -> None:
        self._directory = directory
        self._gate = gate
        self._now = now

    def handlers(self) -> dict[str, Handler]:
        """Return the command by name."""
        return {"door_ask": self.ask}

    def ask(self, connection: Connection, payload: dict[str, Any]) -> dict[str, str]:
        """Take `{"post": the door's number, "client", "act": {"officer"}}`.

        Gives `{"refused": why}` of `sites.denied`, which the log enters as a refusal; nothing of
        who may enter. Refuses DOOR_UNKNOWN.
        """
        directory = self._directory.current(connection)
        asking = door_in_force(directory, door=payload["post"], client=payload["client"])
        officer, kind, place = payload["act"]["officer"], asking.kind, asking.place
        reason = sites.denied(connection, self._gate, officer, kind, place, self._now())
        return {} if reason is None else {"refused": reason}
