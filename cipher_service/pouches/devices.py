"""The devices that tell of bags: whose they are, whether they still may, how their clocks go."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.pouches import device_book
from cipher_service.storage.statements import insert_or_skip, inserts
from cipher_service.storage.tables import pouches as tables
from keys.devices import REQUEST, device_id, request_statement
from keys.errors import SignatureInvalid
from keys.signing import verify_ed25519

REQUEST_SKEW: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as a device signed it (pouch/CUSTODY.md §1)."""

    device: str
    method: str
    path: str
    time: str
    signature: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """A device of a post: its id, since when it is in service, and until when it was."""

    id: str
    enrolled: datetime
    revoked: datetime | None


def of_post(connection: Connection, post: str) -> list[Known]:
    """Return a post's devices, the last taken into service first."""
    device = tables.device
    rows = connection.execute(
        select(device.c.device_id, device.c.enrolled_at, device.c.revoked_at)
        .where(device.c.post == post)
        .order_by(device.c.enrolled_at.desc(), device.c.device_id)
    )
    return [
        Known(
            row.device_id,
            clock.parse(row.enrolled_at),
            None if row.revoked_at is None else clock.parse(row.revoked_at),
        )
        for row in rows
    ]


def in_force(connection: Connection) -> frozenset[str]:
    """Return the ids of all devices in force."""
    device = tables.device
    return frozenset(
        connection.scalars(select(device.c.device_id).where(device.c.state == "active"))
    )


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
    found = device_book.device_of(connection, device)
    if found is None or found.post != post or found.state != "active":
        raise ServiceError("DEVICE_OF_ANOTHER", device=device)
    return device, new


def revoke(connection: Connection, post: str, device: str, now: datetime) -> None:
    """End a device: what it signs counts no more. One person suffices.

    Raises:
        ServiceError: NOT_FOUND, also for another post's device.
    """
    found = device_book.device_of(connection, device)
    if found is None or found.post != post:
        raise ServiceError("NOT_FOUND")
    if found.state == "active":
        device_book.change_device(connection, device, state="revoked", revoked_at=clock.text(now))


def compare_clock(connection: Connection, device: str, told: datetime, now: datetime) -> None:
    """Note by how much a device's clock is off; its events' times are read so from then on.

    Raises:
        ServiceError: DEVICE_UNKNOWN.
    """
    if device_book.device_of(connection, device) is None:
        raise ServiceError("DEVICE_UNKNOWN", device=device)
    offset = round((told - now).total_seconds())
    device_book.change_device(connection, device, clock_offset=offset, clock_at=clock.text(now))


def recognise(connection: Connection, asked: Asked, now: datetime) -> str:
    """Return the post of the device that signed a request.

    Raises:
        ServiceError: DEVICE_UNKNOWN (revoked ones too), SIGNATURE_INVALID, CLOCK_SKEWED.
    """
    found = device_book.device_of(connection, asked.device)
    if found is None or found.state != "active":
        raise ServiceError("DEVICE_UNKNOWN", device=asked.device)
    statement = request_statement(
        asked.device, method=asked.method, path=asked.path, time=asked.time, body=asked.body
    )
    try:
        verify_ed25519(found.ed25519, REQUEST, statement, asked.signature)
    except SignatureInvalid as error:
        raise ServiceError("SIGNATURE_INVALID") from error
    if abs(clock.parse(asked.time) - now) > REQUEST_SKEW:
        raise ServiceError("CLOCK_SKEWED", server_time=clock.text(now))
    post: str = found.post
    return post
