"""The headquarters bureau sends: numbers first, signature second, never a gap.

    departure = intend(connection, ...)      # commits numbers and intent together
    ...                                      # encipher and sign, outside any transaction
    issue(connection, submission, ...)       # or cancel(connection, ..., reason)

A number is allotted in the transaction that records the intent (domain rule 1.7) and then is for
ever one of: allotted (attribué), issued (émis), cancelled (annulé, with its reason). What was
interrupted between the two steps was never issued, since `issue` is one transaction: `recover`
cancels it at start.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, select, update

from cipher_service import clock
from cipher_service.directory.register import Directory
from cipher_service.dispatches import repository, rules
from cipher_service.dispatches.service import Recorded, submit
from cipher_service.dispatches.submission import Submission
from cipher_service.errors import ServiceError
from cipher_service.references import register_number
from cipher_service.storage import counters
from cipher_service.storage.held import Held
from cipher_service.storage.statements import insert_or_skip, inserts
from cipher_service.storage.tables.headquarters import allotted, annulled, intent, series
from keys.dispatch import Destination
from keys.manifest import COPY, Series

INTERRUPTED = "INTERRUPTED"


@dataclass(frozen=True, slots=True)
class Departure:
    """What is about to leave.

    Attributes:
        dispatch_id: ULID, chosen by the caller.
        origin: the bureau's post code.
        kind: of the dispatch, as in its manifest.
        level: code of the scheme.
        drafter: who wrote it (rédacteur).
        authority: who released it (autorité signataire).
        subject: age ciphertext to the bureau's card (`sealed.seal_text`).
        posts: addressees that count it, the bureau's own copy excluded.
    """

    dispatch_id: str
    origin: str
    kind: str
    level: str
    drafter: str
    authority: str
    subject: bytes
    posts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """An allotted number, and the hash of the manifest issued last in its series, if any."""

    post: str
    epoch: int
    number: int
    previous: str | None


@dataclass(frozen=True, slots=True)
class Intent:
    """A recorded intent: the bureau's departure register number, and one number an addressee."""

    dispatch_id: str
    register: str
    numbers: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class NumberRecord:
    """A line of a series as the bureau shows it; `state` is allotted, issued or cancelled."""

    post: str
    epoch: int
    number: int
    state: str
    dispatch_id: str
    reason: str | None


def intend(
    connection: Connection, departure: Departure, *, epoch: int, directory: Directory, now: datetime
) -> Intent:
    """Record an intent and allot its numbers.

    Args:
        connection: inside a unit of work.
        departure: see there.
        epoch: of the series (`references.series_epoch`).
        directory: as this transaction sees it.
        now: the register's year is its year.

    Raises:
        ServiceError: NO_ADDRESSEE, UNKNOWN_POST, POST_NOT_ACTIVE, ADDRESSED_TO_SELF, DUPLICATE_ID.
    """
    if not departure.posts:
        raise ServiceError("NO_ADDRESSEE")
    for post in departure.posts:
        directory.active_post(post)
        if post == departure.origin:
            raise ServiceError("ADDRESSED_TO_SELF", post=post)
    number = counters.advance(connection, f"departures/{departure.origin}/{now.year}")
    written = inserts(
        connection,
        insert_or_skip(intent, ["dispatch_id"]).values(
            dispatch_id=departure.dispatch_id,
            origin=departure.origin,
            register_year=now.year,
            register_number=number,
            kind=departure.kind,
            level=departure.level,
            drafter=departure.drafter,
            authority=departure.authority,
            subject=departure.subject,
            state="open",
            created_at=clock.text(now),
        ),
    )
    if not written:
        raise ServiceError("DUPLICATE_ID", dispatch_id=departure.dispatch_id)
    numbers = {post: _allot(connection, departure, post, epoch, now) for post in departure.posts}
    return Intent(
        departure.dispatch_id,
        register_number(now.year, number),
        tuple(numbers[post] for post in departure.posts),
    )


