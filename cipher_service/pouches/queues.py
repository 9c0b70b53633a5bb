"""A telephone's exported queue that reached headquarters as a file (pouch/CUSTODY.md §1).

Its events are judged like those that come over a line. A device that the books do not know, as
after a restore, says by its own signature which key, officer and post it is; an officer who may
make bags up takes it into service again.
"""

from collections.abc import Sequence
from typing import Any

from cipher_service.directory.register import read_directory
from cipher_service.pouches import devices
from cipher_service.pouches.custody import judge, keys_in_force, record
from cipher_service.pouches.entitlement import PACK
from cipher_service.pouches.office import Office
from pouch.enrolment import Enrolment


def take_in(
    office: Office, events: Sequence[bytes], device: Enrolment | None, *, by: str
) -> list[dict[str, Any]]:
    """Record the events of a queue; give a `custody.Answer` as a map for each.

    Args:
        office: the pouch bureau.
        events: files of events, in any order.
        device: to be taken into service first; None to believe only devices that are.
        by: the officer.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER, UNKNOWN_POST, DEVICE_OF_ANOTHER.
    """
    with office.act("pouch_readings", office.post) as sitting:
        sitting.require_house(by, PACK, "readings")
        connection, now = sitting.connection, sitting.now
        if device is not None:
            read_directory(connection).post(device.post)
            devices.enrol(connection, device.post, device.ed25519, now)
        keys = keys_in_force(connection)
        judged = [judge(body, keys) for body in events]
        return record(connection, judged, caller=office.post, now=now, gate=office.gate)
