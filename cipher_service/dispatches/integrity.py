"""Do the books hold together? What `cipher-service check` reports, as plain data.

    for finding in check(engine, blobs, keys):
        ...                              # finding.code, finding.facts

Reads only. The order: 1. the database itself; 2. register numbers; 3. the bureau's own series;
4. envelopes against their hashes; 5. slips and receipts against their signatures. A defect never
stops the rest, since whoever reads the report wants all of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, select
from sqlalchemy.exc import DatabaseError

from cipher_service.directory.register import Directory, read_directory
from cipher_service.dispatches import rules
from cipher_service.dispatches.lists import rerouted
from cipher_service.dispatches.repository import receipt_of
from cipher_service.references import register_number
from cipher_service.storage import counters
from cipher_service.storage.blobs import Blobs, Body
from cipher_service.storage.held import Held, digest
from cipher_service.storage.migrations import is_current
from cipher_service.storage.soundness import damage
from cipher_service.storage.tables.compositions import composition
from cipher_service.storage.tables.dispatches import (
    dispatch,
    envelope,
    receipt,
    receipt_seal,
    rerouted_header,
)
from cipher_service.storage.tables.headquarters import allotted, intent, opened, series
from cipher_service.storage.tables.registers import void_numbers
from cipher_service.storage.unit_of_work import reading
from keys.canonical import decode
from keys.errors import KeysError
from keys.receipts import read_submitted_receipt
from keys.signing import VerifyingKey
from keys.slips import SignedSlip, Slip
from keys.succession import KeyLine

PAGE = 200
"""Dispatches read at a time: bodies are up to 64 KiB each."""

CODES = (
    "DATABASE_DAMAGED",
    "DATABASE_NOT_CURRENT",
    "REGISTER_GAP",
    "REGISTER_COUNTER",
    "SERIES_GAP",
    "SERIES_COUNTER",
    "INTENT_OPEN",
    "BODY_MISSING",
    "BODY_DAMAGED",
    "BODY_ORPHAN",
    "SLIP_INVALID",
    "RECEIPT_MISSING",
    "RECEIPT_INVALID",
)
"""Every code that a finding can have, for those who put it into words."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be. Facts are codes, numbers and ids, never a subject."""

    code: str
    facts: dict[str, str | int] = field(default_factory=dict)


def check(engine: Engine, blobs: Blobs, service_keys: KeyLine | VerifyingKey) -> Iterator[Finding]:
    """Give every defect found.

    Args:
        engine: the database.
        blobs: the envelope store.
        service_keys: verify the ministry's receipts.
    """
    try:
        if not is_current(engine):
            yield Finding("DATABASE_NOT_CURRENT")
            return
        with reading(engine) as connection:
            yield from _database(connection)
            yield from _registers(connection)
            yield from _series(connection)
            yield from _envelopes(connection, blobs, service_keys)
    except DatabaseError as error:
        # A damaged page can stop any query; what was found before it has been given already.
        yield Finding("DATABASE_DAMAGED", {"detail": str(error.orig)})


def _database(connection: Connection) -> Iterator[Finding]:
    for detail in damage(connection):
        yield Finding("DATABASE_DAMAGED", {"detail": detail})


def _registers(connection: Connection) -> Iterator[Finding]:
    """The three registers: dispatches received, departures and openings of a bureau."""
    books: tuple[tuple[str, Table, str | None], ...] = (
        ("register", dispatch, None),
        ("departures", intent, "origin"),
        ("openings", opened, "receiver"),
    )
    for name, table, owner in books:
        columns = [table.c.register_year, table.c.register_number]
        if owner is not None:
            columns.append(table.c[owner])
        numbers: dict[str, list[int]] = {}
        for row in connection.execute(select(*columns)):
            book = f"{name}/{row[0]}" if owner is None else f"{name}/{row[2]}/{row[0]}"
            numbers.setdefault(book, []).append(row[1])
        for book, used in sorted(numbers.items()):
            spent = [*used, *_void(connection, book)]
            yield from _gaps("REGISTER", {"book": book}, spent, counters.read(connection, book))


def _void(connection: Connection, book: str) -> Iterator[int]:
    """Give the numbers of a book that a restore skipped."""
    skipped = select(void_numbers.c.first, void_numbers.c.last).where(
        void_numbers.c.counter == book
    )
    for row in connection.execute(skipped):
        yield from range(row.first, row.last + 1)


def _series(connection: Connection) -> Iterator[Finding]:
    """Every number that the bureau ever allotted is there, with its state."""
    for row in connection.execute(select(series)).all():
        key = {"origin": row.origin, "post": row.post, "epoch": row.epoch}
        used = connection.scalars(
            select(allotted.c.number).where(*(allotted.c[name] == key[name] for name in key))
        )
        yield from _gaps("SERIES", key, list(used), row.last)
    for dispatch_id in connection.scalars(
        select(intent.c.dispatch_id).where(intent.c.state == "open")
    ):
        yield Finding("INTENT_OPEN", {"dispatch_id": dispatch_id})


