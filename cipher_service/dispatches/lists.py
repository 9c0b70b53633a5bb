"""What posts may read: their own list, one dispatch, its receipts, arrivals, service messages.

Every function takes the caller and starts from what is the caller's; what is not is NOT_FOUND,
never "forbidden". Pages are keyset pages: no OFFSET, whatever the depth.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    exists,
    func,
    or_,
    select,
    true,
)

from cipher_service.dispatches.repository import receipt_of
from cipher_service.errors import ServiceError
from cipher_service.references import register_number
from cipher_service.storage.held import Held
from cipher_service.storage.tables.dispatches import (
    addressee,
    dispatch,
    envelope,
    receipt,
    receipt_seal,
    rerouted_header,
    service_message,
)
from keys.manifest import CIPHER, COPY

PAGE_MAX = 200
_EVERY: ColumnElement[bool] = true()


@dataclass(frozen=True, slots=True)
class InboxLine:
    """A line of a post's list.

    Attributes:
        place: its cursor, by precedence then arrival.
        seq: order of arrival.
        register: the ministry's number, `2026/000123`.
        caveats: canonical JSON list.
        epoch: of the series number; None when `number` is.
        number: the series number, None for no number.
        state: pending, fetched, delivered, deciphered or refused.
        received_at: `YYYY-MM-DDTHH:MM:SSZ`.
    """

    place: int
    seq: int
    dispatch_id: str
    register: str
    origin: str
    kind: str
    level: str
    caveats: str
    dtg: str
    role: str
    precedence: str
    delivery: str
    epoch: int | None
    number: int | None
    sha256: str
    size: int
    received_at: str
    state: str


@dataclass(frozen=True, slots=True)
class DispatchRecord:
    """One dispatch as its origin signed it, with the register's facts.

    `stored` says whether the envelope is not in one row: `lists.held_of` says where it is.
    """

    seq: int
    dispatch_id: str
    register: str
    received_at: str
    slip: bytes
    signature: bytes
    sha256: str
    size: int
    stored: bool


@dataclass(frozen=True, slots=True)
class ReceiptRecord:
    """A receipt's file; `post` is None for the ministry's own."""

    kind: str
    post: str | None
    recorded_at: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the live stream tells of a new dispatch; `seq` is its cursor."""

    seq: int
    dispatch_id: str
    origin: str
    precedence: str
    received_at: str


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A service message's file; `seq` is its cursor."""

    seq: int
    origin: str
    recorded_at: str
    body: bytes


def inbox(
    connection: Connection,
    post: str,
    states: Collection[str],
    *,
    after: int = 0,
    limit: int = 50,
    delivery: str = CIPHER,
    within: ColumnElement[bool] = _EVERY,
) -> list[InboxLine]:
    """Return a page of what is addressed to a post over the wire, most urgent first.

    Args:
        connection: reading.
        post: the caller.
        states: of `rules.STATES`; `rules.OPEN_STATES` is what remains to be opened.
        after: the `place` of the last line of the page before; 0 for the first page.
        limit: lines at most, up to `PAGE_MAX`; ask for one more than shown to know if it is the
            last page.
        delivery: `POUCH` for what was announced and comes by pouch instead.
        within: what of `dispatch` may be shown at all.
    """
    if not states:
        return []
    limit = min(limit, PAGE_MAX + 1)
    # One short walk of the index (post, state, place) per state: IN would sort the lot, and the
    # statement of their union leaves a thousand objects that only a collection of cycles frees.
    rows = [
        row
        for state in sorted(states)
        for row in connection.execute(_walk(post, state, after, limit, delivery, within))
    ]
    rows.sort(key=lambda row: row.place)
    return [_inbox_line(row) for row in rows[:limit]]


def dispatch_of(
    connection: Connection, caller: str, dispatch_id: str, *, delivery: str = CIPHER
) -> DispatchRecord:
    """Return a dispatch that the caller sent, or that comes to it by this way.

    Raises:
        ServiceError: NOT_FOUND.
    """
    mine = exists().where(
        addressee.c.dispatch == dispatch.c.seq,
        addressee.c.post == caller,
        addressee.c.delivery == delivery,
    )
    row = connection.execute(
        select(dispatch, envelope.c.slip, envelope.c.signature, envelope.c.body.is_(None))
        .join(envelope, envelope.c.dispatch == dispatch.c.seq)
        .where(dispatch.c.dispatch_id == dispatch_id, or_(dispatch.c.origin == caller, mine))
    ).one_or_none()
    if row is None:
        raise ServiceError("NOT_FOUND")
    return DispatchRecord(
        seq=row.seq,
        dispatch_id=row.dispatch_id,
        register=register_number(row.register_year, row.register_number),
        received_at=row.received_at,
        slip=bytes(row.slip),
        signature=bytes(row.signature),
        sha256=row.sha256,
        size=row.size,
        stored=bool(row[-1]),
    )


