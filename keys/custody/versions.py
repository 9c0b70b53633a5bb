"""The states of the custodian's keys, by version: what it may still do with each.

`versions.age` holds them, sealed by the store's credential. The card in force says which edition of
the bureau's keys is active: where a rotation was killed between the card and this file, `settled`
finishes what it had begun. One person suspends a version or calls it compromised, since that only
makes things safer; officers order a destruction together (`keys.custody.orders`); everything else
is done at the custodian's own terminal (`keys.custody.rotation`).
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol

from keys import canonical
from keys.custody.errors import (
    CardEndorsedOtherwise,
    KeyBookFull,
    KeyDestructionNotOrdered,
    KeyVersionUnknown,
)
from keys.custody.lasting import with_lasting
from keys.custody.orders import ORDERS_MOST, Order, read_order
from keys.custody.sealed_file import SealedFile
from keys.errors import KeyRetired
from keys.lifecycle import (
    ACTIVE,
    ARCHIVE,
    DEACTIVATED,
    HISTORY_MOST,
    IN_FORCE,
    PRE_ACTIVATION,
    PROTECTS,
    RESCUES,
    SAFER,
    SUCCEEDED,
    TRAFFIC,
    KeyTransitionIllegal,
    KeyVersion,
    read_version,
)
from keys.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
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
# Uses are counted ahead by so many, so that a kill never makes the count too low.
USES_AHEAD: Final = 256


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


class Versions:
    """Judges uses of the bureau's keys by their states, and counts them; any number of threads.

    Args:
        keeper: where the book is.
        card: gives the one in force.
        clock: gives the time, UTC, whole seconds.
        present: gives the fingerprint of each lasting key that is there, by kind.
    """

    def __init__(
        self,
        keeper: BookKeeper,
        card: Callable[[], Card],
        clock: Callable[[], datetime],
        present: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._keeper = keeper
        self._card = card
        self._clock = clock
        self._present = present
        self._lock = threading.Lock()
        self._left: dict[tuple[str, int], int] = {}

    def book(self) -> Book:
        """Every version as it stands now."""
        return self._book(self._card(), self._present())

    def _book(self, card: Card, present: Mapping[str, str]) -> Book:
        return self._as_it_stands(self._keeper.read(), card, present)

    def _as_it_stands(self, kept: Book | None, card: Card, present: Mapping[str, str]) -> Book:
        now = self._clock()
        return with_lasting(settled(kept or Book(), card, now), card.post, present, now)

    def remember(self) -> Book:
        """Writes the book as it stands, unless it is written so already, and gives it."""
        with self._lock, self._keeper.held():
            kept = self._keeper.read()
            book = self._as_it_stands(kept, self._card(), self._present())
            if book != kept:
                self._keeper.write(book)
        return book

    def require_lasting(self, kind: str) -> None:
        """Demands that the key of a kind of `keys.custody.lasting` may sign, and counts the use.

        Raises:
            KeyNotUsable: it was suspended, called compromised, or superseded: an older copy of the
                store was put back.
        """
        # Both once: each looks at the store's files anew.
        card, present = self._card(), self._present()
        versions = self._book(card, present).of(f"{kind}/{card.post}")
        version = next(each for each in versions if each.fingerprint == present[kind])
        version.require(PROTECTS)
        self._count(version.key, version.number)

    def require_protects(self) -> None:
        """Demands that the edition in force may sign, and counts the use.

        Raises:
            KeyNotUsable: it was suspended, or called compromised.
        """
        self._require(self._card().edition, PROTECTS)

    def require_opens(self, edition: int) -> None:
        """Demands that an edition may open, and counts the use.

        Raises:
            KeyRetired: it was suspended, or destroyed, or its destruction is ordered.
        """
        book, key = self.book(), bureau_key(self._card())
        ordered = book.standing(key, edition) is not None
        if ordered or book.find(key, edition).state not in RESCUES:
            raise KeyRetired(f"edition {edition} of {self._card().post} may not open")
        self._count(key, edition)

    def make_safer(self, key: str, number: int, to: str, reason: str) -> KeyVersion:
        """Suspends a version, or calls it compromised; again changes nothing.

        Raises:
            KeyVersionUnknown: there is none.
            KeyTransitionIllegal: another state was asked for, or it cannot go there.
        """
        if to not in SAFER:
            raise KeyTransitionIllegal(f"{to} is not for one person")
        with self._lock, self._keeper.held():
            book = self.book()
            version = book.find(key, number)
            if version.state == to:
                return version
            moved = version.moved(to, at=max(self._clock(), version.since), reason=reason)
            self._keeper.write(book.with_version(moved))
        return moved

    @contextmanager
    def exchanging(self) -> Iterator[Callable[[Book], None]]:
        """Keeps others out while the book is read; gives what exchanges it."""
        with self._lock, self._keeper.held():
            yield self._keeper.write

    def endorse(self, card: Card) -> None:
        """Remembers the card of a post that the root endorses; the one before it is superseded.

        Raises:
            CardEndorsedOtherwise: another card was endorsed for this edition.
            KeyTransitionIllegal: this one was called compromised, or is superseded.
            KeyBookFull: the book takes no further card of a post.
        """
        key = f"post/{card.post}"
        with self._lock, self._keeper.held():
            book, now = self.book(), self._clock()
            for each in book.of(key):
                if each.number == card.edition and each.fingerprint != card.fingerprint:
                    raise CardEndorsedOtherwise(f"edition {card.edition} of {card.post} is another")
                if each.number == card.edition and each.state == ACTIVE:
                    return
                if each.state == ACTIVE:
                    at = max(now, each.since)
                    book = book.with_version(each.moved(DEACTIVATED, at=at, reason=SUCCEEDED))
            version = replace(version_of(card), key=key, end_of_life=TRAFFIC)
            if any(each.number == card.edition for each in book.of(key)):
                version = book.find(key, card.edition)
            elif len(book.versions) >= POSTS_MOST:
                raise KeyBookFull(f"a book takes {POSTS_MOST} versions with cards of posts")
            self._keeper.write(book.with_version(version.moved(ACTIVE, at=now, reason="endorsed")))

    def _require(self, edition: int, states: frozenset[str]) -> None:
        key = bureau_key(self._card())
        self.book().find(key, edition).require(states)
        self._count(key, edition)

    def _count(self, key: str, number: int) -> None:
        with self._lock:
            left = self._left.get((key, number), 0)
            if left == 0:
                with self._keeper.held():
                    book = self.book()
                    version = book.find(key, number)
                    counted = replace(version, uses=version.uses + USES_AHEAD)
                    self._keeper.write(book.with_version(counted))
                left = USES_AHEAD
            self._left[key, number] = left - 1
