"""A post's one-time prekeys in the directory: taken in by the bundle, given out one by one.

A prekey is given once: to one sender, for one dispatch. Asking again for the same dispatch gives
the same one, since the answer may have been lost. What the service could do wrong (give one twice)
the post notices: the second dispatch does not open, and it says so.

A bundle that travels in a bag is entered with a controlled item (`carry`). Until the item's
receiver has signed for it, and for ever once it is compromised, none of its prekeys is given. What
was given before is `burnt`: the post is told, opens nothing under it and has it sent again.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, select, update

from cipher_service import clock
from cipher_service.directory.compromises import is_compromised, is_signed_for
from cipher_service.directory.register import DirectoryReader
from cipher_service.errors import ServiceError
from cipher_service.storage.batch import Handler
from cipher_service.storage.tables.dispatches import dispatch
from cipher_service.storage.tables.prekeys import prekey as tables
from cipher_service.storage.tables.prekeys import prekey_carriage
from keys.prekeys import Bundle, read_bundle

FREE_MOST: Final = 500
LOW: Final = 10
"""Below so many free ones a post is told to make more."""
UNUSED_MOST: Final = 50
"""So many of a card does a sender have at most for dispatches that have not come."""
_BURNT_MOST: Final = 5_000


def take_in(
    connection: Connection, post: str, bundle: bytes, directory: DirectoryReader, now: datetime
) -> int:
    """Record the prekeys of a bundle, each with its proof; the same bundle again changes nothing.

    Returns:
        How many of the post's prekeys are free now.

    Raises:
        ServiceError: UNKNOWN_POST, POST_NOT_ACTIVE, PREKEYS_COMPROMISED (the bag that carried them
            was breached), or PREKEYS_ENOUGH (too many are free).
        Refusal: the bundle does not hold; see `keys.prekeys.read_bundle`.
    """
    card = directory.current(connection).card_in_force(post)
    read = read_bundle(bundle, card.card, now)
    _refuse_compromised(connection, read)
    known = set(
        connection.scalars(
            select(tables.c.prekey_id).where(
                tables.c.prekey_id.in_([each.id for each in read.prekeys])
            )
        )
    )
    new = [
        {
            "prekey_id": prekey.id,
            "post": post,
            "card": card.fingerprint,
            "expires": clock.text(read.statement.expires),
            "offer": offer,
            "state": "free",
            "recorded_at": clock.text(now),
        }
        for prekey, offer in zip(read.prekeys, read.offers(), strict=True)
        if prekey.id not in known
    ]
    if free(connection, card.fingerprint, now) + len(new) > FREE_MOST:
        raise ServiceError("PREKEYS_ENOUGH", most=FREE_MOST)
    if new:
        connection.execute(tables.insert(), new)
    return free(connection, card.fingerprint, now)


def carry(
    connection: Connection,
    item: int,
    bundle: bytes,
    post: str,
    directory: DirectoryReader,
    now: datetime,
) -> int:
    """Note that the prekeys of a post's bundle travel with a controlled item; return how many.

    Raises:
        ServiceError: UNKNOWN_POST, POST_NOT_ACTIVE, PREKEYS_CARRIED (with an item already).
        Refusal: the bundle does not hold; see `keys.prekeys.read_bundle`.
    """
    card = directory.current(connection).card_in_force(post)
    read = read_bundle(bundle, card.card, now)
    ids = [prekey.id for prekey in read.prekeys]
    known = connection.scalar(
        select(prekey_carriage.c.item).where(prekey_carriage.c.prekey_id.in_(ids)).limit(1)
    )
    if known is not None:
        raise ServiceError("PREKEYS_CARRIED", item=known)
    connection.execute(
        prekey_carriage.insert(), [{"prekey_id": each, "item": item} for each in ids]
    )
    return len(ids)


def burnt(connection: Connection, post: str) -> list[str]:
    """Return the ids of a post's prekeys that were given out and compromised on their way."""
    carried = prekey_carriage.c
    rows = connection.scalars(
        select(tables.c.prekey_id)
        .join(prekey_carriage, carried.prekey_id == tables.c.prekey_id)
        .where(tables.c.post == post, tables.c.state == "taken", is_compromised(carried.item))
        .order_by(tables.c.taken_at.desc(), tables.c.prekey_id)
        .limit(_BURNT_MOST)
    )
    return list(rows)


