"""The book of empty bags that posts announced (bordereaux des sacs vides).

A notice is kept as its post signed it; beside each of its bags stands how its way home ended. What
did not end is announced, late or missing (`pouch.empties_notice.standing`), whoever looks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select, update

from cipher_service import clock
from cipher_service.directory.register import DirectoryReader
from cipher_service.errors import ServiceError
from cipher_service.storage.batch import Handler
from cipher_service.storage.tables import pouches as tables
from keys.errors import Refusal
from pouch.empties_notice import (
    ANNOUNCED,
    LATE,
    MISSING,
    RETURNED,
    EmptiesNotice,
    read_notice,
    standing,
)

COMMAND: Final = "pouch_empties_notice"


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """A notice of which something is still to come.

    Attributes:
        post: who sends.
        number: of its bordereau.
        sent: when the bags left, and `due`: by when they should be here.
        bags: number and standing of each, in rising order.
    """

    post: str
    number: str
    sent: datetime
    due: datetime
    bags: tuple[tuple[str, str], ...]

    @property
    def troubled(self) -> bool:
        """Whether a bag of it is late or missing."""
        return any(stands in (LATE, MISSING) for _, stands in self.bags)


class EmptiesDesk:
    """The command by which a post announces empty bags.

    Args:
        directory: of posts and cards.
        headquarters: code of the post that takes empty bags back.
        now: the clock.
    """

    def __init__(
        self,
        directory: DirectoryReader,
        headquarters: str,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._directory = directory
        self._post = headquarters
        self._clock = now

    def handlers(self) -> dict[str, Handler]:
        """Return the command by name."""
        return {COMMAND: self.announce}

    def announce(self, connection: Connection, payload: dict[str, Any]) -> bool:
        """Take `{"caller", "body": the signed notice}`; give False when it changes nothing.

        Refuses EMPTIES_MALFORMED, EMPTIES_NOT_OF_CARD, SIGNATURE_INVALID, WRONG_PLACE, BAG_UNKNOWN,
        EMPTY_NOT_THERE, EMPTIES_ANNOUNCED, EMPTIES_NUMBER_TAKEN, UNKNOWN_POST, POST_NOT_ACTIVE.
        """
        card = self._directory.current(connection).card_in_force(payload["caller"])
        try:
            notice = read_notice(payload["body"], card.card)
        except Refusal as refusal:
            raise ServiceError(refusal.code) from refusal
        if notice.to != self._post:
            raise ServiceError("WRONG_PLACE", place=notice.to)
        return record(connection, notice, payload["body"], self._clock().replace(microsecond=0))


def record(connection: Connection, notice: EmptiesNotice, body: bytes, now: datetime) -> bool:
    """Keep a notice that was believed: all its bags, or none.

    Returns:
        False when the same bags were announced under this number: the first notice stands.

    Raises:
        ServiceError: EMPTIES_NUMBER_TAKEN (other bags stand under it), BAG_UNKNOWN,
            EMPTY_NOT_THERE (full, elsewhere or being made up), EMPTIES_ANNOUNCED (on its way).
    """
    book, lines = tables.empties_notice, tables.empties_line
    known = _bags_of(connection, notice.post, notice.number)
    if known:
        if known != notice.bags:
            raise ServiceError("EMPTIES_NUMBER_TAKEN", number=notice.number)
        return False
    for bag in notice.bags:
        _require_empty(connection, bag, notice.post)
    connection.execute(
        book.insert().values(
            post=notice.post,
            number=notice.number,
            sent_at=clock.text(notice.sent),
            due=clock.text(notice.due),
            recorded_at=clock.text(now),
            body=body,
        )
    )
    of = {"post": notice.post, "number": notice.number}
    connection.execute(lines.insert(), [{**of, "bag": bag} for bag in notice.bags])
    return True


def end(connection: Connection, bag: str, how: str, now: datetime) -> None:
    """Note how a bag's way home ended (`RETURNED`, `USED_AGAIN`), if one was announced."""
    lines = tables.empties_line
    connection.execute(
        update(lines)
        .where(lines.c.bag == bag, lines.c.ended.is_(None))
        .values(ended=how, ended_at=clock.text(now))
    )


def outstanding(connection: Connection, now: datetime) -> list[NoticeLine]:
    """Return the notices of which something is still to come, the first due first."""
    book, lines = tables.empties_notice, tables.empties_line
    still = select(lines.c.bag).where(
        lines.c.post == book.c.post, lines.c.number == book.c.number, lines.c.ended.is_(None)
    )
    rows = connection.execute(
        select(book.c.post, book.c.number, book.c.sent_at, book.c.due)
        .where(still.exists())
        .order_by(book.c.due, book.c.post, book.c.number)
    ).all()
    return [_line(connection, row, now) for row in rows]


def on_their_way(connection: Connection, now: datetime) -> frozenset[str]:
    """Return the bags that are announced and neither late nor missing."""
    return frozenset(
        bag
        for notice in outstanding(connection, now)
        for bag, stands in notice.bags
        if stands == ANNOUNCED
    )


def not_come(connection: Connection, post: str, number: str) -> tuple[str, ...]:
    """Return the bags of a notice whose way home did not end; none for a number without notice."""
    lines = tables.empties_line
    return tuple(
        connection.scalars(
            select(lines.c.bag)
            .where(lines.c.post == post, lines.c.number == number, lines.c.ended.is_(None))
            .order_by(lines.c.bag)
        )
    )


def _line(connection: Connection, row: Any, now: datetime) -> NoticeLine:
    lines = tables.empties_line
    bags: Sequence[Any] = connection.execute(
        select(lines.c.bag, lines.c.ended)
        .where(lines.c.post == row.post, lines.c.number == row.number)
        .order_by(lines.c.bag)
    ).all()
    due = clock.parse(row.due)
    counted = any(each.ended == RETURNED for each in bags)
    return NoticeLine(
        row.post,
        row.number,
        clock.parse(row.sent_at),
        due,
        tuple((each.bag, standing(each.ended, due=due, counted=counted, now=now)) for each in bags),
    )


def _bags_of(connection: Connection, post: str, number: str) -> tuple[str, ...]:
    lines = tables.empties_line
    return tuple(
        connection.scalars(
            select(lines.c.bag)
            .where(lines.c.post == post, lines.c.number == number)
            .order_by(lines.c.bag)
        )
    )


def _require_empty(connection: Connection, bag: str, post: str) -> None:
    bags, lines, closing = tables.bag, tables.empties_line, tables.closing
    found = connection.execute(bags.select().where(bags.c.bag == bag)).one_or_none()
    if found is None:
        raise ServiceError("BAG_UNKNOWN", bag=bag)
    begun = connection.scalar(
        select(closing.c.seal).where(closing.c.bag == bag, closing.c.manifest.is_(None)).limit(1)
    )
    if not found.empty or found.place != post or begun is not None:
        raise ServiceError("EMPTY_NOT_THERE", bag=bag, post=post)
    under = connection.scalar(
        select(lines.c.number).where(lines.c.bag == bag, lines.c.ended.is_(None)).limit(1)
    )
    if under is not None:
        raise ServiceError("EMPTIES_ANNOUNCED", bag=bag, number=under)
