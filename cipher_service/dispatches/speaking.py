"""The headquarters bureau speaks and listens: service messages signed, heard, numbers chased.

    voice = Voice(card, custodian.sign_service_message)
    voice.say(connection, directory, CANCELLED, series)
    chased = chase(connection, directory, voice)

A repetition is asked of the origin once for each number (INT ZDK, ACP 127 paragraph 405). Asking is
serialised by a counter's row, so that two officers who chase at once ask once.
"""

from collections.abc import Callable, Iterator
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
from cipher_service.storage import counters
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

    def say(
        self, connection: Connection, directory: Directory, kind: str, series: SeriesReference
    ) -> ServiceMessage:
        """Sign a service message about a number and file it for the other end of its series.

        Raises:
            ServiceError: a refusal of `signals.judge` or `signals.record`.
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
        data = make_service_message(message, self.sign)
        judged = signals.judge(data, directory, default_scheme(), caller=own)
        signals.record(connection, judged, directory=directory, now=now)
        return message


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


def chase(connection: Connection, directory: Directory, voice: Voice) -> Chase:
    """Ask for the repetition of every missing number that was not asked for already.

    Args:
        connection: inside a unit of work.
        directory: as this transaction sees it.
        voice: of the bureau that counts.

    Raises:
        KeysError: the custodian refuses; nothing was asked.
    """
    own = voice.card.post
    counters.advance(connection, f"chases/{own}")  # its row is the lock
    gaps = missing_numbers(connection, own)
    before = _asked(connection, own)
    posts = directory.posts
    silent = {gap.origin for gap in gaps if posts[gap.origin].state != "active"}
    due = (
        reference
        for gap in gaps
        if gap.origin not in silent
        for reference in _numbers(gap, own)
        if reference not in before
    )
    found = list(islice(due, CHASE_MOST + 1))
    for reference in found[:CHASE_MOST]:
        voice.say(connection, directory, REPEAT_REQUEST, reference)
    return Chase(
        asked=tuple(found[:CHASE_MOST]),
        awaited=tuple(each for each in before if any(_lies_in(each, gap) for gap in gaps)),
        silent=tuple(sorted(silent)),
        more=len(found) > CHASE_MOST,
    )


def _asked(connection: Connection, post: str) -> dict[SeriesReference, None]:
    """Return what a post has asked to be repeated, in the order of asking."""
    table = service_message
    bodies = connection.scalars(
        select(table.c.body)
        .where(table.c.origin == post, table.c.kind == REPEAT_REQUEST)
        .order_by(table.c.seq)
    )
    messages = (parse_service_message(bytes(body))[0] for body in bodies)
    return {each.series: None for each in messages if each.series is not None}


def _numbers(gap: Missing, own: str) -> Iterator[SeriesReference]:
    for number in range(gap.first, gap.last + 1):
        yield SeriesReference(gap.origin, own, gap.epoch, number)


def _lies_in(reference: SeriesReference, gap: Missing) -> bool:
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
