"""What an officer sees of bags: those under way, one bag's journey, cases, empties.

Everything is decided for the officer who looks; what they may not see does not exist for them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from cipher_service import clock
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.pouches import (
    cases,
    correcting,
    empties_book,
    listing,
    outcomes,
    overview,
    rectifying,
    repository,
    signing,
)
from cipher_service.pouches.burning import burnt_by
from cipher_service.pouches.carriage import seen
from cipher_service.pouches.empties_book import NoticeLine
from cipher_service.pouches.entitlement import HAND_OVER, LIST, PACK
from cipher_service.pouches.office import Office, Sitting
from cipher_service.pouches.repository import Closing
from cipher_service.storage.tables import pouches as tables
from keys.canonical import text_from_time
from pouch.custody import Custody, custody_of
from pouch.discrepancies import CLOSED, recipients_of
from pouch.empties import Ageing
from pouch.epcis import epcis_document
from pouch.events import Event
from pouch.facts import Accounted, HandedOver, Sealed
from pouch.locator import grouped_locator
from pouch.manifest import BagClass


@dataclass(frozen=True, slots=True)
class BagLine:
    """A bag in a list.

    Attributes:
        seal: identifier of the closing.
        locator: as on the label, in groups of four.
        origin: where it was made up.
        destination: where it goes.
        bag_class: what it may hold.
        departure: with which it leaves.
        route: code of the route that it takes.
        stage: the furthest that was told.
        due: when it should arrive.
        late: it is due and not received.
        silent: nobody told anything of it for too long.
        lost: it is reported lost.
        recalled: its origin wants it back.
        lines: pieces on its bordereau.
        alarms: kinds of its alarms.
        cases: how many discrepancies are open.
        untold: rectifications of its bordereau of which the receiver was not told, by number, in
            the order in which they are to be told.
    """

    seal: str
    locator: str
    origin: str
    destination: str
    bag_class: str
    departure: str
    route: str
    stage: str
    due: datetime
    late: bool
    silent: bool
    lost: bool
    recalled: bool
    lines: int
    alarms: tuple[str, ...]
    cases: int
    untold: tuple[str, ...] = ()

    @property
    def pressing(self) -> bool:
        """Whether somebody must look at it now."""
        told = self.late or self.silent or self.lost or self.cases > 0
        return told or bool(self.alarms) or bool(self.untold)

    @property
    def place(self) -> str:
        """Where it stands in its register: what presses first, then what is due first."""
        return f"{0 if self.pressing else 1}.{clock.text(self.due)}.{self.seal}"


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A discrepancy in a list, with who must know by when."""

    case: str
    seal: str
    kind: str
    what: str
    severity: str
    state: str
    reporter: str
    reported_at: str
    due: str | None
    overdue: bool
    recipients: tuple[str, ...]

    @property
    def pressing(self) -> bool:
        """Whether its next step is late."""
        return self.overdue

    @property
    def place(self) -> str:
        """Where it stands in its register: the first due first."""
        return f"{self.due or ''}.{self.case}"


@dataclass(frozen=True, slots=True)
class Journey:
    """One closing from make-up to discharge, as far as it was told.

    `burnt` names the controlled items that its breaches compromised, as (number, designation);
    `rectified` the rectifications of its bordereau by their numbers, in their order; `rectifying`
    says whether another one waits for grants.
    """

    line: BagLine
    closing: Closing
    custody: Custody
    events: tuple[Event, ...]
    cases: tuple[CaseLine, ...]
    burnt: tuple[tuple[int, str], ...]
    bordereau: str | None
    announced: bool
    rectified: tuple[str, ...] = ()
    rectifying: bool = False


def under_way(office: Office, *, by: str) -> list[BagLine]:
    """Return the bags from make-up to discharge that an officer may see, the first due first.

    A bag is there as well as long as a rectification of its bordereau was not told.

    Raises:
        ServiceError: UNKNOWN_OFFICER.
    """
    with office.look() as sitting:
        closing = tables.closing.c
        begun = (closing.stage != Accounted.kind) | rectifying.is_untold(closing.seal)
        return _lines(sitting, listing.visible(sitting, by, begun))


def journey(office: Office, named: str, *, by: str) -> Journey:
    """Return what is known of a bag's latest closing, or of one closing.

    Raises:
        ServiceError: CLOSING_UNKNOWN, also for a bag that the officer may not see.
    """
    with office.look() as sitting:
        closing = seen(sitting, named, by)
        events = repository.events_of(sitting.connection, closing.seal)
        kept = signing.row_of(sitting.connection, closing.seal)
        return Journey(
            line=_lines(sitting, [closing])[0],
            closing=closing,
            custody=custody_of(events),
            events=tuple(events),
            cases=tuple(_cases(sitting, [closing.seal])),
            burnt=tuple(burnt_by(sitting.connection, closing.seal)),
            bordereau=None if kept is None else kept.number,
            announced=kept is not None and kept.announcement is not None,
            rectified=tuple(
                row.number for row in rectifying.rows_of(sitting.connection, closing.seal)
            ),
            rectifying=correcting.find(sitting.connection, closing.seal) is not None,
        )


def epcis(office: Office, named: str, authority: str, *, by: str) -> dict[str, object]:
    """Return the EPCIS 2.0 document of a closing's life.

    Raises:
        ServiceError: CLOSING_UNKNOWN, also for a bag that the officer may not see;
            AUTHORITY_MALFORMED.
    """
    with office.look() as sitting:
        closing = seen(sitting, named, by)
        events = repository.events_of(sitting.connection, closing.seal)
        try:
            right = rectifying.reweighed(sitting.connection, closing.seal)
            return epcis_document(events, authority, sitting.now, {closing.seal: right})
        except ValueError as error:
            raise ServiceError("AUTHORITY_MALFORMED") from error