def issue(
    connection: Connection,
    submission: Submission,
    body: bytes | None,
    manifest_hash: str,
    *,
    directory: Directory,
    service: str,
    stored: Callable[[str], int | None],
    now: datetime,
    rerouted: Held | None = None,
) -> Recorded:
    """Hand a signed dispatch of the bureau to its own service, and mark its numbers issued.

    Repeating it with the same submission changes nothing and gives the same receipt.

    Args:
        connection: inside a unit of work.
        submission: judged like any post's.
        body: as for `service.submit`.
        manifest_hash: of the signed manifest; the next number of each series will name it.
        directory: as for `service.submit`.
        service: likewise.
        stored: likewise.
        now: likewise.
        rerouted: where the envelope is, of one with its own header over a payload that is here.

    Raises:
        ServiceError: INTENT_NOT_OPEN (no such intent, or cancelled), INTENT_MISMATCH (its slip
            bears other numbers), or a refusal of `service.submit`.
    """
    mine = intent.c.dispatch_id == submission.dispatch_id
    row = connection.execute(select(intent).where(mine)).one_or_none()
    if row is None or row.origin != submission.origin or row.state == "cancelled":
        raise ServiceError("INTENT_NOT_OPEN", dispatch_id=submission.dispatch_id)
    _check_numbers(connection, submission)
    recorded = submit(
        connection,
        submission,
        body,
        directory=directory,
        service=service,
        stored=stored,
        now=now,
    )
    if row.state == "open":
        if rerouted is not None:
            repository.insert_rerouted(connection, recorded.seq, rerouted)
        _settle(connection, submission.dispatch_id, rules.ISSUED, None, now)
        connection.execute(update(intent).where(mine).values(manifest_hash=manifest_hash))
        for line in submission.lines:
            _name_previous(connection, submission.origin, line.post, line.epoch, manifest_hash)
    return recorded


def cancel(connection: Connection, dispatch_id: str, reason: str, now: datetime) -> None:
    """Cancel an intent: its numbers stay visible as cancelled and never bear a dispatch.

    Repeating it changes nothing.

    Args:
        connection: inside a unit of work.
        dispatch_id: of the intent.
        reason: a code in capitals.
        now: when.

    Raises:
        ServiceError: INTENT_NOT_OPEN: no such intent, or it was issued.
    """
    query = select(intent.c.state).where(intent.c.dispatch_id == dispatch_id)
    state = connection.scalar(query)
    if state not in ("open", "cancelled"):
        raise ServiceError("INTENT_NOT_OPEN", dispatch_id=dispatch_id)
    if state == "open":
        _settle(connection, dispatch_id, rules.CANCELLED, reason, now)


def abandon(connection: Connection, dispatch_id: str | None, now: datetime) -> None:
    """Cancel the intent of a dispatch that was never issued, if there is one.

    Raises:
        ServiceError: INTENT_NOT_OPEN: it was issued, so that it has left.
    """
    if dispatch_id is not None and standing(connection, dispatch_id) is not None:
        cancel(connection, dispatch_id, INTERRUPTED, now)


def standing(connection: Connection, dispatch_id: str) -> tuple[str, datetime] | None:
    """Return how an intent stands (open, issued, cancelled) and when it was recorded, if it was."""
    mine = intent.c.dispatch_id == dispatch_id
    row = connection.execute(select(intent.c.state, intent.c.created_at).where(mine)).one_or_none()
    return None if row is None else (row.state, clock.parse(row.created_at))


def begun_by(connection: Connection, dispatch_id: str) -> str | None:
    """Return who drafts what departs under an open intent, None where none is open."""
    mine = (intent.c.dispatch_id == dispatch_id, intent.c.state == "open")
    drafter: str | None = connection.scalar(select(intent.c.drafter).where(*mine))
    return drafter


def numbered(
    destinations: Sequence[Destination], allotted_numbers: Iterable[Number]
) -> list[Destination]:
    """Return destinations with the numbers that were allotted to them; the copy bears none."""
    by_post = {each.post: each for each in allotted_numbers}
    return [
        each if each.role == COPY else replace(each, series=_series_of(by_post[each.card.post]))
        for each in destinations
    ]


