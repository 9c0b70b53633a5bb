"""Discrepancies on record (irrégularités): one case for each thing that is wrong with a closing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.pouches.burning import burn
from cipher_service.pouches.repository import at_once
from cipher_service.references import new_id
from cipher_service.storage.tables import pouches as tables
from pouch.discrepancies import (
    BREACH,
    CLOSED,
    Difference,
    Discrepancy,
    advance,
    raise_to_breach,
    report,
)
from pouch.manifest import BagClass


def open_cases(
    connection: Connection,
    seal: str,
    bag_class: BagClass,
    differences: Iterable[Difference],
    *,
    reporter: str,
    now: datetime,
) -> list[str]:
    """Open a case for each difference that has none yet; return the new cases' ids.

    A breach compromises the controlled items in the bag.
    """
    known = {
        (row.kind, row.what)
        for row in connection.execute(
            select(tables.discrepancy.c.kind, tables.discrepancy.c.what).where(
                tables.discrepancy.c.seal == seal
            )
        )
    }
    opened = []
    for difference in differences:
        if (difference.kind, difference.what) in known:
            continue
        case = report(difference.kind, bag_class, reporter, now)
        case_id = new_id(now)
        connection.execute(
            insert(tables.discrepancy).values(
                discrepancy_id=case_id,
                seal=seal,
                kind=case.kind,
                what=difference.what,
                reporter=reporter,
                **_columns(case),
            )
        )
        _log(connection, case_id, case, reporter, now)
        if case.severity == BREACH:
            burn(connection, seal, case_id=case_id, officer=reporter, now=now)
        opened.append(case_id)
    return opened


def take_further(
    connection: Connection, case_id: str, state: str, *, officer: str, now: datetime
) -> Discrepancy:
    """Take a case to its next state.

    Raises:
        ServiceError: CASE_UNKNOWN.
        DiscrepancyActForbidden: as `pouch.discrepancies.advance`.
    """
    case = advance(_case(connection, case_id), state, officer, now)
    _save(connection, case_id, case, officer, now)
    return case


def make_breach(
    connection: Connection, case_id: str, *, officer: str, now: datetime
) -> Discrepancy:
    """Raise an incident to a breach. Refusals as `take_further`."""
    case = raise_to_breach(_case(connection, case_id), now)
    _save(connection, case_id, case, officer, now)
    burn(connection, seal_of(connection, case_id), case_id=case_id, officer=officer, now=now)
    return case


def cases_of(connection: Connection, seal: str) -> list[Row[tuple[str, str, str, str, str]]]:
    """Return a closing's cases: id, kind, what, severity, state."""
    columns = tables.discrepancy.c
    return list(
        connection.execute(
            select(
                columns.discrepancy_id,
                columns.kind,
                columns.what,
                columns.severity,
                columns.state,
            )
            .where(columns.seal == seal)
            .order_by(columns.kind, columns.what)
        )
    )


def open_of(connection: Connection, seals: Sequence[str]) -> dict[str, int]:
    """Return how many cases of each of these closings are open, of those with any."""
    book, found = tables.discrepancy, dict[str, int]()
    for named in at_once(seals):
        counted = (
            select(book.c.seal, func.count())
            .where(book.c.seal.in_(named), book.c.state != CLOSED)
            .group_by(book.c.seal)
        )
        found |= {row[0]: int(row[1]) for row in connection.execute(counted)}
    return found


def seal_of(connection: Connection, case_id: str) -> str:
    """Return the closing that a case is about. Raises ServiceError CASE_UNKNOWN."""
    seal: str | None = connection.scalar(
        select(tables.discrepancy.c.seal).where(tables.discrepancy.c.discrepancy_id == case_id)
    )
    if seal is None:
        raise ServiceError("CASE_UNKNOWN", case=case_id)
    return seal


def is_disputed(connection: Connection, bag: str) -> bool:
    """Say whether a case about any closing of a bag is open."""
    return (
        connection.execute(
            select(tables.discrepancy.c.discrepancy_id)
            .join(tables.closing, tables.closing.c.seal == tables.discrepancy.c.seal)
            .where(tables.closing.c.bag == bag, tables.discrepancy.c.state != CLOSED)
            .limit(1)
        ).one_or_none()
        is not None
    )


def case_of(connection: Connection, case_id: str) -> Row[Any]:
    """Return a case. Raises ServiceError CASE_UNKNOWN."""
    book = tables.discrepancy
    row = connection.execute(select(book).where(book.c.discrepancy_id == case_id)).one_or_none()
    if row is None:
        raise ServiceError("CASE_UNKNOWN", case=case_id)
    return row


def reached(connection: Connection, case_id: str, state: str) -> datetime | None:
    """Return when a case last came to a state, None if it has not."""
    book = tables.discrepancy_step
    at = connection.scalar(
        select(func.max(book.c.at)).where(book.c.discrepancy == case_id, book.c.state == state)
    )
    return None if at is None else clock.parse(at)


def is_breached(connection: Connection, seal: str) -> bool:
    """Say whether a case about a closing is a breach, closed or not."""
    book = tables.discrepancy
    breaches = select(book.c.discrepancy_id).where(book.c.seal == seal, book.c.severity == BREACH)
    return connection.execute(breaches.limit(1)).one_or_none() is not None


def _case(connection: Connection, case_id: str) -> Discrepancy:
    row = connection.execute(
        select(tables.discrepancy, tables.closing.c.bag_class)
        .join(tables.closing, tables.closing.c.seal == tables.discrepancy.c.seal)
        .where(tables.discrepancy.c.discrepancy_id == case_id)
    ).one_or_none()
    if row is None:
        raise ServiceError("CASE_UNKNOWN", case=case_id)
    return Discrepancy(
        kind=row.kind,
        bag_class=BagClass(row.bag_class),
        severity=row.severity,
        state=row.state,
        reporter=row.reporter,
        reported_at=clock.parse(row.reported_at),
        state_at=clock.parse(row.state_at),
    )


def _save(
    connection: Connection, case_id: str, case: Discrepancy, officer: str, now: datetime
) -> None:
    connection.execute(
        update(tables.discrepancy)
        .where(tables.discrepancy.c.discrepancy_id == case_id)
        .values(**_columns(case))
    )
    _log(connection, case_id, case, officer, now)


def _columns(case: Discrepancy) -> dict[str, str | None]:
    return {
        "severity": case.severity,
        "state": case.state,
        "reported_at": clock.text(case.reported_at),
        "state_at": clock.text(case.state_at),
        "due": None if case.due is None else clock.text(case.due),
    }


def _log(
    connection: Connection, case_id: str, case: Discrepancy, officer: str, now: datetime
) -> None:
    connection.execute(
        insert(tables.discrepancy_step).values(
            discrepancy=case_id,
            state=case.state,
            severity=case.severity,
            officer=officer,
            at=clock.text(now),
        )
    )
