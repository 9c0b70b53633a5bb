"""The SQL of recording: dispatches, receipts, service messages. Hot: seven statements a submission.

Writers only; every function runs inside the caller's unit of work.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Connection,
    Integer,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql

from cipher_service import clock
from cipher_service.dispatches import rules
from cipher_service.dispatches.submission import Line, Submission
from cipher_service.storage.statements import Statement, insert_or_skip, inserts
from cipher_service.storage.tables import dispatches as tables
from cipher_service.storage.tables.columns import Long
from cipher_service.storage.tables.headquarters import annulled

_DISPATCH_COLUMNS = [column.name for column in tables.dispatch.columns if column.name != "seq"]
_DISPATCH = Statement(
    insert_or_skip(tables.dispatch, ["dispatch_id"]).returning(tables.dispatch.c.seq),
    _DISPATCH_COLUMNS,
)
_ENVELOPE = Statement(insert(tables.envelope), ["dispatch", "slip", "signature", "body"])
_RECEIPT_COLUMNS = ["dispatch", "kind", "post", "recorded_at", "body"]
_RECEIPT = Statement(insert_or_skip(tables.receipt, ["dispatch", "kind", "post"]), _RECEIPT_COLUMNS)


def _addressee_statement() -> Statement:
    """An addressee's line, unless its number is taken or was cancelled by its origin."""
    columns = list(tables.addressee.columns)
    given = [
        cast(bindparam(column.name), column.type).label(column.name)
        if column.type is Long
        else bindparam(column.name, type_=column.type).label(column.name)
        for column in columns
    ]
    cancelled = exists().where(
        and_(
            annulled.c.receiver == bindparam("post", type_=Text()),
            annulled.c.origin == bindparam("origin", type_=Text()),
            annulled.c.epoch == bindparam("epoch", type_=Integer()),
            annulled.c.number == bindparam("number", type_=Integer()),
        )
    )
    line = postgresql.insert(tables.addressee).from_select(
        [column.name for column in columns], select(*given).where(~cancelled)
    )
    numbered = [tables.addressee.c[name] for name in ("origin", "post", "epoch", "number")]
    return Statement(line.on_conflict_do_nothing(index_elements=numbered))


_ADDRESSEE = _addressee_statement()
_KNOWN = Statement(
    select(
        tables.dispatch.c.seq,
        tables.envelope.c.slip,
        tables.dispatch.c.register_year,
        tables.dispatch.c.register_number,
        tables.dispatch.c.received_at,
        tables.receipt.c.body,
    )
    .join(tables.envelope, tables.envelope.c.dispatch == tables.dispatch.c.seq)
    .outerjoin(
        tables.receipt,
        and_(
            tables.receipt.c.dispatch == tables.dispatch.c.seq,
            tables.receipt.c.kind == literal_column("'submitted'"),
        ),
    )
    .where(tables.dispatch.c.dispatch_id == bindparam("id"))
)


@dataclass(frozen=True, slots=True)
class Known:
    """A dispatch recorded before; `receipt` is None while its own batch is still open."""

    seq: int
    slip: bytes
    register_year: int
    register_number: int
    received_at: str
    receipt: bytes | None


def insert_dispatch(
    connection: Connection, submission: Submission, *, year: int, number: int, at: str
) -> int | None:
    """Write the dispatch's row; returns its order of arrival, None when the id is known.

    `at` is the instant as text: a submission writes it three times and formats it once.
    """
    row = _DISPATCH.one(
        connection,
        {
            "dispatch_id": submission.dispatch_id,
            "origin": submission.origin,
            "origin_card": submission.origin_card,
            "kind": submission.kind,
            "level": submission.level,
            "caveats": submission.caveats,
            "dtg": submission.dtg,
            "sha256": submission.sha256,
            "size": submission.size,
            "received_at": at,
            "register_year": year,
            "register_number": number,
        },
    )
    return None if row is None else int(row[0])


def insert_envelope(
    connection: Connection, seq: int, submission: Submission, body: bytes | None
) -> None:
    """Write the slip and, if small, the envelope's bytes."""
    _ENVELOPE.run(
        connection,
        {
            "dispatch": seq,
            "slip": submission.slip,
            "signature": submission.signature,
            "body": body,
        },
    )


