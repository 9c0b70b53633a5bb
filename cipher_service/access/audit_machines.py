"""The machines by which auditors read the log and put their questions (article 12).

A machine belongs to one auditor and reads in that person's name, as long as they may: its key is
the `client` of each entry and the auditor its actor. The security officer records it with another,
as the function itself is given; one person ends it. A key never comes back.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from cipher_service import clock
from cipher_service.access import machine_register
from cipher_service.access.acts import Gate, circumstances, person, require
from cipher_service.access.looks import AUDIT_READ, ruled
from cipher_service.directory.enrolment import ApiKey
from cipher_service.directory.register import DirectoryReader, auditor_number
from cipher_service.identity.admission import auditor_in_force
from cipher_service.storage.batch import Handler
from cipher_service.storage.tables.access import audit_machine


def record(
    connection: Connection,
    gate: Gate,
    api_key: ApiKey,
    auditor: str,
    by: str,
    approver: str,
    now: datetime,
) -> str:
    """Take an auditor's machine into service; returns its number.

    Raises:
        ServiceError: NOT_ALLOWED (also for a machine of who is no auditor), UNKNOWN_OFFICER,
            KEY_KNOWN.
    """
    about = person(connection, auditor)
    context = circumstances(connection, gate, now, approver=approver)
    require(connection, gate, by, "role-assign", about, context)
    ruled(connection, gate, auditor, AUDIT_READ, now)
    seq = machine_register.enter(
        connection, audit_machine, api_key, by, now, auditor=auditor, approver=approver
    )
    return auditor_number(seq)


def revoke(connection: Connection, gate: Gate, number: str, by: str, now: datetime) -> None:
    """End an auditor's machine at once.

    Raises:
        ServiceError: NOT_FOUND (no such machine is in service), NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    row = machine_register.serving(connection, audit_machine, number, auditor_number)
    about = person(connection, row.auditor)
    require(connection, gate, by, "revoke", about, circumstances(connection, gate, now))
    machine_register.end(connection, audit_machine, row.seq, by, now)


def everything(connection: Connection) -> list[Row[Any]]:
    """Return the register of auditors' machines."""
    return machine_register.everything(connection, audit_machine)


class AuditorDesk:
    """The registrar's command of auditors' machines.

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
        return {"auditor_read": self.read}

    def read(self, connection: Connection, payload: dict[str, Any]) -> dict[str, Any]:
        """Take `{"officer", "client", "act": {"machine", "route": what is read}}`.

        Gives `{"decision"}`: the entry of it stands in the log before anything is shown. Refuses
        AUDITOR_UNKNOWN, NOT_ALLOWED (the officer is no auditor any more).
        """
        officer = payload["officer"]
        auditor_in_force(
            self._directory.current(connection),
            machine=payload["act"]["machine"],
            client=payload["client"],
            officer=officer,
        )
        return {"decision": ruled(connection, self._gate, officer, AUDIT_READ, self._now())}
