"""Headquarters carries and receives bags (acheminement, remise): each act decided, told, settled.

A bag is named by its locator, as a scanner reads it, or by the identifier of its closing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.pouches import cases, custody, outcomes, overview, repository
from cipher_service.pouches.custody import Judged
from cipher_service.pouches.entitlement import HAND_OVER, OPEN
from cipher_service.pouches.office import Office, Sitting
from cipher_service.pouches.repository import Closing
from cipher_service.pouches.rules import Count
from cipher_service.storage.tables import pouches as tables
from pouch.classes import MODES
from pouch.custody import NOT_THE_HOLDER, custody_of
from pouch.discrepancies import Difference, Line, check_items
from pouch.errors import LocatorWrong
from pouch.facts import (
    Accounted,
    Facts,
    HandedOver,
    Opened,
    Received,
    Seen,
)
from pouch.locator import read_locator
from pouch.manifest import BagClass


@dataclass(frozen=True, slots=True)
class Counted:
    """What was found in an opened bag.

    Attributes:
        found: quantity of each line that is not as announced, by line; the others are.
        damaged: lines whose pieces are damaged.
        misdirected: lines that are addressed to another post.
        unlisted: how many pieces no line lists.
    """

    found: Mapping[int, int] = field(default_factory=dict)
    damaged: frozenset[int] = frozenset()
    misdirected: frozenset[int] = frozenset()
    unlisted: int = 0


@dataclass(frozen=True, slots=True)
class CountedBags:
    """Bags at an airport against the waybill, by locators' bags.

    Attributes:
        count: by the identifiers of their closings.
        strangers: bags that nobody knows, 22 digits each.
    """

    count: Count
    strangers: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether the airport may be left."""
        return self.count.complete and not self.strangers


def find(sitting: Sitting, named: str) -> Closing:
    """Return the closing that a locator or an identifier names; of a bag's, the latest.

    Raises:
        ServiceError: CLOSING_UNKNOWN.
    """
    found = repository.closing_of(sitting.connection, named.strip().lower())
    if found is None:
        try:
            bag = read_locator(named)
        except LocatorWrong as error:
            raise ServiceError("CLOSING_UNKNOWN", seal=named[:40]) from error
        found = repository.latest_closing(sitting.connection, bag)
    if found is None:
        raise ServiceError("CLOSING_UNKNOWN", seal=named[:40])
    return found


def seen(sitting: Sitting, named: str, officer: str) -> Closing:
    """Return the same, for an officer: a bag that they may not see does not exist.

    Raises:
        ServiceError: CLOSING_UNKNOWN, UNKNOWN_OFFICER.
    """
    closing = find(sitting, named)
    if not sitting.visible(officer, [closing]):
        raise ServiceError("CLOSING_UNKNOWN", seal=named[:40])
    return closing


def hand_over(
    office: Office, named: str, *, by: str, to: str, condition: str, place: str | None = None
) -> int:
    """Pass a bag from who holds it to another; return the hand-over's ordinal.

    A captain or a company is nobody's officer: there `to` is only written down.

    Raises:
        ServiceError: CLOSING_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER, NOT_THE_HOLDER.
        StepForbidden, BagLost: see `pouch.custody.require_next`.
    """
    with office.act("pouch_hand_over", named) as sitting:
        closing = find(sitting, named)
        sitting.require(by, HAND_OVER, closing)
        if MODES[closing.mode].courier:
            sitting.require(to, HAND_OVER, closing)
        events = repository.events_of(sitting.connection, closing.seal)
        ordinal = custody_of(events).hand_overs + 1
        event, body = office.desks.sign(
            sitting.connection,
            HandedOver(ordinal, condition),
            bag=closing.bag,
            seal=closing.seal,
            officer=by,
            second=to,
            now=sitting.now,
            place=place,
        )
        told = custody_of([*events, event]).findings
        if any(each.kind == NOT_THE_HOLDER and event.id in each.events for each in told):
            raise ServiceError("NOT_THE_HOLDER", officer=by, seal=closing.seal)
        custody.keep(sitting.connection, event, body, caller=office.post, now=sitting.now)
        return ordinal


def count(
    office: Office, departure: str, locators: Iterable[str], *, by: str, place: str | None = None
) -> CountedBags:
    """Count the bags of a departure before an airport is left (R8); each is told as seen.

    Raises:
        ServiceError: DEPARTURE_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER.
        LocatorWrong: one was misread.
    """
    bags = sorted({read_locator(scanned) for scanned in locators})
    with office.act("pouch_count", departure) as sitting:
        sitting.require_house(by, HAND_OVER, f"departure/{departure}")
        closings = {bag: repository.latest_closing(sitting.connection, bag) for bag in bags}
        seen = [closing for closing in closings.values() if closing is not None]
        counted = overview.count_check(
            sitting.connection,
            departure,
            [closing.seal for closing in seen],
            officer=by,
            now=sitting.now,
        )
        for closing in seen:
            tell(sitting, closing, Seen(()), by, place=place)
    return CountedBags(counted, tuple(bag for bag in bags if closings[bag] is None))


def receive(
    office: Office,
    named: str,
    *,
    by: str,
    seals: Sequence[str],
    condition: str,
    weight_g: int | None,
) -> dict[str, Any]:
    """Receive a bag: what was read from its seals is recorded before the numbers are shown.

    Returns:
        `custody.Answer` as a map.

    Raises:
        ServiceError: CLOSING_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER.
        StepForbidden, BagLost: see `pouch.custody.require_next`.
    """
    typed = tuple("".join(number.split()).upper() for number in seals)
    with office.act("pouch_receive", named) as sitting:
        closing = find(sitting, named)
        sitting.require(by, HAND_OVER, closing)
        return _record(sitting, closing, Received(typed, condition, weight_g), by, None)


