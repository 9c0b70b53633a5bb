"""The headquarters bureau opens: its arrival register, replays, and numbers that are missing.

`admit` comes after full verification (`keys.dispatch.decipher`), never before, so that a refused
file leaves no trace here. Any order of arrival is normal; what lies between is missing and chased.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, func, literal, select, union
from sqlalchemy.dialects import postgresql

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.references import register_number
from cipher_service.storage import counters
from cipher_service.storage.statements import inserts
from cipher_service.storage.tables.dispatches import addressee
from cipher_service.storage.tables.headquarters import annulled, opened


@dataclass(frozen=True, slots=True)
class Opening:
    """What a verified dispatch says of itself.

    Attributes:
        receiver: the opening bureau's post code.
        dispatch_id: ULID.
        manifest_hash: hex SHA-256 of its manifest; the same hash is the same dispatch.
        origin: post code of its sender.
        fingerprint: of the card that signed it.
        epoch: of the series to this receiver.
        number: in that series.
        level: code of the scheme.
        subject: age ciphertext to the bureau's card (`sealed.seal_text`).
    """

    receiver: str
    dispatch_id: str
    manifest_hash: str
    origin: str
    fingerprint: str
    epoch: int
    number: int
    level: str
    subject: bytes


@dataclass(frozen=True, slots=True)
class Admission:
    """The arrival register's number; `created` is False when it was opened before."""

    register: str
    created: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """Numbers of a series that nobody has seen, both ends included."""

    origin: str
    epoch: int
    first: int
    last: int


def admit(connection: Connection, opening: Opening, now: datetime) -> Admission:
    """Enter an opened dispatch into the arrival register. Opening it again changes nothing.

    Raises:
        ServiceError: REPLAYED (another manifest under this id), NUMBER_REUSED (another dispatch
            under this number), NUMBER_CANCELLED (its origin had declared the number cancelled).
    """
    known = connection.execute(
        select(opened).where(opened.c.dispatch_id == opening.dispatch_id)
    ).one_or_none()
    if known is not None:
        if known.manifest_hash != opening.manifest_hash:
            raise ServiceError("REPLAYED", dispatch_id=opening.dispatch_id)
        register = register_number(known.register_year, known.register_number)
        return Admission(register, created=False)
    facts: dict[str, str | int] = {
        "origin": opening.origin,
        "epoch": opening.epoch,
        "number": opening.number,
    }
    if connection.scalar(_annulment(opening)) is not None:
        raise ServiceError("NUMBER_CANCELLED", **facts)
    number = counters.advance(connection, f"openings/{opening.receiver}/{now.year}")
    written = inserts(
        connection,
        postgresql.insert(opened)
        .on_conflict_do_nothing()
        .values(
            dispatch_id=opening.dispatch_id,
            manifest_hash=opening.manifest_hash,
            receiver=opening.receiver,
            origin=opening.origin,
            fingerprint=opening.fingerprint,
            epoch=opening.epoch,
            number=opening.number,
            level=opening.level,
            subject=opening.subject,
            register_year=now.year,
            register_number=number,
            opened_at=clock.text(now),
        ),
    )
    if not written:
        raise ServiceError("NUMBER_REUSED", **facts)
    return Admission(register_number(now.year, number), created=True)


def missing_numbers(
    connection: Connection, receiver: str, *, since_epoch: int = 0
) -> list[Missing]:
    """Return what is missing in every series to a receiver, up to the highest number seen.

    Seen are numbers opened, numbers announced by a slip (also of what comes by pouch), and numbers
    declared cancelled (a cancelled number counts as used, ACP 127 paragraph 424b).
    """
    seen = union(
        select(opened.c.origin, opened.c.epoch, opened.c.number).where(
            opened.c.receiver == receiver, opened.c.epoch >= since_epoch
        ),
        select(addressee.c.origin, addressee.c.epoch, addressee.c.number).where(
            addressee.c.post == receiver, addressee.c.epoch >= since_epoch
        ),
        select(annulled.c.origin, annulled.c.epoch, annulled.c.number).where(
            annulled.c.receiver == receiver, annulled.c.epoch >= since_epoch
        ),
    ).subquery()
    before = func.lag(seen.c.number, 1, literal(0)).over(
        partition_by=(seen.c.origin, seen.c.epoch), order_by=seen.c.number
    )
    steps = select(seen.c.origin, seen.c.epoch, seen.c.number, before.label("before")).subquery()
    rows = connection.execute(
        select(steps.c.origin, steps.c.epoch, steps.c.before + 1, steps.c.number - 1)
        .where(steps.c.number > steps.c.before + 1)
        .order_by(steps.c.origin, steps.c.epoch, steps.c.number)
    )
    return [Missing(*row) for row in rows]


def _annulment(opening: Opening) -> Select[tuple[int]]:
    return select(annulled.c.number).where(
        annulled.c.receiver == opening.receiver,
        annulled.c.origin == opening.origin,
        annulled.c.epoch == opening.epoch,
        annulled.c.number == opening.number,
    )
