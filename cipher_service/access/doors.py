"""Machines of doors and applications, which ask about accesses outside the service (article 12).

Each has a key of its own and is bound to one place: it asks whether a person may enter there now,
and is told yes, or no and why. Nothing else answers it. The security officer records and revokes
it; a key never comes back.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from cipher_service import clock
from cipher_service.access import machine_register, sites
from cipher_service.access.acts import Gate, circumstances, require
from cipher_service.access.subjects import Person
from cipher_service.directory.enrolment import ApiKey
from cipher_service.directory.register import DirectoryReader, door_number
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
    seq = machine_register.enter(connection, door, api_key, by, now, kind=kind, place=place.strip())
    return door_number(seq)


def revoke(connection: Connection, gate: Gate, number: str, by: str, now: datetime) -> None:
    """End a door at once: its tokens answer nothing from the next question on.

    Raises:
        ServiceError: NOT_FOUND (no such door is in service), NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    about = Person(number, "")
    require(connection, gate, by, "revoke", about, circumstances(connection, gate, now))
    row = machine_register.serving(connection, door, number, door_number)
    machine_register.end(connection, door, row.seq, by, now)


def everything(connection: Connection) -> list[Row[Any]]:
    """Return the register of doors."""
    return machine_register.everything(connection, door)


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