def small_body(connection: Connection, record: DispatchRecord) -> bytes:
    """Return the envelope of a dispatch whose `stored` is false."""
    body = connection.scalar(select(envelope.c.body).where(envelope.c.dispatch == record.seq))
    return b"" if body is None else bytes(body)


def held_of(connection: Connection, record: DispatchRecord) -> Held:
    """Return where the envelope of a dispatch is."""
    if not record.stored:
        return Held(small_body(connection, record))
    mine = rerouted_header.c.dispatch == record.seq
    row = connection.execute(select(rerouted_header).where(mine)).one_or_none()
    return Held(b"", record.sha256) if row is None else rerouted(row)


def rerouted(row: Row[Any]) -> Held:
    """Return where an envelope is that has a header of its own over another one's payload."""
    return Held(bytes(row.header), row.payload, row.starts)


def receipts_of(connection: Connection, caller: str, dispatch_id: str) -> list[ReceiptRecord]:
    """Return the receipts of a dispatch, in order of arrival.

    The origin sees all; an addressee sees its own, since who else read a dispatch is not for it.

    Raises:
        ServiceError: NOT_FOUND.
    """
    record = dispatch_of(connection, caller, dispatch_id)
    origin = connection.scalar(select(dispatch.c.origin).where(dispatch.c.seq == record.seq))
    shown: list[ColumnElement[bool]] = [receipt.c.dispatch == record.seq]
    if origin != caller:
        shown.append(receipt.c.post == caller)
    rows = connection.execute(
        select(receipt, receipt_seal.c.shared)
        .outerjoin(receipt_seal, receipt_seal.c.seq == receipt.c.seal)
        .where(*shown)
        .order_by(receipt.c.seq)
    )
    return [
        ReceiptRecord(
            row.kind,
            None if row.kind == "submitted" else row.post,
            row.recorded_at,
            receipt_of(row.body, row.shared),
        )
        for row in rows
    ]


def arrivals(
    connection: Connection,
    post: str,
    *,
    after: int,
    limit: int = PAGE_MAX,
    within: ColumnElement[bool] = _EVERY,
) -> list[Arrival]:
    """Return what arrived for a post over the wire since a cursor, in order of arrival."""
    rows = connection.execute(
        select(
            dispatch.c.seq,
            dispatch.c.dispatch_id,
            dispatch.c.origin,
            addressee.c.precedence,
            dispatch.c.received_at,
        )
        .join(addressee, addressee.c.dispatch == dispatch.c.seq)
        .where(addressee.c.post == post, addressee.c.dispatch > after, *_SERVED, within)
        .order_by(addressee.c.dispatch)
        .limit(limit)
    )
    return [Arrival(*row) for row in rows]


def latest_arrival(connection: Connection, post: str) -> int:
    """Return the cursor of a post's newest arrival, 0 before the first."""
    newest = select(func.max(addressee.c.dispatch)).where(addressee.c.post == post)
    return int(connection.scalar(newest) or 0)


def service_messages(
    connection: Connection, post: str, *, after: int = 0, limit: int = 50
) -> list[MessageRecord]:
    """Return a page of the service messages spoken to a post, in order of arrival."""
    table = service_message
    rows = connection.execute(
        select(table.c.seq, table.c.origin, table.c.recorded_at, table.c.body)
        .where(table.c.addressee == post, table.c.seq > after)
        .order_by(table.c.seq)
        .limit(min(limit, PAGE_MAX + 1))
    )
    return [
        MessageRecord(int(row.seq), row.origin, row.recorded_at, bytes(row.body)) for row in rows
    ]


# The sender's own copy is not mail, and what goes by pouch is not given over the wire.
_SERVED = (addressee.c.role != COPY, addressee.c.delivery == CIPHER)


def _walk(
    post: str, state: str, after: int, limit: int, delivery: str, within: ColumnElement[bool]
) -> Select[Any]:
    lines = (
        select(
            addressee.c.place,
            addressee.c.role,
            addressee.c.precedence,
            addressee.c.delivery,
            addressee.c.epoch,
            addressee.c.number,
            addressee.c.state,
            dispatch,
        )
        .join(dispatch, dispatch.c.seq == addressee.c.dispatch)
        .where(
            addressee.c.post == post,
            addressee.c.state == state,
            addressee.c.place > after,
            addressee.c.role != COPY,
            addressee.c.delivery == delivery,
            within,
        )
    )
    return lines.order_by(addressee.c.place).limit(limit)


def _inbox_line(row: Row[Any]) -> InboxLine:
    return InboxLine(
        place=row.place,
        seq=row.seq,
        dispatch_id=row.dispatch_id,
        register=register_number(row.register_year, row.register_number),
        origin=row.origin,
        kind=row.kind,
        level=row.level,
        caveats=row.caveats,
        dtg=row.dtg,
        role=row.role,
        precedence=row.precedence,
        delivery=row.delivery,
        epoch=row.epoch,
        number=row.number,
        sha256=row.sha256,
        size=row.size,
        received_at=row.received_at,
        state=row.state,
    )
