"""The book of the custodian's keys: each version's states, and the orders on it.

`versions.age` holds it, sealed by the store's credential. The card in force says which edition of
the bureau's keys is active: where a rotation was killed between the card and this file, `settled`
finishes what it had begun. Who may use a key by it is `keys.custody.versions`'s to say.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol

from keys import canonical
from keys.custody.errors import KeyBookFull, KeyDestructionNotOrdered, KeyVersionUnknown
from keys.custody.orders import ORDERS_MOST, Order, read_order
from keys.custody.sealed_file import SealedFile
from keys.lifecycle import (
    ACTIVE,
    ARCHIVE,
    DEACTIVATED,
    HISTORY_MOST,
    IN_FORCE,
    PRE_ACTIVATION,
    SUCCEEDED,
    KeyVersion,
    read_version,
)
from keys.records import Record

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from keys.cards import Card

VERSIONS_FILE: Final = "versions.age"
_TYPE: Final = "depeche/v1 key-versions"
# What `key_versions` answers with passes in one frame (`keys.custody.frames`). Posts' cards leave
# room for the ministry's own keys, which the book takes up by itself wherever it meets them.
VERSIONS_MOST: Final = 2048
POSTS_MOST: Final = VERSIONS_MOST - 256
# A suspension is ended only while the moves that end a version for good still have room after it.
RESUMED_MOST: Final = HISTORY_MOST - 4


@dataclass(frozen=True)
class Book:
    """Every version that the custodian knows, in the order of their making, and what was ordered.

    Attributes:
        versions: each with its history.
        orders: to destroy one of them, the oldest first; those that were taken back too.
    """

    versions: tuple[KeyVersion, ...] = ()
    orders: tuple[Order, ...] = ()

    @cached_property
    def _by_key(self) -> dict[str, tuple[KeyVersion, ...]]:
        found: dict[str, list[KeyVersion]] = {}
        for each in self.versions:
            found.setdefault(each.key, []).append(each)
        return {key: tuple(versions) for key, versions in found.items()}

    def of(self, key: str) -> tuple[KeyVersion, ...]:
        """The versions of one key, the oldest first."""
        return self._by_key.get(key, ())

    def find(self, key: str, number: int) -> KeyVersion:
        """Gives one version.

        Raises:
            KeyVersionUnknown: there is none.
        """
        for each in self.of(key):
            if each.number == number:
                return each
        raise KeyVersionUnknown(f"the custodian has no version {number} of {key}")

    def with_version(self, version: KeyVersion) -> Book:
        """Gives the book with this version in the place of the one that it succeeds, or added."""
        place = (version.key, version.number)
        kept = [version if (each.key, each.number) == place else each for each in self.versions]
        if version not in kept:
            kept.append(version)
        return replace(self, versions=tuple(kept))

    def orders_on(self, key: str, number: int) -> tuple[Order, ...]:
        """Every order on a version, the oldest first."""
        return tuple(each for each in self.orders if (each.key, each.number) == (key, number))

    def standing(self, key: str, number: int) -> Order | None:
        """The order to destroy a version that was not taken back; None without one."""
        return next((each for each in self.orders_on(key, number) if each.kept is None), None)

    def ordered(self, key: str, number: int) -> Order:
        """As `standing`.

        Raises:
            KeyDestructionNotOrdered: no order stands.
        """
        order = self.standing(key, number)
        if order is None:
            raise KeyDestructionNotOrdered(f"nobody ordered the end of {key} version {number}")
        return order

    def warnings(self, now: datetime) -> list[tuple[KeyVersion, str]]:
        """Gives each version that asks for something, and for what (`KeyVersion.warning`).

        Args:
            now: UTC.
        """
        told = ((each, each.warning(now)) for each in self.versions)
        return [(each, what) for each, what in told if what is not None]

    def knows(self, act: str) -> bool:
        """Says whether an act on a key was done already, by its ULID."""
        return any(act in {each.act, each.kept} for each in self.orders)

    def require_room(self) -> None:
        """Demands that it can be written, before anything is done that it is to tell.

        Raises:
            KeyBookFull: it has more versions, or one of them more moves, than a book takes.
        """
        moves = max((len(each.history) for each in self.versions), default=0)
        if len(self.versions) > VERSIONS_MOST or moves > HISTORY_MOST:
            raise KeyBookFull(f"a book takes {VERSIONS_MOST} versions of {HISTORY_MOST} moves each")

    def encode(self) -> bytes:
        """Canonical JSON.

        Raises:
            KeyBookFull: as `require_room`.
            ValueError: it holds what `parse` would refuse.
        """
        self.require_room()
        data = canonical.encode(
            {
                "v": 1,
                "type": _TYPE,
                "versions": [each.to_object() for each in self.versions],
                **({"orders": [each.to_object() for each in self.orders]} if self.orders else {}),
            }
        )
        self.parse(data)
        return data

    @classmethod
    def parse(cls, data: bytes) -> Book:
        """Reads what `encode` gives.

        Raises:
            ValueError, KeyTransitionIllegal: other bytes.
        """
        value = canonical.decode(data)
        record = Record(value, "versions")
        record.constant("v", 1)
        record.constant("type", _TYPE)
        values = record.items("versions", most=VERSIONS_MOST)
        # Absent before the first order: as custodians wrote it that knew of none.
        orders = record.items("orders", least=1, most=ORDERS_MOST) if "orders" in value else ()
        record.close()
        book = cls(
            tuple(read_version(Record(each, "version")) for each in values),
            tuple(read_order(Record(each, "order")) for each in orders),
        )
        if len({(each.key, each.number) for each in book.versions}) != len(book.versions):
            raise ValueError("a version stands twice")
        standing = [(each.key, each.number) for each in book.orders if each.kept is None]
        if len(set(standing)) != len(standing):
            raise ValueError("two orders stand on a version")
        return book


def bureau_key(card: Card) -> str:
    """What the bureau's key is called."""
    return f"bureau/{card.post}"