def recover(connection: Connection, *, before: datetime, now: datetime) -> list[str]:
    """Cancel the intents that an interruption left open; returns their dispatch ids.

    Args:
        connection: inside a unit of work.
        before: only intents recorded before this instant: later ones may be under way.
        now: when.
    """
    left = select(intent.c.dispatch_id).where(
        intent.c.state == "open", intent.c.created_at < clock.text(before)
    )
    ids = list(connection.scalars(left.order_by(intent.c.dispatch_id)))
    for dispatch_id in ids:
        cancel(connection, dispatch_id, INTERRUPTED, now)
    return ids


def numbers(connection: Connection, origin: str, post: str, epoch: int) -> list[NumberRecord]:
    """Return every number of a series, in order."""
    rows = connection.execute(
        select(allotted)
        .where(allotted.c.origin == origin, allotted.c.post == post, allotted.c.epoch == epoch)
        .order_by(allotted.c.number)
    )
    return [_number_record(row) for row in rows]


def unannounced(connection: Connection, origin: str) -> list[NumberRecord]:
    """Return cancelled numbers whose addressee was not told by a service message `cancelled`."""
    told = and_(
        annulled.c.origin == allotted.c.origin,
        annulled.c.receiver == allotted.c.post,
        annulled.c.epoch == allotted.c.epoch,
        annulled.c.number == allotted.c.number,
    )
    rows = connection.execute(
        select(allotted)
        .outerjoin(annulled, told)
        .where(
            allotted.c.origin == origin,
            allotted.c.state == rules.CANCELLED,
            annulled.c.number.is_(None),
        )
        .order_by(allotted.c.post, allotted.c.epoch, allotted.c.number)
    )
    return [_number_record(row) for row in rows]


def _allot(
    connection: Connection, departure: Departure, post: str, epoch: int, now: datetime
) -> Number:
    key = {"origin": departure.origin, "post": post, "epoch": epoch}
    first = insert_or_skip(series, list(key)).values(**key, last=0)
    connection.execute(first)
    row = connection.execute(
        update(series)
        .where(*(series.c[name] == value for name, value in key.items()))
        .values(last=series.c.last + 1)
        .returning(series.c.last, series.c.previous)
    ).one()
    connection.execute(
        insert(allotted).values(
            **key,
            number=row.last,
            dispatch_id=departure.dispatch_id,
            state=rules.ALLOTTED,
            allotted_at=clock.text(now),
        )
    )
    return Number(post, epoch, row.last, row.previous)


def _check_numbers(connection: Connection, submission: Submission) -> None:
    rows = connection.execute(
        select(allotted.c.post, allotted.c.epoch, allotted.c.number).where(
            allotted.c.dispatch_id == submission.dispatch_id
        )
    )
    promised = {tuple(row) for row in rows}
    borne = {
        (line.post, line.epoch, line.number) for line in submission.lines if line.number is not None
    }
    if promised != borne:
        raise ServiceError("INTENT_MISMATCH", dispatch_id=submission.dispatch_id)


def _settle(
    connection: Connection, dispatch_id: str, state: str, reason: str | None, now: datetime
) -> None:
    settled = {"state": state, "reason": reason, "settled_at": clock.text(now)}
    for table in (intent, allotted):
        connection.execute(update(table).where(table.c.dispatch_id == dispatch_id).values(settled))


def _name_previous(
    connection: Connection, origin: str, post: str, epoch: int | None, manifest_hash: str
) -> None:
    connection.execute(
        update(series)
        .where(series.c.origin == origin, series.c.post == post, series.c.epoch == epoch)
        .values(previous=manifest_hash)
    )


def _series_of(number: Number) -> Series:
    return Series(number.epoch, number.number, number.previous)


def _number_record(row: Row[Any]) -> NumberRecord:
    names = ("post", "epoch", "number", "state", "dispatch_id", "reason")
    return NumberRecord(*(getattr(row, name) for name in names))
