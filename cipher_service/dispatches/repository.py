"""The SQL of recording: dispatches, receipts, service messages. Hot: seven statements a submission.

Writers only; every function runs inside the caller's unit of work.
"""

from collections.abc import Sequence
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
from cipher_service.storage.held import Held
from cipher_service.storage.statements import Statement, Value, insert_or_skip, inserts
from cipher_service.storage.tables import dispatches as tables
from cipher_service.storage.tables.columns import Long
from cipher_service.storage.tables.headquarters import annulled
from keys.receipts import SUBMITTED, SealedBatch, whole_receipt

_DISPATCH_COLUMNS = [column.name for column in tables.dispatch.columns if column.name != "seq"]
_DISPATCH = Statement(
    insert_or_skip(tables.dispatch, ["dispatch_id"]).returning(tables.dispatch.c.seq),
    _DISPATCH_COLUMNS,
)
_DISPATCHES = Statement(insert_or_skip(tables.dispatch, ["dispatch_id"]), _DISPATCH_COLUMNS)
_REGISTERED = Statement(
    select(tables.dispatch.c.seq)
    .where(
        tables.dispatch.c.register_year == bindparam("year"),
        tables.dispatch.c.register_number.between(bindparam("first"), bindparam("last")),
    )
    .order_by(tables.dispatch.c.register_number)
)
_ENVELOPE = Statement(insert(tables.envelope), ["dispatch", "slip", "signature", "body"])
_SEAL = Statement(insert(tables.receipt_seal), ["seq", "shared"])
_RECEIPT_COLUMNS = ["dispatch", "kind", "post", "recorded_at", "body", "seal"]
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
        tables.receipt_seal.c.shared,
    )
    .join(tables.envelope, tables.envelope.c.dispatch == tables.dispatch.c.seq)
    .outerjoin(
        tables.receipt,
        and_(
            tables.receipt.c.dispatch == tables.dispatch.c.seq,
            tables.receipt.c.kind == literal_column("'submitted'"),
        ),
    )
    .outerjoin(tables.receipt_seal, tables.receipt_seal.c.seq == tables.receipt.c.seal)
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
    row = _DISPATCH.one(connection, _dispatch_row(submission, year, number, at))
    return None if row is None else int(row[0])


def insert_envelope(
    connection: Connection, seq: int, submission: Submission, body: bytes | None
) -> None:
    """Write the slip and, if small, the envelope's bytes."""
    _ENVELOPE.run(connection, _envelope_row(seq, submission, body))


def insert_rerouted(connection: Connection, seq: int, held: Held) -> None:
    """Write the header of a rerouted envelope, and where its payload lies already."""
    values = {"header": held.head, "payload": held.file, "starts": held.starts}
    connection.execute(insert(tables.rerouted_header).values(dispatch=seq, **values))


def insert_lines(connection: Connection, seq: int, submission: Submission, at: str) -> Line | None:
    """Write the addressees' lines; returns the first whose number cannot be used, if any."""
    rows = _line_rows(seq, submission, at)
    for line, row in zip(submission.lines, rows, strict=True):
        if _ADDRESSEE.run(connection, row).rowcount == 0:
            return line
    return None


def insert_together(
    connection: Connection,
    submissions: Sequence[tuple[Submission, bytes | None]],
    *,
    year: int,
    first: int,
    at: str,
) -> list[int] | None:
    """Write several new submissions under consecutive register numbers, with their envelopes.

    Returns:
        Their orders of arrival; None when an id is known or a number cannot be used: the caller
        then undoes all of it.
    """
    rows = [
        _dispatch_row(submission, year, number, at)
        for number, (submission, _) in enumerate(submissions, start=first)
    ]
    if _DISPATCHES.run_many(connection, rows) != len(rows):
        return None
    last = first + len(rows) - 1
    numbered = _REGISTERED.run(connection, {"year": year, "first": first, "last": last})
    seqs = [int(seq) for (seq,) in numbered.fetchall()]
    placed = list(zip(seqs, submissions, strict=True))
    _ENVELOPE.run_many(
        connection, [_envelope_row(seq, submission, body) for seq, (submission, body) in placed]
    )
    lines = [row for seq, (submission, _) in placed for row in _line_rows(seq, submission, at)]
    return seqs if _ADDRESSEE.run_many(connection, lines) == len(lines) else None


def _dispatch_row(submission: Submission, year: int, number: int, at: str) -> dict[str, Value]:
    return {
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
    }


def _envelope_row(seq: int, submission: Submission, body: bytes | None) -> dict[str, Value]:
    return {
        "dispatch": seq,
        "slip": submission.slip,
        "signature": submission.signature,
        "body": body,
    }


def _line_rows(seq: int, submission: Submission, at: str) -> list[dict[str, Value]]:
    return [
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
        }
        for position, line in enumerate(submission.lines)
    ]


def known_dispatch(connection: Connection, dispatch_id: str) -> Known | None:
    """Return what is recorded under a dispatch id."""
    row = _KNOWN.one(connection, {"id": dispatch_id})
    if row is None:
        return None
    return Known(
        int(row[0]),
        bytes(row[1]),
        int(row[2]),
        int(row[3]),
        str(row[4]),
        None if row[5] is None else receipt_of(row[5], row[6]),
    )


def receipt_of(body: bytes, shared: bytes | None) -> bytes:
    """Return a receipt as it was given, from its row and that of its seal, if it has one."""
    return bytes(body) if shared is None else whole_receipt(bytes(body), bytes(shared))


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


def insert_sealed(
    connection: Connection, post: str, seqs: Sequence[int], sealed: SealedBatch, now: datetime
) -> None:
    """Write the ministry's receipts of one commit: of each dispatch, by its order of arrival."""
    at = clock.text(now)
    _SEAL.run(connection, {"seq": seqs[0], "shared": sealed.shared})
    _RECEIPT.run_many(
        connection,
        [
            {
                "dispatch": seq,
                "kind": SUBMITTED,
                "post": post,
                "recorded_at": at,
                "body": own,
                "seal": seqs[0],
            }
            for seq, own in zip(seqs, sealed.own, strict=True)
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
            "seal": None,
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