def version_of(card: Card) -> KeyVersion:
    """The version that a card is the public side of, not yet active."""
    return KeyVersion(
        key=bureau_key(card),
        number=card.edition,
        fingerprint=card.fingerprint,
        end_of_life=ARCHIVE,
        starts=card.valid_from,
        ends=card.valid_until,
    )


def settled(book: Book, card: Card, now: datetime) -> Book:
    """Gives the book in which the edition of the card in force stands as it must.

    A version that is not there yet, or still before its activation, becomes active, and those
    before it deactivated. Suspended and compromised ones stay what they are.
    """
    known = {each.number for each in book.of(bureau_key(card))}
    if card.edition not in known:
        book = book.with_version(version_of(card))
    current = book.find(bureau_key(card), card.edition)
    if current.state != PRE_ACTIVATION:
        return book
    for each in book.of(current.key):
        if each.number < card.edition and each.state == ACTIVE:
            at = max(now, each.since)
            book = book.with_version(each.moved(DEACTIVATED, at=at, reason=SUCCEEDED))
    return book.with_version(current.moved(ACTIVE, at=now, reason=IN_FORCE))


class BookKeeper(Protocol):
    """Where a book is kept."""

    def held(self) -> AbstractContextManager[None]:
        """Keeps others out while it is read and exchanged."""
        ...

    def read(self) -> Book | None:
        """Gives it; None before it was ever written."""
        ...

    def write(self, value: Book) -> None:
        """Exchanges it."""
        ...


class BookInMemory:
    """A book that goes with its process."""

    def __init__(self) -> None:
        self._book: Book | None = None

    def held(self) -> AbstractContextManager[None]:
        """Nobody else has it."""
        return nullcontext()

    def read(self) -> Book | None:
        """Gives it."""
        return self._book

    def write(self, value: Book) -> None:
        """Exchanges it."""
        self._book = value


class BookFile(SealedFile[Book]):
    """`versions.age` of a store.

    Args:
        store: the custodian's folder.
        credential: what seals it.
    """

    def __init__(self, store: Path, credential: bytes) -> None:
        super().__init__(store, VERSIONS_FILE, credential, Book.encode, Book.parse)
