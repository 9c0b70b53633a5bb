"""The SQL of closings and their events. Every function runs in its caller's unit."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, exists, func, select, update

from cipher_service import clock
from cipher_service.pouches.route_book import RouteRecord, route_in
from cipher_service.storage.statements import insert_or_skip, inserts
from cipher_service.storage.tables import pouches as tables
from keys import canonical
from pouch.alarms import Announcement
from pouch.events import Event, parse_event
from pouch.facts import HandedOver, Sealed
from pouch.manifest import BagClass, Mode

_AT_ONCE: Final = 500
_ON_THE_WAY: Final = (Sealed.kind, HandedOver.kind)


@dataclass(frozen=True, slots=True)
class Closing:
    """One filling of a bag, with its departure and route."""

    seal: str
    bag: str
    bag_class: BagClass
    opened: datetime
    mode: Mode
    departure: str
    cut_off: datetime
    departs: datetime
    due: datetime
    packers: tuple[str, ...]
    manifest: str | None
    seals: tuple[str, ...]
    weight_g: int | None
    nonce_sha256: str | None
    stage: str
    lost: bool
    recalled: bool
    route: RouteRecord
    rectified_g: int | None = None

    @property
    def weighed_g(self) -> int | None:
        """What it weighed when it was closed, as its origin put it right; None before sealing."""
        return self.weight_g if self.rectified_g is None else self.rectified_g

    @property
    def on_the_way(self) -> bool:
        """Whether it is sealed and not received yet."""
        return self.manifest is not None and self.stage in _ON_THE_WAY

    @property
    def announcement(self) -> Announcement | None:
        """What the origin announced; None before sealing."""
        if self.manifest is None:
            return None
        return Announcement(self.seal, self.bag, self.manifest, self.seals, self.route.route)


def at_once(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut a list of names into pieces that one statement can take."""
    for start in range(0, len(names), _AT_ONCE):
        yield names[start : start + _AT_ONCE]


def text_of(values: Iterable[str]) -> str:
    """Write a list as the canonical JSON that TEXT columns hold."""
    return canonical.encode(list(values)).decode()


_CLOSINGS = (
    select(
        tables.closing,
        tables.departure.c.mode,
        tables.departure.c.cut_off,
        tables.departure.c.departs,
        tables.departure.c.due,
        *(column.label(f"route_{column.name}") for column in tables.route.columns),
    )
    .join(tables.departure, tables.departure.c.departure_id == tables.closing.c.departure)
    .join(tables.route, tables.route.c.code == tables.departure.c.route)
)


def closing_of(connection: Connection, seal: str) -> Closing | None:
    """Return a closing."""
    row = connection.execute(_CLOSINGS.where(tables.closing.c.seal == seal)).one_or_none()
    return None if row is None else _closing(row)


def latest_closing(connection: Connection, bag: str) -> Closing | None:
    """Return a bag's latest filling."""
    row = connection.execute(
        _CLOSINGS.where(tables.closing.c.bag == bag)
        .order_by(tables.closing.c.opened_at.desc(), tables.closing.c.seal)
        .limit(1)
    ).one_or_none()
    return None if row is None else _closing(row)


def destructions_of(connection: Connection, seal: str) -> list[Row[Any]]:
    """Return what two persons destroyed of a closing, line by line."""
    book = tables.destruction
    return list(connection.execute(select(book).where(book.c.seal == seal).order_by(book.c.line)))


def closings_of_departure(connection: Connection, departure: str) -> list[Closing]:
    """Return the closings that travel together."""
    rows = connection.execute(
        _CLOSINGS.where(tables.closing.c.departure == departure).order_by(tables.closing.c.seal)
    )
    return [_closing(row) for row in rows]


def sealed_in(connection: Connection, departure: str) -> int:
    """Return how many bags of a departure headquarters sealed."""
    book = tables.sealed
    counted = connection.scalar(
        select(func.count()).select_from(book).where(book.c.departure == departure)
    )
    return int(counted or 0)


def closings_where(connection: Connection, *which: ColumnElement[bool]) -> list[Closing]:
    """Return the closings of which all this holds, the first due first.

    A condition speaks of the closing, its departure, route, waybill and receipt.
    """
    rows = connection.execute(
        with_carriage(_CLOSINGS)
        .where(*which)
        .order_by(tables.departure.c.due, tables.closing.c.seal)
    )
    return [_closing(row) for row in rows]


def with_carriage(statement: Select[Any]) -> Select[Any]:
    """Join the waybill and the receipt, where there are any, to closings with their departures."""
    return statement.outerjoin(
        tables.waybill, tables.waybill.c.departure == tables.closing.c.departure
    ).outerjoin(tables.receipt, tables.receipt.c.seal == tables.closing.c.seal)


def on_the_way_without_case(connection: Connection, kind: str) -> list[Closing]:
    """Return the closings that are sealed, not received yet, not lost, and have no such case."""
    closing, case = tables.closing, tables.discrepancy
    rows = connection.execute(
        _CLOSINGS.where(
            closing.c.manifest.is_not(None),
            closing.c.stage.in_(_ON_THE_WAY),
            closing.c.lost == 0,
            ~exists().where(case.c.seal == closing.c.seal, case.c.kind == kind),
        ).order_by(closing.c.seal)
    )
    return [_closing(row) for row in rows]


