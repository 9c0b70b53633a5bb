"""What a restore may have lost: how far the last backup reaches, and which numbers are cancelled.

    reach = backup_reach(connection)          # of the copy that goes into a backup
    told = last_backup(connection)            # what posts are told, with the log's own proof
    spend(connection, "register/2026", 130, now)

A post keeps what was acknowledged to it beyond the last backup, and hands it in again when it meets
the log under another name. A receipt of the time before proves that its number was given: whoever
shows one makes the register go on above it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select

from cipher_service import clock
from cipher_service.audit.ledger import record_of
from cipher_service.audit.publishing import proof_of
from cipher_service.audit.records import DONE
from cipher_service.references import parse_register_number, register_number
from cipher_service.storage import counters
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.tables.dispatches import dispatch
from cipher_service.storage.tables.registers import counter, void_numbers
from keys.log.proofs import LogProof

BACKED_UP: Final = "backup_reach"
"""Name of the act whose resource is the last register number of a backup."""
REGISTER: Final = "register/"
"""Of the counters of dispatches received, one a year."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The log's word on the last backup: record and salt of its entry, and the proof of it."""

    record: bytes
    salt: bytes
    proof: LogProof


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Numbers of the register of a year that no dispatch will ever bear, both ends included."""

    year: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """Numbers of a counter that were skipped, both ends included, and when."""

    counter: str
    first: int
    last: int
    at: datetime


def backup_reach(connection: Connection) -> str | None:
    """Return the highest register number, None before the first dispatch."""
    order = (dispatch.c.register_year.desc(), dispatch.c.register_number.desc())
    row = connection.execute(
        select(dispatch.c.register_year, dispatch.c.register_number).order_by(*order).limit(1)
    ).one_or_none()
    return None if row is None else register_number(row.register_year, row.register_number)


def last_backup(connection: Connection) -> Reach | None:
    """Return what the log says of the last backup; None before one, or while no head covers it.

    Raises:
        LogDamaged: rows of the log are missing.
    """
    seq = connection.scalar(
        select(audit_entry.c.seq)
        .where(audit_entry.c.action == BACKED_UP, audit_entry.c.outcome == DONE)
        .order_by(audit_entry.c.seq.desc())
        .limit(1)
    )
    proof = None if seq is None else proof_of(connection, seq)
    if seq is None or proof is None:
        return None
    record, salt = record_of(connection, seq)
    return Reach(record, salt, proof)


def cancelled(connection: Connection) -> list[Cancelled]:
    """Return the numbers of the registers that restores skipped, in the order found."""
    return [
        Cancelled(int(each.counter[len(REGISTER) :]), each.first, each.last)
        for each in skipped(connection)
        if each.counter.startswith(REGISTER)
    ]


def skipped(connection: Connection) -> list[Skipped]:
    """Return the numbers of all counters that restores skipped, in the order found."""
    rows = connection.execute(
        select(void_numbers).order_by(
            void_numbers.c.recorded_at, void_numbers.c.counter, void_numbers.c.first
        )
    )
    return [Skipped(row.counter, row.first, row.last, clock.parse(row.recorded_at)) for row in rows]


def spend(connection: Connection, name: str, number: int, now: datetime) -> bool:
    """Let a counter go on above a number that was proved, and count what it skips as cancelled.

    Args:
        connection: inside a unit of work.
        name: of the counter.
        number: given before, by proof.
        now: when.

    Returns:
        False when the counter was there already.
    """
    # Nobody else takes a number of it until this transaction ends.
    value = counters.advance(connection, name) - 1
    if number <= value:
        counters.give_back(connection, name)
        return False
    connection.execute(counter.update().where(counter.c.name == name).values(value=number))
    void = {"counter": name, "first": value + 1, "last": number}
    connection.execute(insert(void_numbers).values(**void, recorded_at=clock.text(now)))
    return True


def counter_of(register: str) -> tuple[str, int]:
    """Return the counter that gave a register number, and which number it is.

    Raises:
        ValueError: it is none.
    """
    year, number = parse_register_number(register)
    return f"{REGISTER}{year}", number
