"""The devices that tell of bags: whose they are, whether they still may, how their clocks go."""

from datetime import datetime

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.pouches import repository
from cipher_service.storage.statements import insert_or_skip, inserts
from cipher_service.storage.tables import pouches as tables
from keys.devices import device_id


def enrol(connection: Connection, post: str, ed25519: bytes, now: datetime) -> tuple[str, bool]:
    """Take a post's device into service; return its id and whether it is new.

    Raises:
        ServiceError: DEVICE_OF_ANOTHER (another post's, or revoked: a key never comes back).
    """
    device = device_id(ed25519)
    new = inserts(
        connection,
        insert_or_skip(tables.device, ["device_id"]).values(
            device_id=device,
            post=post,
            ed25519=ed25519,
            state="active",
            enrolled_at=clock.text(now),
        ),
    )
    found = repository.device_of(connection, device)
    if found is None or found.post != post or found.state != "active":
        raise ServiceError("DEVICE_OF_ANOTHER", device=device)
    return device, new


def revoke(connection: Connection, post: str, device: str, now: datetime) -> None:
    """End a device: what it signs counts no more. One person suffices.

    Raises:
        ServiceError: NOT_FOUND, also for another post's device.
    """
    found = repository.device_of(connection, device)
    if found is None or found.post != post:
        raise ServiceError("NOT_FOUND")
    if found.state == "active":
        repository.change_device(connection, device, state="revoked", revoked_at=clock.text(now))


def compare_clock(connection: Connection, device: str, told: datetime, now: datetime) -> None:
    """Note by how much a device's clock is off; its events' times are read so from then on.

    Raises:
        ServiceError: DEVICE_UNKNOWN.
    """
    if repository.device_of(connection, device) is None:
        raise ServiceError("DEVICE_UNKNOWN", device=device)
    offset = round((told - now).total_seconds())
    repository.change_device(connection, device, clock_offset=offset, clock_at=clock.text(now))