def closings_since(connection: Connection, since: datetime) -> list[Closing]:
    """Return the closings that were sealed and whose make-up began at `since` or later."""
    rows = connection.execute(
        _CLOSINGS.where(
            tables.closing.c.manifest.is_not(None), tables.closing.c.opened_at >= clock.text(since)
        ).order_by(tables.closing.c.seal)
    )
    return [_closing(row) for row in rows]


def closings_with_seals(connection: Connection, numbers: Iterable[str]) -> list[Closing]:
    """Return the closings to which physical seals of these numbers were applied."""
    rows = connection.execute(
        select(tables.physical_seal.c.closing)
        .where(
            tables.physical_seal.c.number.in_(sorted(numbers)),
            tables.physical_seal.c.closing.is_not(None),
        )
        .distinct()
    )
    found = [closing_of(connection, row.closing) for row in rows]
    return [closing for closing in found if closing is not None]


def symbols_of(connection: Connection, seals: Sequence[str]) -> dict[str, str]:
    """Return the texts of the seals that headquarters made, by their closings."""
    book, found = tables.sealed, dict[str, str]()
    for named in at_once(seals):
        rows = connection.execute(select(book.c.seal, book.c.symbol).where(book.c.seal.in_(named)))
        found |= {row.seal: row.symbol for row in rows}
    return found


def change_closing(connection: Connection, seal: str, **values: object) -> None:
    """Set columns of a closing."""
    connection.execute(update(tables.closing).where(tables.closing.c.seal == seal).values(**values))


def lines_of(connection: Connection, seal: str) -> list[Row[Any]]:
    """Return the lines of a closing in their order."""
    return list(
        connection.execute(
            select(tables.line).where(tables.line.c.seal == seal).order_by(tables.line.c.line)
        )
    )


def counts_of_lines(connection: Connection, seals: Sequence[str]) -> dict[str, int]:
    """Return how many lines closings have, of those that have any."""
    book, found = tables.line, dict[str, int]()
    for named in at_once(seals):
        counted = select(book.c.seal, func.count()).where(book.c.seal.in_(named))
        found |= {row[0]: int(row[1]) for row in connection.execute(counted.group_by(book.c.seal))}
    return found


def insert_event(
    connection: Connection, event: Event, body: bytes, *, caller: str, now: datetime
) -> bool:
    """Record an event; False when it is recorded already."""
    return inserts(
        connection,
        insert_or_skip(tables.event, ["event_id"]).values(
            event_id=event.id,
            seal=event.seal,
            kind=event.kind,
            device=event.device,
            counter=event.counter,
            place=event.place,
            caller=caller,
            recorded_at=clock.text(now),
            body=body,
        ),
    )


def events_of(connection: Connection, seal: str) -> list[Event]:
    """Return the events of a closing in the order of their arrival."""
    rows = connection.execute(
        select(tables.event.c.body).where(tables.event.c.seal == seal).order_by(tables.event.c.seq)
    )
    return [parse_event(row.body)[0] for row in rows]


def events_by_closing(connection: Connection, seals: Sequence[str]) -> dict[str, list[Event]]:
    """Return the events of closings, each one's in the order of their arrival."""
    book, found = tables.event, dict[str, list[Event]]()
    for named in at_once(seals):
        rows = connection.execute(
            select(book.c.seal, book.c.body).where(book.c.seal.in_(named)).order_by(book.c.seq)
        )
        for row in rows:
            found.setdefault(row.seal, []).append(parse_event(row.body)[0])
    return found


def seals_told_of(connection: Connection, kinds: Sequence[str], seals: Sequence[str]) -> list[str]:
    """Return those of these closings of which an event of these kinds was told."""
    book, found = tables.event, []
    for named in at_once(seals):
        rows = connection.scalars(
            select(book.c.seal).where(book.c.seal.in_(named), book.c.kind.in_(kinds)).distinct()
        )
        found += list(rows)
    return found


def neighbours(connection: Connection, event: Event) -> list[Event]:
    """Return the device's events numbered like this one, and next to it."""
    rows = connection.execute(
        select(tables.event.c.body).where(
            tables.event.c.device == event.device,
            tables.event.c.counter.between(event.counter - 1, event.counter + 1),
        )
    )
    return [parse_event(row.body)[0] for row in rows]


def last_of_device(connection: Connection, device: str) -> Any:
    """Return the id and the counter of a device's latest event, None before the first."""
    return connection.execute(
        select(tables.event.c.event_id, tables.event.c.counter)
        .where(tables.event.c.device == device)
        .order_by(tables.event.c.counter.desc(), tables.event.c.seq.desc())
        .limit(1)
    ).one_or_none()


def _closing(row: Any) -> Closing:
    return Closing(
        seal=row.seal,
        bag=row.bag,
        bag_class=BagClass(row.bag_class),
        opened=clock.parse(row.opened_at),
        mode=Mode(row.mode),
        departure=row.departure,
        cut_off=clock.parse(row.cut_off),
        departs=clock.parse(row.departs),
        due=clock.parse(row.due),
        packers=tuple(json.loads(row.packers)),
        manifest=row.manifest,
        seals=tuple(json.loads(row.seals)),
        weight_g=row.weight_g,
        nonce_sha256=row.nonce_sha256,
        stage=row.stage,
        lost=bool(row.lost),
        recalled=bool(row.recalled),
        route=route_in(row, "route_"),
        rectified_g=row.rectified_g,
    )
