"""What an officer announces by an act of their own: a sealed bag, or what puts it right.

Each is told by one dispatch. The books name the one that is being signed, then the one that left.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, Row, func, select, update

from cipher_service.errors import ServiceError
from cipher_service.pouches import repository, signing
from cipher_service.storage.tables.pouches import rectification as rectifications
from cipher_service.storage.tables.pouches import sealed
from pouch.custody import live_events
from pouch.events import Event
from pouch.facts import Sealed


@dataclass(frozen=True, slots=True)
class News:
    """What a receiver is told of, once.

    Attributes:
        seal: the closing.
        ordinal: of the rectification; None for the bag itself.
        announcing: the dispatch by which an officer is about to tell it.
        announcement: the one by which the receiver was told.
        pair: the two who answer for it.
        waits_for: of a rectification, the ordinal of the first one before it that nobody told.
        bag_untold: of a rectification, whether the receiver was not told of the bag itself.
    """

    seal: str
    ordinal: int | None
    announcing: str | None
    announcement: str | None
    pair: tuple[str, str]
    waits_for: int | None = None
    bag_untold: bool = False

    def begin(self, connection: Connection, dispatch_id: str | None) -> None:
        """Note the dispatch by which an officer is about to tell the receiver."""
        if self.ordinal is None:
            signing.announcing(connection, self.seal, dispatch_id)
        else:
            self._note(connection, announcing=dispatch_id)

    def end(self, connection: Connection, dispatch_id: str) -> None:
        """Note the dispatch by which the receiver was told."""
        if self.ordinal is None:
            signing.announced(connection, self.seal, dispatch_id)
        else:
            self._note(connection, announcement=dispatch_id)

    def require_untold(self) -> None:
        """Demand that nobody told it, and that all before it was told.

        Raises:
            ServiceError: BAG_ANNOUNCED, RECTIFICATION_ANNOUNCED, RECTIFICATION_BEFORE_BAG,
                RECTIFICATION_NOT_NEXT.
        """
        if self.announcement is not None:
            code = "BAG_ANNOUNCED" if self.ordinal is None else "RECTIFICATION_ANNOUNCED"
            raise ServiceError(code, seal=self.seal)
        if self.bag_untold:
            raise ServiceError("RECTIFICATION_BEFORE_BAG", seal=self.seal)
        if self.waits_for is not None:
            raise ServiceError("RECTIFICATION_NOT_NEXT", seal=self.seal, ordinal=self.waits_for)

    def _note(self, connection: Connection, **values: str | None) -> None:
        book = rectifications.c
        named = (book.seal == self.seal, book.ordinal == self.ordinal)
        connection.execute(update(rectifications).where(*named).values(**values))


def of_bag(connection: Connection, seal: str) -> News:
    """Return the news of a bag. Raises ServiceError NOT_SEALED_HERE."""
    row = signing.row_of(connection, seal)
    if row is None:
        raise ServiceError("NOT_SEALED_HERE", seal=seal)
    event = sealing_of(connection, seal)
    if event is None or event.witness is None:
        raise ServiceError("NOT_SEALED_HERE", seal=seal)
    pair = (event.officer, event.witness.officer)
    return News(seal, None, row.announcing, row.announcement, pair)


def of_rectification(connection: Connection, seal: str, ordinal: int) -> News:
    """Return the news of a rectification. Raises NOT_SEALED_HERE, RECTIFICATION_UNKNOWN."""
    row = signing.row_of(connection, seal)
    if row is None:
        raise ServiceError("NOT_SEALED_HERE", seal=seal)
    book = rectifications.c
    named = (book.seal == seal, book.ordinal == ordinal)
    found = connection.execute(select(rectifications).where(*named)).one_or_none()
    if found is None:
        raise ServiceError("RECTIFICATION_UNKNOWN", number=row.number, ordinal=ordinal)
    return _of_row(connection, found)


def of_departure(connection: Connection, dispatch_id: str) -> News | None:
    """Return what a departure is to announce, None for any other departure."""
    seal = connection.scalar(select(sealed.c.seal).where(sealed.c.announcing == dispatch_id))
    if seal is not None:
        return of_bag(connection, seal)
    named = rectifications.c.announcing == dispatch_id
    row = connection.execute(select(rectifications).where(named)).one_or_none()
    return None if row is None else _of_row(connection, row)


def begun(connection: Connection) -> list[News]:
    """Return what an officer began to announce and did not end."""
    book = rectifications.c
    rows = connection.execute(
        select(rectifications)
        .where(book.announcing.is_not(None), book.announcement.is_(None))
        .order_by(book.seal, book.ordinal)
    )
    bags = [of_bag(connection, row.seal) for row in signing.being_announced(connection)]
    return [*bags, *(_of_row(connection, row) for row in rows)]


def sealing_of(connection: Connection, seal: str) -> Event | None:
    """Return the event by which two persons sealed a closing, None for one that is not sealed."""
    events = live_events(repository.events_of(connection, seal))
    return next((event for event in events if isinstance(event.facts, Sealed)), None)


def _of_row(connection: Connection, row: Row[tuple[object, ...]]) -> News:
    book, pair = rectifications.c, (row.first, row.second)
    earlier = connection.scalar(
        select(func.min(book.ordinal)).where(
            book.seal == row.seal, book.ordinal < row.ordinal, book.announcement.is_(None)
        )
    )
    return News(
        seal=row.seal,
        ordinal=row.ordinal,
        announcing=row.announcing,
        announcement=row.announcement,
        pair=pair,
        waits_for=earlier,
        bag_untold=not signing.is_announced(connection, row.seal),
    )
