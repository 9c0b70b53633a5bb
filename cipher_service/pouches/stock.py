"""The register of physical seals (R4): every number once, every movement by two persons."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.storage.statements import insert_or_skip, inserts
from cipher_service.storage.tables import pouches as tables
from pouch.manifest import SEAL_NUMBER
from pouch.stock import (
    APPLIED,
    EMPTY,
    ISSUED,
    STOCKED,
    Movement,
    Reconciliation,
    Seal,
    SealNotInHand,
    SealNumberUsed,
    Stock,
    allot,
    next_state,
    reconcile,
    stocked,
)


def take_in(
    connection: Connection,
    numbers: Iterable[str],
    *,
    place: str,
    sort: str,
    strength: str | None,
    officers: tuple[str, str],
    now: datetime,
) -> None:
    """Take new seals into a post's stock.

    Raises:
        TwoPersonsNeeded, ValueError: as `pouch.stock.stocked`.
        SealNumberUsed: a number is in some stock already: makers have delivered doubles.
    """
    for seal in stocked(EMPTY, numbers, sort, strength, officers).seals.values():
        row = insert_or_skip(tables.physical_seal, ["number"]).values(
            number=seal.number, place=place, type=sort, strength=strength, state=STOCKED, issued=0
        )
        if not inserts(connection, row):
            raise SealNumberUsed(f"the seal {seal.number} is in the register already")
        _log(connection, Movement(seal.number, STOCKED, officers), now)


def require_numbers(typed: Iterable[str]) -> tuple[str, ...]:
    """Return seals' numbers as they stand in the register, each once.

    Raises:
        ServiceError: SEAL_NUMBERS_MALFORMED: none, one twice, or one that no seal bears.
    """
    numbers = tuple(map(_spelled, typed))
    wrong = next((number for number in numbers if not SEAL_NUMBER.fullmatch(number)), None)
    if wrong is not None or not numbers or len(set(numbers)) != len(numbers):
        raise ServiceError("SEAL_NUMBERS_MALFORMED", number=(wrong or "-")[:40])
    return numbers


def issue(
    connection: Connection, count: int, *, place: str, officers: tuple[str, str], now: datetime
) -> tuple[str, ...]:
    """Draw seals at random from a post's stock and issue them to two persons.

    Raises:
        StockTooLow: the stock holds fewer.
        TwoPersonsNeeded: the officers are one person.
    """
    numbers = allot(_stock(connection, place), count, secrets.randbelow)
    for number in numbers:
        move(connection, Movement(number, ISSUED, officers), place=place, now=now)
    return numbers


def apply(
    connection: Connection,
    number: str,
    closing: str,
    officers: tuple[str, str],
    *,
    place: str,
    now: datetime,
) -> None:
    """Put a seal on a bag. Refusals as `move`."""
    move(connection, Movement(number, APPLIED, officers, closing), place=place, now=now)


def move(connection: Connection, movement: Movement, *, place: str, now: datetime) -> None:
    """Record one movement of one seal of a post's stock.

    Raises:
        TwoPersonsNeeded, SealNumberUsed, SealNotInHand: as `pouch.stock.next_state`; a seal of
            another post's stock is not in hand either.
    """
    row = connection.execute(
        select(tables.physical_seal).where(tables.physical_seal.c.number == movement.number)
    ).one_or_none()
    if row is None or row.place != place:
        raise SealNotInHand(f"the seal {movement.number} is not in the register of {place}")
    seal = next_state(_seal(row), movement)
    connection.execute(
        update(tables.physical_seal)
        .where(tables.physical_seal.c.number == seal.number)
        .values(state=seal.state, closing=seal.closing, issued=int(seal.issued))
    )
    _log(connection, movement, now)


def applied_to(connection: Connection, closing: str) -> list[str]:
    """Return the seals that are on a bag and not broken, in order of their numbers."""
    book = tables.physical_seal
    return list(
        connection.scalars(
            select(book.c.number)
            .where(book.c.closing == closing, book.c.state == APPLIED)
            .order_by(book.c.number)
        )
    )


def counts(connection: Connection, place: str) -> dict[str, int]:
    """Return how many seals of a post's register are in each state."""
    book = tables.physical_seal
    rows = connection.execute(
        select(book.c.state, func.count().label("many"))
        .where(book.c.place == place)
        .group_by(book.c.state)
    )
    return {row.state: row.many for row in rows}


def movements(connection: Connection, place: str) -> int:
    """Return how many movements a post's register has seen: it grows with each."""
    log, book = tables.seal_movement, tables.physical_seal
    counted = connection.scalar(
        select(func.count())
        .select_from(log)
        .join(book, book.c.number == log.c.number)
        .where(book.c.place == place)
    )
    return int(counted or 0)


def latest_movements(connection: Connection, place: str, most: int) -> list[Row[Any]]:
    """Return the last movements of a post's register, the newest first."""
    log, book = tables.seal_movement, tables.physical_seal
    return list(
        connection.execute(
            select(log)
            .join(book, book.c.number == log.c.number)
            .where(book.c.place == place)
            .order_by(log.c.seq.desc())
            .limit(most)
        )
    )


def balance(connection: Connection, place: str, shown: Iterable[str]) -> Reconciliation:
    """Compare a post's register with the unused seals that its officers show.

    A number is read as `require_numbers` reads it; one that no seal bears is a surplus by its name.
    """
    return reconcile(_stock(connection, place), [_spelled(number) for number in shown])


def _spelled(number: str) -> str:
    return "".join(number.split()).upper()


def _stock(connection: Connection, place: str) -> Stock:
    rows = connection.execute(
        select(tables.physical_seal).where(tables.physical_seal.c.place == place)
    )
    return Stock(MappingProxyType({row.number: _seal(row) for row in rows}))


def _seal(row: Row[Any]) -> Seal:
    return Seal(
        number=row.number,
        type=row.type,
        strength=row.strength,
        state=row.state,
        closing=row.closing,
        issued=bool(row.issued),
    )


def _log(connection: Connection, movement: Movement, now: datetime) -> None:
    connection.execute(
        insert(tables.seal_movement).values(
            number=movement.number,
            state=movement.to,
            first=movement.officers[0],
            second=movement.officers[1],
            moved_at=clock.text(now),
        )
    )
