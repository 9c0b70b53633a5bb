"""What the custodian may still do with each of its keys, by the book of their versions.

One person suspends a version or calls it compromised, since that only makes things safer; officers
order a destruction together (`keys.custody.orders`); everything else is done at the custodian's own
terminal (`keys.custody.rotation`).
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from keys.custody.book import POSTS_MOST, Book, BookKeeper, bureau_key, settled, version_of
from keys.custody.errors import CardEndorsedOtherwise, KeyBookFull
from keys.custody.lasting import with_lasting
from keys.errors import KeyRetired
from keys.lifecycle import (
    ACTIVE,
    DEACTIVATED,
    PROTECTS,
    RESCUES,
    SAFER,
    SUCCEEDED,
    TRAFFIC,
    KeyTransitionIllegal,
    KeyVersion,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from keys.cards import Card

# Uses are counted ahead by so many, so that a kill never makes the count too low.
USES_AHEAD: Final = 256


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