def open_bag(office: Office, named: str, *, by: str, second: str) -> None:
    """Remove the seals before a witness.

    Raises:
        ServiceError: CLOSING_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER, RECEIPT_MISSING.
        StepForbidden, BagLost, BagRecalled: see `pouch.custody.require_next`.
    """
    with office.act("pouch_open", named) as sitting:
        closing = find(sitting, named)
        sitting.require(by, OPEN, closing, second=second)
        _require_received(sitting, closing)
        tell(sitting, closing, Opened(), by, second)


def account(
    office: Office, named: str, counted: Counted, *, nonce: str, by: str, second: str | None
) -> dict[str, Any]:
    """Check the items of an opened bag and sign the discharge with the secret from inside.

    A second person may put their name to it too; what a bag with keys in it makes usable asks for
    both, and a bag of controlled items is discharged by two alone.

    Returns:
        `custody.Answer` as a map, the items' differences among its own.

    Raises:
        ServiceError: CLOSING_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER, RECEIPT_MISSING, LINE_UNKNOWN,
            TWO_PERSONS_NEEDED.
        StepForbidden, BagLost, EventMalformed: the secret is not 32 hexadecimal digits.
    """
    with office.act("pouch_account", named) as sitting:
        closing = find(sitting, named)
        if second is None and closing.bag_class is BagClass.CONTROLLED:
            raise ServiceError("TWO_PERSONS_NEEDED")
        sitting.require(by, HAND_OVER if second is None else OPEN, closing, second=second)
        _require_received(sitting, closing)
        differences = item_differences(sitting.connection, closing.seal, counted)
        facts = Accounted("".join(nonce.split()).lower(), complete=not differences)
        answer = _record(sitting, closing, facts, by, second)
        open_cases(sitting, closing, differences, by)
        return {**answer, "differences": [(each.kind, each.what) for each in differences]}


def destroy(
    office: Office,
    named: str,
    lines: Sequence[int],
    *,
    ordered_by: str,
    method: str,
    by: str,
    second: str,
) -> None:
    """Record that two persons destroyed items of an opened bag.

    Raises:
        ServiceError: CLOSING_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER, BAG_NOT_OPEN, LINE_UNKNOWN,
            LINE_DESTROYED.
    """
    with office.act("pouch_destroy", named) as sitting:
        closing = find(sitting, named)
        sitting.require(by, OPEN, closing, second=second)
        if closing.stage not in (Opened.kind, Accounted.kind):
            raise ServiceError("BAG_NOT_OPEN", seal=closing.seal)
        known = {row.line for row in repository.lines_of(sitting.connection, closing.seal)}
        gone = {row.line for row in repository.destructions_of(sitting.connection, closing.seal)}
        for line in sorted(set(lines)):
            if line not in known:
                raise ServiceError("LINE_UNKNOWN", line=line)
            if line in gone:
                raise ServiceError("LINE_DESTROYED", line=line)
            sitting.connection.execute(
                tables.destruction.insert().values(
                    seal=closing.seal,
                    line=line,
                    first=by,
                    second=second,
                    ordered_by=ordered_by,
                    method=method,
                    destroyed_at=clock.text(sitting.now),
                )
            )


def tell(
    sitting: Sitting,
    closing: Closing,
    facts: Facts,
    officer: str,
    second: str | None = None,
    place: str | None = None,
) -> None:
    """Have the bureau's desk tell an event of a bag. Refusals: `pouch.custody.require_next`."""
    sitting.office.desks.tell(
        sitting.connection,
        facts,
        bag=closing.bag,
        seal=closing.seal,
        officer=officer,
        second=second,
        now=sitting.now,
        place=place,
    )


def _record(
    sitting: Sitting, closing: Closing, facts: Facts, officer: str, second: str | None
) -> dict[str, Any]:
    """Tell an event whose answer the officer needs."""
    post = sitting.office.post
    _, body = sitting.office.desks.sign(
        sitting.connection,
        facts,
        bag=closing.bag,
        seal=closing.seal,
        officer=officer,
        second=second,
        now=sitting.now,
    )
    judged = [Judged(body, None)]
    (answer,) = custody.record(
        sitting.connection, judged, caller=post, now=sitting.now, gate=sitting.office.gate
    )
    return answer


def _require_received(sitting: Sitting, closing: Closing) -> None:
    held = outcomes.receipt_of(sitting.connection, closing.seal)
    if held is None or held.post != sitting.office.post:
        raise ServiceError("RECEIPT_MISSING", seal=closing.seal)


def item_differences(connection: Connection, seal: str, counted: Counted) -> tuple[Difference, ...]:
    """Compare what was found in a bag with its bordereau.

    Raises:
        ServiceError: LINE_UNKNOWN.
    """
    rows = repository.lines_of(connection, seal)
    strange = {*counted.found, *counted.damaged, *counted.misdirected} - {row.line for row in rows}
    if strange:
        raise ServiceError("LINE_UNKNOWN", line=min(strange))
    lines = [
        Line(
            row.line,
            row.quantity,
            counted.found.get(row.line, row.quantity),
            damaged=row.line in counted.damaged,
            misdirected=row.line in counted.misdirected,
        )
        for row in rows
    ]
    return check_items(lines, counted.unlisted)


def open_cases(
    sitting: Sitting, closing: Closing, differences: Iterable[Difference], reporter: str
) -> list[str]:
    """Open a case for each difference that has none; return the new ones' ids."""
    return cases.open_cases(
        sitting.connection,
        closing.seal,
        closing.bag_class,
        differences,
        reporter=reporter,
        now=sitting.now,
    )