def open_cases(office: Office, *, by: str) -> list[CaseLine]:
    """Return the discrepancies that are not closed, the soonest due first.

    Raises:
        ServiceError: UNKNOWN_OFFICER.
    """
    book = tables.discrepancy
    with office.look() as sitting:
        disputed = tables.closing.c.seal.in_(select(book.c.seal).where(book.c.state != CLOSED))
        visible = [closing.seal for closing in listing.visible(sitting, by, disputed)]
        lines = [line for line in _cases(sitting, visible) if line.state != CLOSED]
    return sorted(lines, key=lambda line: line.place)


def empties(office: Office, *, by: str) -> tuple[Ageing, ...]:
    """Return the empty bags of each post by age. Raises ServiceError NOT_ALLOWED."""
    with office.look() as sitting:
        sitting.require_house(by, LIST, "empties")
        return overview.empties(sitting.connection, sitting.now)


def announced_empties(office: Office, *, by: str) -> list[NoticeLine]:
    """Return the posts' notices of empty bags that did not all come, the first due first.

    Raises:
        ServiceError: NOT_ALLOWED.
    """
    with office.look() as sitting:
        sitting.require_house(by, LIST, "empties")
        return empties_book.outstanding(sitting.connection, sitting.now)


def bags_at_hand(office: Office, *, by: str) -> list[str]:
    """Return the locators of the empty bags that lie here and may be filled.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER.
    """
    bag, closing = tables.bag, tables.closing
    with office.look() as sitting:
        sitting.require_house(by, LIST, "bags")
        begun = select(closing.c.seal).where(
            closing.c.bag == bag.c.bag, closing.c.manifest.is_(None)
        )
        rows = sitting.connection.scalars(
            select(bag.c.bag)
            .where(bag.c.place == office.post, bag.c.empty == 1, ~begun.exists())
            .order_by(bag.c.since, bag.c.bag)
        )
        return [grouped_locator(row) for row in rows]


def takers(office: Office, named: str, *, by: str) -> list[tuple[str, str]]:
    """Return the officers to whom a bag could be handed, (number, name).

    Raises:
        ServiceError: CLOSING_UNKNOWN.
    """
    with office.look() as sitting:
        closing = seen(sitting, named, by)
        return [
            (officer, name)
            for officer, name in _active(sitting)
            if officer != by and _may(sitting, officer, HAND_OVER, closing)
        ]


def certifiers(sitting: Sitting, closing: Closing) -> list[tuple[str, str]]:
    """Return the officers who may answer for a bag's contents: none of its packers."""
    return [
        (officer, name)
        for officer, name in _active(sitting)
        if officer not in closing.packers and _may(sitting, officer, PACK, closing)
    ]


def _active(sitting: Sitting) -> list[tuple[str, str]]:
    return [
        (known.officer_id, known.identity.name)
        for known in officers.everyone(sitting.connection)
        if known.state == "active"
    ]


def _may(sitting: Sitting, officer: str, action: str, closing: Closing) -> bool:
    try:
        sitting.require(officer, action, closing)
    except ServiceError:
        return False
    return True


def _lines(sitting: Sitting, closings: Sequence[Closing]) -> list[BagLine]:
    """Return closings as a list shows them; each book is asked once, however many they are."""
    connection, seals = sitting.connection, [closing.seal for closing in closings]
    quiet = overview.silent_of(connection, closings, sitting.now)
    pieces = repository.counts_of_lines(connection, seals)
    alarms, open_ = outcomes.kinds_about(connection, seals), cases.open_of(connection, seals)
    untold: dict[str, list[str]] = {}
    for row in rectifying.untold(connection, seals) if seals else ():
        untold.setdefault(row.seal, []).append(row.number)
    return [
        BagLine(
            seal=closing.seal,
            locator=grouped_locator(closing.bag),
            origin=closing.route.origin,
            destination=closing.route.destination,
            bag_class=closing.bag_class.value,
            departure=closing.departure,
            route=closing.route.code,
            stage=closing.stage,
            due=closing.due,
            late=closing.stage in (Sealed.kind, HandedOver.kind) and closing.due < sitting.now,
            silent=closing.seal in quiet,
            lost=closing.lost,
            recalled=closing.recalled,
            lines=pieces.get(closing.seal, 0),
            alarms=tuple(sorted(alarms.get(closing.seal, ()))),
            cases=open_.get(closing.seal, 0),
            untold=tuple(untold.get(closing.seal, ())),
        )
        for closing in closings
    ]


def _cases(sitting: Sitting, seals: list[str]) -> Iterable[CaseLine]:
    book = tables.discrepancy
    rows = sitting.connection.execute(
        select(book, tables.closing.c.bag_class)
        .join(tables.closing, tables.closing.c.seal == book.c.seal)
        .where(book.c.seal.in_(seals))
        .order_by(book.c.reported_at, book.c.discrepancy_id)
    )
    now = text_from_time(sitting.now)
    for row in rows:
        yield CaseLine(
            case=row.discrepancy_id,
            seal=row.seal,
            kind=row.kind,
            what=row.what,
            severity=row.severity,
            state=row.state,
            reporter=row.reporter,
            reported_at=row.reported_at,
            due=row.due,
            overdue=row.due is not None and row.due < now,
            recipients=recipients_of(row.severity, BagClass(row.bag_class)),
        )