def free(connection: Connection, card: str, now: datetime) -> int:
    """Count the prekeys of a card that can still be given out."""
    return int(
        connection.scalar(select(func.count()).select_from(tables).where(*_usable(card, now))) or 0
    )


def give(
    connection: Connection,
    sender: str,
    dispatch_id: str,
    cards: Sequence[str],
    now: datetime,
) -> list[bytes]:
    """Give one free prekey of each card, for one dispatch; a card without any is passed over.

    So is one of which this sender has taken many and written nothing under them: nobody drains
    what others are to use.

    Args:
        connection: inside the registrar's transaction, which is the only writer.
        sender: who asks.
        dispatch_id: for what.
        cards: fingerprints, each once.
        now: the present.

    Returns:
        The offers, in the order of the cards that had one.
    """
    given = []
    for card in cards:
        mine = (tables.c.taken_for == dispatch_id, tables.c.taken_by == sender)
        offer = connection.scalar(
            select(tables.c.offer).where(*mine, tables.c.card == card, ~_withheld())
        )
        if offer is None:
            if _unused(connection, sender, card, now) >= UNUSED_MOST:
                continue
            # Those that end first go first.
            chosen = connection.execute(
                select(tables.c.prekey_id, tables.c.offer)
                .where(*_usable(card, now))
                .order_by(tables.c.expires, tables.c.prekey_id)
                .limit(1)
            ).one_or_none()
            if chosen is None:
                continue
            offer = chosen.offer
            connection.execute(
                update(tables)
                .where(tables.c.prekey_id == chosen.prekey_id, tables.c.state == "free")
                .values(
                    state="taken",
                    taken_by=sender,
                    taken_for=dispatch_id,
                    taken_at=clock.text(now),
                )
            )
        given.append(bytes(offer))
    return given


class PrekeyDesk:
    """The registrar's commands about prekeys.

    Args:
        directory: this process's reader.
        now: the clock.
    """

    def __init__(self, directory: DirectoryReader, now: Callable[[], datetime] = clock.now) -> None:
        self._directory = directory
        self._now = now

    def handlers(self) -> dict[str, Handler]:
        """Return the commands by name; each method says what it takes and gives."""
        return {"take_in_prekeys": self.take_in, "give_prekeys": self.give}

    def take_in(self, connection: Connection, payload: dict[str, Any]) -> int:
        """Take `{"post", "bundle": bytes}`, judged; give how many are free. See `take_in`."""
        return take_in(connection, payload["post"], payload["bundle"], self._directory, self._now())

    def give(self, connection: Connection, payload: dict[str, Any]) -> list[bytes]:
        """Take `{"post", "dispatch_id", "posts": [codes]}`; give the offers of those who have one.

        Posts that are unknown or not in service are passed over like those without prekeys.
        """
        directory = self._directory.current(connection)
        posts = [directory.posts.get(code) for code in dict.fromkeys(payload["posts"])]
        cards = [
            post.fingerprint
            for post in posts
            if post is not None and post.state == "active" and post.fingerprint is not None
        ]
        return give(connection, payload["post"], payload["dispatch_id"], cards, self._now())


def _unused(connection: Connection, sender: str, card: str, now: datetime) -> int:
    """Count what a sender took of a card for dispatches that have not come; what ended is past."""
    come = select(dispatch.c.seq).where(dispatch.c.dispatch_id == tables.c.taken_for).exists()
    mine = (
        tables.c.card == card,
        tables.c.taken_by == sender,
        tables.c.expires > clock.text(now),
        ~come,
    )
    return int(connection.scalar(select(func.count()).select_from(tables).where(*mine)) or 0)


def _usable(card: str, now: datetime) -> tuple[Any, ...]:
    alive = (tables.c.card == card, tables.c.state == "free", tables.c.expires > clock.text(now))
    return (*alive, ~_withheld())


def _withheld() -> Any:
    """Return the condition that a prekey travels with an item that nobody has signed for."""
    carried = prekey_carriage.c
    return (
        select(carried.prekey_id)
        .where(carried.prekey_id == tables.c.prekey_id, ~is_signed_for(carried.item))
        .exists()
    )


def _refuse_compromised(connection: Connection, bundle: Bundle) -> None:
    carried = prekey_carriage.c
    item = connection.scalar(
        select(carried.item)
        .where(
            carried.prekey_id.in_([prekey.id for prekey in bundle.prekeys]),
            is_compromised(carried.item),
        )
        .limit(1)
    )
    if item is not None:
        raise ServiceError("PREKEYS_COMPROMISED", item=item)