def _gaps(
    what: str, facts: dict[str, str | int], used: list[int], counter: int
) -> Iterator[Finding]:
    for gap in rules.gaps(used):
        yield Finding(f"{what}_GAP", {**facts, "first": gap.first, "last": gap.last})
    highest = max(used, default=0)
    if highest != counter:
        yield Finding(f"{what}_COUNTER", {**facts, "highest": highest, "counter": counter})


def _envelopes(
    connection: Connection, blobs: Blobs, service_keys: KeyLine | VerifyingKey
) -> Iterator[Finding]:
    directory = read_directory(connection)
    stored: set[str] = set()
    after = 0
    while True:
        rows = connection.execute(
            select(
                *(dispatch, envelope.c.slip, envelope.c.signature, envelope.c.body),
                *(rerouted_header.c.header, rerouted_header.c.payload, rerouted_header.c.starts),
            )
            .outerjoin(envelope, envelope.c.dispatch == dispatch.c.seq)
            .outerjoin(rerouted_header, rerouted_header.c.dispatch == dispatch.c.seq)
            .where(dispatch.c.seq > after)
            .order_by(dispatch.c.seq)
            .limit(PAGE)
        ).all()
        if not rows:
            break
        after = rows[-1].seq
        receipts = _receipts(connection, rows[0].seq, after)
        for row in rows:
            if row.slip is not None and row.body is None:
                stored.add(row.sha256 if row.payload is None else row.payload)
            yield from _body(row, blobs)
            yield from _slip(row, directory)
            yield from _receipt(row, receipts.get(row.seq), service_keys)
    for number, sha256, size in _enclosed(connection):
        stored.add(sha256)
        if blobs.size(sha256) != size:
            yield Finding("BODY_MISSING", {"dispatch_id": number, "sha256": sha256})
    for sha256 in blobs.stored():
        if sha256 not in stored:
            yield Finding("BODY_ORPHAN", {"sha256": sha256})


def _enclosed(connection: Connection) -> Iterator[tuple[str, str, int]]:
    """Give what drafts enclose: (number, hash, size) of each attachment."""
    book = composition.c
    rows = connection.execute(
        select(book.composition_id, book.enclosed).where(book.enclosed.is_not(None))
    )
    for row in rows:
        for sha256, size in decode(row.enclosed.encode()):
            yield row.composition_id, sha256, size


def _receipts(connection: Connection, first: int, last: int) -> dict[int, bytes]:
    rows = connection.execute(
        select(receipt.c.dispatch, receipt.c.body, receipt_seal.c.shared)
        .outerjoin(receipt_seal, receipt_seal.c.seq == receipt.c.seal)
        .where(receipt.c.kind == "submitted", receipt.c.dispatch.between(first, last))
    )
    return {row.dispatch: receipt_of(row.body, row.shared) for row in rows}


def _body(row: Row[Any], blobs: Blobs) -> Iterator[Finding]:
    facts = {"dispatch_id": row.dispatch_id, "sha256": row.sha256}
    if row.slip is None:
        yield Finding("BODY_MISSING", facts)
        return
    try:
        found = digest(blobs, _held(row))
    except OSError:
        yield Finding("BODY_MISSING", facts)
        return
    if found != Body(row.sha256, row.size):
        yield Finding("BODY_DAMAGED", facts)


def _held(row: Row[Any]) -> Held:
    if row.body is not None:
        return Held(bytes(row.body))
    return Held(b"", row.sha256) if row.payload is None else rerouted(row)


def _slip(row: Row[Any], directory: Directory) -> Iterator[Finding]:
    """The slip is the one that its origin signed, and the register repeats it truly."""
    facts = {"dispatch_id": row.dispatch_id, "origin": row.origin}
    try:
        slip = Slip.parse(bytes(row.slip or b""))
        card = directory.cards[row.origin_card].card
        SignedSlip(slip, bytes(row.signature or b"")).verify(card)
    except (KeysError, KeyError, ValueError):
        yield Finding("SLIP_INVALID", facts)
        return
    said = (slip.dispatch_id, slip.origin, slip.level, slip.envelope_sha256, slip.envelope_size)
    if said != (row.dispatch_id, row.origin, row.level, row.sha256, row.size):
        yield Finding("SLIP_INVALID", facts)


def _receipt(
    row: Row[Any], body: bytes | None, service_keys: KeyLine | VerifyingKey
) -> Iterator[Finding]:
    facts: dict[str, str | int] = {"dispatch_id": row.dispatch_id}
    if body is None:
        yield Finding("RECEIPT_MISSING", facts)
        return
    try:
        statement = read_submitted_receipt(body, service_keys)
    except KeysError as error:
        yield Finding("RECEIPT_INVALID", {**facts, "reason": error.code})
        return
    register = register_number(row.register_year, row.register_number)
    said = (statement.dispatch_id, statement.register, statement.envelope_sha256)
    if said != (row.dispatch_id, register, row.sha256):
        yield Finding("RECEIPT_INVALID", {**facts, "reason": "RECEIPT_OF_ANOTHER"})