def insert_lines(connection: Connection, seq: int, submission: Submission, at: str) -> Line | None:
    """Write the addressees' lines; returns the first whose number cannot be used, if any."""
    for position, line in enumerate(submission.lines):
        written = _ADDRESSEE.run(
            connection,
            {
                "dispatch": seq,
                "post": line.post,
                "position": position,
                "origin": submission.origin,
                "fingerprint": line.fingerprint,
                "role": line.role,
                "precedence": line.precedence,
                "delivery": line.delivery,
                "epoch": line.epoch,
                "number": line.number,
                "place": rules.place(line.rank, seq),
                "state": rules.PENDING,
                "state_at": at,
            },
        )
        if written.rowcount == 0:
            return line
    return None


def known_dispatch(connection: Connection, dispatch_id: str) -> Known | None:
    """Return what is recorded under a dispatch id."""
    row = _KNOWN.one(connection, {"id": dispatch_id})
    if row is None:
        return None
    receipt = row[5]
    return Known(
        int(row[0]),
        bytes(row[1]),
        int(row[2]),
        int(row[3]),
        str(row[4]),
        None if receipt is None else bytes(receipt),
    )


def holder_of_number(connection: Connection, origin: str, line: Line) -> str | None:
    """Return the id of the dispatch that bears a number, None when its origin cancelled it."""
    table = tables.addressee
    found = connection.scalar(
        select(tables.dispatch.c.dispatch_id)
        .join(table, table.c.dispatch == tables.dispatch.c.seq)
        .where(
            table.c.origin == origin,
            table.c.post == line.post,
            table.c.epoch == line.epoch,
            table.c.number == line.number,
        )
    )
    return None if found is None else str(found)


def insert_receipts(
    connection: Connection, kind: str, post: str, rows: Iterable[tuple[int, bytes]], now: datetime
) -> None:
    """Write receipts of one kind by one post: (order of arrival of the dispatch, file)."""
    at = clock.text(now)
    _RECEIPT.run_many(
        connection,
        [
            {"dispatch": seq, "kind": kind, "post": post, "recorded_at": at, "body": body}
            for seq, body in rows
        ],
    )


def insert_post_receipt(
    connection: Connection, seq: int, kind: str, post: str, body: bytes, now: datetime
) -> bool:
    """Write a post's receipt; False when the post gave one of this kind before."""
    written = _RECEIPT.run(
        connection,
        {
            "dispatch": seq,
            "kind": kind,
            "post": post,
            "recorded_at": clock.text(now),
            "body": body,
        },
    )
    return bool(written.rowcount)


def advance_line(connection: Connection, seq: int, post: str, state: str, now: datetime) -> None:
    """Move an addressee's line to a later state; a line that is there already stays."""
    table = tables.addressee
    connection.execute(
        update(table)
        .where(
            table.c.dispatch == seq,
            table.c.post == post,
            table.c.state.in_(rules.states_before(state)),
        )
        .values(state=state, state_at=clock.text(now))
    )


def insert_service_message(
    connection: Connection,
    *,
    message_id: str,
    origin: str,
    addressee: str,
    kind: str,
    body: bytes,
    now: datetime,
) -> bool:
    """Write a service message; False when its id is known."""
    return inserts(
        connection,
        insert_or_skip(tables.service_message, ["message_id"]).values(
            message_id=message_id,
            origin=origin,
            addressee=addressee,
            kind=kind,
            recorded_at=clock.text(now),
            body=body,
        ),
    )


def service_message_body(connection: Connection, message_id: str) -> bytes:
    """Return a recorded service message."""
    table = tables.service_message
    body = connection.scalar(select(table.c.body).where(table.c.message_id == message_id))
    return b"" if body is None else bytes(body)


def insert_annulled(
    connection: Connection,
    *,
    receiver: str,
    origin: str,
    epoch: int,
    number: int,
    message_id: str,
    now: datetime,
) -> None:
    """Write that an origin declared a number cancelled."""
    connection.execute(
        insert_or_skip(annulled, ["receiver", "origin", "epoch", "number"]).values(
            receiver=receiver,
            origin=origin,
            epoch=epoch,
            number=number,
            message_id=message_id,
            recorded_at=clock.text(now),
        )
    )
