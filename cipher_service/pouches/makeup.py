"""Making bags up and closing them (confection, sécurisation).

Lines are scanned in one by one until two persons close the bag. The service never reads a line: it
keeps ciphertext and the salted commitment, and demands at sealing that the signed digest covers
exactly the commitments that it holds, so nothing enters or leaves a bag behind a seal.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from cipher_service import clock
from cipher_service.access.deployed import in_force
from cipher_service.access.machines import MAKE_BAG, Post, Viewer
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import Scheme
from cipher_service.pouches import empties_book, overview, repository, route_book, rules, stock
from cipher_service.pouches.entitlement import seen_by_posts
from cipher_service.pouches.repository import Closing
from cipher_service.pouches.route_book import RouteRecord
from cipher_service.storage.statements import insert_or_skip, inserts
from cipher_service.storage.tables import pouches as tables
from keys import canonical
from pouch.bordereau import digest_of
from pouch.classes import (
    Certification,
    Measures,
    limits_of,
    require_certified,
    require_pair,
    require_within,
)
from pouch.custody import custody_of, require_next
from pouch.empties import require_reusable
from pouch.empties_notice import USED_AGAIN
from pouch.events import Event
from pouch.facts import Prepared, Sealed
from pouch.manifest import BagClass, Mode

# How a file of age v1 begins: a line that does not is legible to whoever reads the database.
Sides = tuple[int, int, int]
"""Length, width and height of a bag, in centimetres, rounded up."""
SIDE_MOST_CM: Final = 300
_AGE: Final = b"age-encryption.org/v1\n"


def add_route(connection: Connection, route: RouteRecord) -> None:
    """Record a route.

    Raises:
        ServiceError: ROUTE_KNOWN; ROUTE_ENDS_DIFFER (its legs lead elsewhere); ROUTE_END_UNKNOWN
            (it begins or ends at no post of the directory).
    """
    places = route.route.places
    if (places[0], places[-1]) != (route.origin, route.destination):
        raise ServiceError("ROUTE_ENDS_DIFFER", route=route.code)
    try:
        with connection.begin_nested():
            new = route_book.insert_route(connection, route)
    except IntegrityError as error:
        ends = {"origin": route.origin, "destination": route.destination}
        raise ServiceError("ROUTE_END_UNKNOWN", **ends) from error
    if not new:
        raise ServiceError("ROUTE_KNOWN", route=route.code)


def add_departure(
    connection: Connection,
    departure: str,
    *,
    route: str,
    mode: Mode,
    cut_off: datetime,
    departs: datetime,
    due: datetime,
) -> None:
    """Record a departure on a route.

    Raises:
        ServiceError: ROUTE_UNKNOWN; CUT_OFF_TOO_LATE; DEPARTURE_KNOWN.
    """
    if route_book.route_of(connection, route) is None:
        raise ServiceError("ROUTE_UNKNOWN", route=route)
    rules.require_cut_off(cut_off, departs)
    if not route_book.insert_departure(
        connection, departure, route=route, mode=mode, cut_off=cut_off, departs=departs, due=due
    ):
        raise ServiceError("DEPARTURE_KNOWN", departure=departure)


def add_bag(
    connection: Connection,
    bag: str,
    *,
    place: str,
    now: datetime,
    cycles_most: int | None = None,
    sides_cm: Sides | None = None,
) -> None:
    """Take a new bag into service, empty.

    Raises:
        ServiceError: BAG_KNOWN, BAG_SIDES_ODD (a side is not 1 to 300 cm).
    """
    if sides_cm is not None and not all(0 < side <= SIDE_MOST_CM for side in sides_cm):
        raise ServiceError("BAG_SIDES_ODD", most=SIDE_MOST_CM)
    values = {
        "bag": bag,
        "place": place,
        "since": clock.text(now),
        "empty": 1,
        "cycles": 0,
        "cycles_most": cycles_most,
        "sides_cm": None if sides_cm is None else canonical.encode(list(sides_cm)).decode(),
    }
    if not inserts(connection, insert_or_skip(tables.bag, ["bag"]).values(**values)):
        raise ServiceError("BAG_KNOWN", bag=bag)


def begin(
    connection: Connection,
    event: Event,
    *,
    departure: str,
    bag_class: BagClass,
    now: datetime,
) -> None:
    """Begin the make-up of a bag: the closing that the event `prepared` is about.

    Args:
        connection: inside a unit of work.
        event: `prepared`, read and believed; recorded by the caller.
        departure: with which the bag is to leave.
        bag_class: what it is to hold.
        now: the ministry's time.

    Raises:
        ServiceError: DEPARTURE_UNKNOWN (also one that leaves from another place), CUT_OFF_PASSED,
            BAG_UNKNOWN, BAG_NOT_HERE, CLOSING_KNOWN.
        ModeForbidden: the class does not travel so.
        BagNotReusable: the bag is disputed or worn out.
        LimitsExceeded: the bag was measured, and is larger than its class, mode or route allow.
    """
    found = route_book.departure_of(connection, departure)
    road = None if found is None else route_book.route_of(connection, found.route)
    if found is None or road is None or road.origin != event.place:
        raise ServiceError("DEPARTURE_UNKNOWN", departure=departure)
    rules.require_open(clock.parse(found.cut_off), now)
    require_pair(bag_class, Mode(found.mode))
    sides = _require_bag(connection, event)
    limits = limits_of(bag_class, Mode(found.mode), road.limits)
    require_within(limits, Measures(items_g=(), bag_g=0, sides_cm=sides))
    written = inserts(
        connection,
        insert_or_skip(tables.closing, ["seal"]).values(
            seal=event.seal,
            bag=event.bag,
            departure=departure,
            bag_class=bag_class.value,
            opened_at=clock.text(now),
            packers=repository.text_of([event.officer]),
            seals="[]",
            stage=Prepared.kind,
            lost=0,
            recalled=0,
        ),
    )
    if not written:
        raise ServiceError("CLOSING_KNOWN", seal=event.seal)
    empties_book.end(connection, event.bag, USED_AGAIN, now)


@dataclass(frozen=True, slots=True)
class NewLine:
    """An item as the service may know it.

    Attributes:
        line: its number, from 1.
        commitment: salted hash of the line (`pouch.bordereau.commit`), 32 bytes.
        level: code of the scheme.
        quantity: number of pieces.
        weight_g: of all pieces, grams.
        body: the line as age ciphertext to the bureau's card.
    """

    line: int
    commitment: bytes
    level: str
    quantity: int
    weight_g: int
    body: bytes


def add_line(
    connection: Connection,
    seal: str,
    line: NewLine,
    *,
    officer: str,
    scheme: Scheme,
    now: datetime,
) -> bool:
    """Add a scanned item to a bag that is being made up; False when this very line is there.

    Raises:
        ServiceError: CLOSING_UNKNOWN, BAG_SEALED, CUT_OFF_PASSED, UNKNOWN_LEVEL, LEVEL_ABOVE_BAG,
            LINE_TAKEN (the number is another item's, or the item is there under another),
            LINE_NOT_ENCIPHERED.
        LimitsExceeded: the item is too heavy, or the bag with what it holds already.
    """
    closing = _being_made_up(connection, seal)
    rules.require_open(closing.cut_off, now)
    rules.require_level(scheme, line.level, closing.bag_class)
    if not line.body.startswith(_AGE):
        raise ServiceError("LINE_NOT_ENCIPHERED")
    held = repository.lines_of(connection, seal)
    for known in held:
        same = known.commitment == line.commitment.hex()
        if same and known.line == line.line:
            return False
        if same or known.line == line.line:
            raise ServiceError("LINE_TAKEN", line=line.line)
    contents_g = line.weight_g + sum(known.weight_g for known in held)
    _require_within(closing, Measures(items_g=(line.weight_g,), bag_g=contents_g))
    connection.execute(
        insert(tables.line).values(
            seal=seal,
            line=line.line,
            commitment=line.commitment.hex(),
            level=line.level,
            quantity=line.quantity,
            weight_g=line.weight_g,
            body=line.body,
        )
    )
    packers = sorted({*closing.packers, officer})
    repository.change_closing(connection, seal, packers=repository.text_of(packers))
    return True


def remove_line(connection: Connection, seal: str, line: int) -> None:
    """Take the last line of a bag that is being made up out again.

    Raises:
        ServiceError: CLOSING_UNKNOWN, BAG_SEALED; NOT_THE_LAST_LINE: the numbers stay whole.
    """
    _being_made_up(connection, seal)
    if line != len(repository.lines_of(connection, seal)):
        raise ServiceError("NOT_THE_LAST_LINE", line=line)
    book = tables.line
    connection.execute(book.delete().where(book.c.seal == seal, book.c.line == line))


def seal_bag(
    connection: Connection,
    event: Event,
    *,
    head: bytes,
    nonce_sha256: str,
    certification: Certification | None,
    now: datetime,
) -> None:
    """Close a bag: two persons signed `sealed`, and everything agrees with what is on record.

    Args:
        connection: inside a unit of work.
        event: `sealed`, read and believed; recorded by the caller.
        head: hash of the manifest without its lines (`pouch.bordereau.commit`), 32 bytes.
        nonce_sha256: hash of the secret inside the bag, 64 hexadecimal digits.
        certification: of the contents, by an officer who packed nothing.
        now: the ministry's time.

    Raises:
        ServiceError: CLOSING_UNKNOWN, BAG_SEALED, BAG_EMPTY, BAG_OF_ANOTHER, WRONG_PLACE,
            MANIFEST_NOT_OF_LINES (a line was added, left out or changed).
        NotCertified, LimitsExceeded, StepForbidden, SealNumberUsed, SealNotInHand.
    """
    facts = event.facts
    if not isinstance(facts, Sealed):
        raise ServiceError("WRONG_EVENT", kind=event.kind)
    closing = _being_made_up(connection, event.seal)
    if event.bag != closing.bag:
        raise ServiceError("BAG_OF_ANOTHER", bag=event.bag)
    if event.place != closing.route.origin:
        raise ServiceError("WRONG_PLACE", place=event.place)
    require_next(custody_of(repository.events_of(connection, event.seal)), Sealed.kind)
    require_certified(certification, closing.packers)
    _require_manifest(connection, closing, facts, head)
    officers = (event.officer, event.witness.officer if event.witness else event.officer)
    for number in facts.seals:
        stock.apply(connection, number, closing.seal, officers, place=event.place, now=now)
    repository.change_closing(
        connection,
        closing.seal,
        manifest=facts.manifest,
        seals=repository.text_of(facts.seals),
        weight_g=facts.weight_g,
        nonce_sha256=nonce_sha256,
        certifier=None if certification is None else certification.officer,
    )
    _fill(connection, closing, now)


def require_origin(connection: Connection, seal: str, post: str) -> None:
    """Demand that a closing is made up at this post. Raises ServiceError NOT_FOUND."""
    closing = repository.closing_of(connection, seal)
    if closing is None:
        raise ServiceError("NOT_FOUND")
    viewer = Viewer(in_force(connection), Post(post))
    viewer.require_visible(MAKE_BAG, seen_by_posts(closing))


def is_on_record(connection: Connection, event: Event) -> bool:
    """Say whether this very act was done before: its event is on record and its closing follows.

    An event `sealed` that a device told without the act is a fact and no closing of the bag.
    """
    closing = repository.closing_of(connection, event.seal)
    told = {known.id for known in repository.events_of(connection, event.seal)}
    done = closing is not None and (
        closing.manifest is not None or not isinstance(event.facts, Sealed)
    )
    return done and event.id in told


def _require_manifest(connection: Connection, closing: Closing, facts: Sealed, head: bytes) -> None:
    lines = repository.lines_of(connection, closing.seal)
    if not lines:
        raise ServiceError("BAG_EMPTY", seal=closing.seal)
    if [line.line for line in lines] != list(range(1, len(lines) + 1)):
        raise ServiceError("MANIFEST_NOT_OF_LINES", seal=closing.seal)
    leaves = [bytes.fromhex(line.commitment) for line in lines]
    if digest_of(head, leaves).hex() != facts.manifest:
        raise ServiceError("MANIFEST_NOT_OF_LINES", seal=closing.seal)
    weights = tuple(line.weight_g for line in lines)
    _require_within(closing, Measures(items_g=weights, bag_g=max(facts.weight_g, sum(weights))))


def _require_within(closing: Closing, measures: Measures) -> None:
    require_within(limits_of(closing.bag_class, closing.mode, closing.route.limits), measures)


def _fill(connection: Connection, closing: Closing, now: datetime) -> None:
    connection.execute(
        tables.bag.update()
        .where(tables.bag.c.bag == closing.bag)
        .values(
            empty=0,
            cycles=tables.bag.c.cycles + 1,
            place=closing.route.destination,
            since=clock.text(now),
        )
    )


def _being_made_up(connection: Connection, seal: str) -> Closing:
    closing = repository.closing_of(connection, seal)
    if closing is None:
        raise ServiceError("CLOSING_UNKNOWN", seal=seal)
    if closing.manifest is not None:
        raise ServiceError("BAG_SEALED", seal=seal)
    return closing


def _require_bag(connection: Connection, event: Event) -> Sides | None:
    """Demand a bag that may be filled here; return its sides, None where nobody measured it."""
    row = connection.execute(select(tables.bag).where(tables.bag.c.bag == event.bag)).one_or_none()
    if row is None:
        raise ServiceError("BAG_UNKNOWN", bag=event.bag)
    if not row.empty or row.place != event.place:
        raise ServiceError("BAG_NOT_HERE", bag=event.bag)
    if _open_closings(connection, event.bag, event.seal):
        raise ServiceError("BAG_NOT_HERE", bag=event.bag)
    require_reusable(overview.empty_bag(connection, row))
    if row.sides_cm is None:
        return None
    length, width, height = json.loads(row.sides_cm)
    return length, width, height


def _open_closings(connection: Connection, bag: str, seal: str) -> Sequence[str]:
    """Return the closings of a bag that were begun and not sealed, this one apart."""
    return list(
        connection.scalars(
            select(tables.closing.c.seal).where(
                tables.closing.c.bag == bag,
                tables.closing.c.manifest.is_(None),
                tables.closing.c.seal != seal,
            )
        )
    )
