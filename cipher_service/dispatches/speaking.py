"""The headquarters bureau speaks and listens: service messages signed, heard, numbers chased.

    voice = Voice(card, custodian.sign_service_message)
    letters = {number: voice.compose(REPEAT_REQUEST, number) for number in due(connection, ...)}
    chased = chase(connection, directory, "MINREX", letters)         # in a transaction of its own

The custodian signs before the transaction, since it asks for the intent in the log first; what is
no longer due by then is thrown away. A repetition is asked of the origin once for each number (INT
ZDK, ACP 127 paragraph 405).
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sqlalchemy import Connection, select

from cipher_service import clock
from cipher_service.directory.register import Directory
from cipher_service.dispatches import signals
from cipher_service.dispatches.lists import PAGE_MAX, service_messages
from cipher_service.dispatches.openings import Missing, missing_numbers
from cipher_service.labels.scheme import default_scheme
from cipher_service.references import new_id
from cipher_service.storage.tables.dispatches import service_message
from keys.cards import Card
from keys.errors import Refusal
from keys.service_messages import (
    REPEAT_REQUEST,
    SeriesReference,
    ServiceMessage,
    make_service_message,
    parse_service_message,
    read_service_message,
)
from keys.signing import Signatures

CHASE_MOST: Final = 100
"""Repetitions asked for at once: one wild number can leave a billion missing."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A service message that arrived.

    Attributes:
        message: what it says.
        recorded_at: when the service took it over, `YYYY-MM-DDTHH:MM:SSZ`.
        verified: whether both signatures hold against a card of its sender.
    """

    message: ServiceMessage
    recorded_at: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Chase:
    """What one chase did.

    Attributes:
        asked: numbers whose repetition was asked for now.
        awaited: numbers asked for before that are missing still.
        silent: posts that numbers are missing from and nothing can be asked of: not in service.
        more: whether `CHASE_MOST` left numbers for the next chase.
    """

    asked: tuple[SeriesReference, ...]
    awaited: tuple[SeriesReference, ...]
    silent: tuple[str, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Voice:
    """What the bureau signs service messages with: its card, and its custodian's act."""

    card: Card
    sign: Callable[[bytes], Signatures]

    def compose(self, kind: str, series: SeriesReference) -> bytes:
        """Sign a service message about a number, to the other end of its series.

        Raises:
            KeysError: the custodian refuses.
        """
        now = clock.now().replace(microsecond=0)
        own = self.card.post
        message = ServiceMessage(
            id=new_id(now),
            kind=kind,
            sender=own,
            sender_card=self.card.fingerprint,
            to=series.addressee if series.origin == own else series.origin,
            precedence="ROUTINE",
            created=now,
            series=series,
        )
        return make_service_message(message, self.sign)

    def repeat(self, dispatch_id: str, origin: str) -> bytes:
        """Sign a request to its origin to send a dispatch again.

        Raises:
            KeysError: the custodian refuses.
        """
        now = clock.now().replace(microsecond=0)
        message = ServiceMessage(
            id=new_id(now),
            kind=REPEAT_REQUEST,
            sender=self.card.post,
            sender_card=self.card.fingerprint,
            to=origin,
            precedence="ROUTINE",
            created=now,
            series=None,
            dispatch_id=dispatch_id,
        )
        return make_service_message(message, self.sign)


def file(connection: Connection, directory: Directory, own: str, letter: bytes) -> None:
    """File a service message of the bureau `own` for its addressee.

    Raises:
        ServiceError: a refusal of `signals.judge` or `signals.record`.
    """
    judged = signals.judge(letter, directory, default_scheme(), caller=own)
    now = clock.now().replace(microsecond=0)
    signals.record(connection, judged, directory=directory, now=now)


def heard(connection: Connection, directory: Directory, post: str) -> Iterator[Heard]:
    """Give every service message spoken to a post, in order of arrival.

    Raises:
        ServiceMessageMalformed: what the database holds is not one.
    """
    after = 0
    while page := service_messages(connection, post, after=after, limit=PAGE_MAX):
        for record in page:
            message, _ = parse_service_message(record.body)
            yield Heard(message, record.recorded_at, _holds(record.body, message, directory))
        after = page[-1].seq


def due(connection: Connection, directory: Directory, own: str) -> list[SeriesReference]:
    """Return what is missing and was not asked for, at most `CHASE_MOST` numbers."""
    gaps = missing_numbers(connection, own)
    asked = _asked(connection, own)
    return list(islice(_due(gaps, directory, own, asked), CHASE_MOST))


def chase(
    connection: Connection,
    directory: Directory,
    own: str,
    letters: Mapping[SeriesReference, bytes],
) -> Chase:
    """Ask for the repetition of every missing number that was not asked for already.

    Args:
        connection: inside a unit of work.
        directory: as this transaction sees it.
        own: the bureau that counts.
        letters: its requests by number, signed for what was `due`.

    Raises:
        ServiceError: as `file`; nothing was asked.
    """
    gaps = missing_numbers(connection, own)
    before = _asked(connection, own)
    found = list(islice(_due(gaps, directory, own, before), CHASE_MOST + 1))
    asked = [reference for reference in found if reference in letters]
    for reference in asked:
        file(connection, directory, own, letters[reference])
    return Chase(
        asked=tuple(asked),
        awaited=tuple(each for each in before if any(lies_in(each, gap) for gap in gaps)),
        silent=tuple(sorted(_silent(gaps, directory))),
        more=len(found) > len(asked),
    )


def _due(
    gaps: Sequence[Missing], directory: Directory, own: str, asked: Container[SeriesReference]
) -> Iterator[SeriesReference]:
    silent = _silent(gaps, directory)
    for gap in gaps:
        if gap.origin not in silent:
            yield from (each for each in _numbers(gap, own) if each not in asked)


def _silent(gaps: Sequence[Missing], directory: Directory) -> set[str]:
    posts = directory.posts
    return {gap.origin for gap in gaps if posts[gap.origin].state != "active"}


def _asked(connection: Connection, post: str) -> dict[SeriesReference, None]:
    """Return the numbers that a post has asked to be repeated, in the order of asking."""
    asked = _requests(connection, post)
    return {each.series: None for each in asked if each.series is not None}


def repetitions_asked(connection: Connection, post: str) -> set[str]:
    """Return the dispatches that a post has asked to be sent again."""
    asked = _requests(connection, post)
    return {each.dispatch_id for each in asked if each.dispatch_id is not None}


def _requests(connection: Connection, post: str) -> Iterator[ServiceMessage]:
    table = service_message
    bodies = connection.scalars(
        select(table.c.body)
        .where(table.c.origin == post, table.c.kind == REPEAT_REQUEST)
        .order_by(table.c.seq)
    )
    return (parse_service_message(bytes(body))[0] for body in bodies)


def _numbers(gap: Missing, own: str) -> Iterator[SeriesReference]:
    for number in range(gap.first, gap.last + 1):
        yield SeriesReference(gap.origin, own, gap.epoch, number)


def lies_in(reference: SeriesReference, gap: Missing) -> bool:
    """Tell whether a number is one of those missing."""
    same = (reference.origin, reference.epoch) == (gap.origin, gap.epoch)
    return same and gap.first <= reference.number <= gap.last


def _holds(data: bytes, message: ServiceMessage, directory: Directory) -> bool:
    card = directory.cards.get(message.sender_card)
    if card is None:
        return False
    try:
        read_service_message(data, card.card)
    except Refusal:
        return False
    return True
