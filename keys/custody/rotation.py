"""Rotation and the end of keys, at the custodian's own terminal: by its credential or its shares.

    STORE/
      secret*.age    1. gains the next edition; the one in force stays so
      rotation.begun 2. names the version that is to come into force; gone once all is done
      bureau.card    3. replaced: the one step that counts
      versions.age   4. says so; whoever reads it before works it out from the card

Killed before 3, the old edition is in force and doing it again takes up the edition that was made;
killed after 3, the new one is, and `finish` tells whoever does it again. A successor is a new key
that the persons who open the store put in force: the old key signs nothing for it. Officers order a
destruction together (`keys.custody.orders`), and it is carried out here. A key whose edition is
destroyed is rewritten away; copies of the store that were made before hold it still, and the record
says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keys.cards import Card, read_card
from keys.custody.book import RESUMED_MOST, Book, BookFile, bureau_key, settled, version_of
from keys.custody.errors import KeyBookFull, KeyNotDestroyable
from keys.custody.files import alone, read_private
from keys.custody.lasting import (
    AUTHORITY_KEY,
    CERTIFYING_KEY,
    DESKS_KEY,
    LOG_KEY,
    ROOT_KEY,
    lasting_kind,
    with_lasting,
)
from keys.custody.log_keys import HeadInStore
from keys.custody.place import LOCK_FILE, put
from keys.custody.splitting import opened_store, remove_leftovers
from keys.custody.store import (
    CARD_FILE,
    SERVICE_FILE,
    ServiceInStore,
    wrap_secret,
    wrap_service,
)
from keys.endorsement import root_fingerprint
from keys.files import exchange
from keys.lifecycle import (
    ACTIVE,
    DEACTIVATED,
    DESTROYED,
    PROTECTS,
    TRAFFIC,
    KeyVersion,
)
from keys.succession import RECEIPTS_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from keys.custody.service_keys import ServiceKeys
    from keys.custody.shares import Share
    from keys.signing import SigningKey


BEGUN_FILE: Final = "rotation.begun"


@dataclass(frozen=True)
class Terminal:
    """The custodian's terminal: a store, and what opens it.

    Attributes:
        store: the folder; no worker need run.
        credential: opens the states, and the keys while the store is not split.
        shares: enough of them, where it is.
    """

    store: Path
    credential: bytes
    shares: Sequence[Share] = ()

    def rotate(self, valid_from: datetime, valid_until: datetime, now: datetime) -> Card:
        """Puts a new edition of the bureau's keys in force.

        Args:
            valid_from: of its card, UTC, whole seconds, included; not after `now`.
            valid_until: UTC, whole seconds, excluded.
            now: when.

        Returns:
            The new card, for the directory.

        Raises:
            CardInvalid: the validity is not as a card's must be.
            KeyBookFull: the states have no room for another version; nothing was changed.
            SharesTooFew, SharesMixed, ShareTwice, SharesWrong, StoreInvalid, StoreUnsafe: the
                store does not open.
            OSError: the disk refuses; doing it again goes on from there.
        """
        keys, path, passphrase = opened_store(self.store, self.credential, self.shares)
        file = BookFile(self.store, self.credential)
        with file.held():
            keys, card = keys.with_next(valid_from, valid_until)
            book = settled(file.read() or Book(), keys.card, now)
            if not any(each.number == card.edition for each in book.of(bureau_key(card))):
                book = book.with_version(version_of(card))
            settled(book, card, now).require_room()
            put(path, wrap_secret(keys, passphrase))
            file.write(book)
            self._begin(bureau_key(card), card.edition)
            put(self.store / CARD_FILE, card.to_bytes() + b"\n")
            file.write(settled(book, card, now))
            self._end()
        return card

    def rotate_certifying(self, now: datetime) -> KeyVersion:
        """Puts another certifying key in force; a running custodian takes it up by itself.

        Replacing `service.age` is the one step that counts: killed before it, the old key is in
        force; killed after it, whoever reads `versions.age` works it out from the key. Nobody
        outside the ministry believes this key, so that nobody has to be told. The old one is gone.

        Returns:
            The new version.

        Raises:
            KeysError, OSError: as `rotate`.
        """
        opened_store(self.store, self.credential, self.shares)
        return self._exchange(CERTIFYING_KEY, lambda keys: keys.with_certifying(), now)

    def rotate_authority(self, now: datetime) -> KeyVersion:
        """Puts another authority of the posts' certificates in force; a running custodian takes it.

        As `rotate_certifying`; the certificate of the old one stays in the same file until all that
        it certified has run out, so that posts go on showing what they have.

        Returns:
            The new version.

        Raises:
            KeyBookFull: as `ServiceKeys.with_authority`.
            KeysError, OSError: as `rotate`.
        """
        opened_store(self.store, self.credential, self.shares)
        post = self.card().post
        return self._exchange(AUTHORITY_KEY, lambda keys: keys.with_authority(post, now), now)

    def rotate_desks(self, now: datetime) -> KeyVersion:
        """Puts other keys at the pouch bureau's two desks; a running custodian takes them up.

        As `rotate_certifying`: only the ministry's own books believe a desk. They take the new ones
        in, and end the old ones by what `versions.age` says of them.

        Returns:
            The new version.

        Raises:
            KeysError, OSError: as `rotate`.
        """
        opened_store(self.store, self.credential, self.shares)
        return self._exchange(DESKS_KEY, lambda keys: keys.with_desks(), now)

    def rotate_receipts(self, now: datetime) -> KeyVersion:
        """Puts another key for receipts in force; a running custodian takes it up by itself.

        As `rotate_certifying`; the root's word that posts follow stands in the same file, so that
        the key is never there without it. The old one is gone, its public half stays in that word.

        Returns:
            The new version.

        Raises:
            KeyNotUsable: the root is suspended, or was called compromised: nobody may believe it.
            KeyBookFull: as `ServiceKeys.with_receipts`.
            KeysError, OSError: as `rotate`.
        """
        root = self._root_in_force(now)
        return self._exchange(RECEIPTS_KEY, lambda keys: keys.with_receipts(root, now), now)

    def rotate_log(self, now: datetime) -> KeyVersion:
        """Puts other keys of the log in force; a running custodian takes them up by itself.

        As `rotate_receipts`. The root's word names the last head that the old ones signed: nobody
        signs one while it is read and they are exchanged, so that they signed none beyond it.

        Returns:
            The new version.

        Raises:
            KeyNotUsable: as `rotate_receipts`.
            KeyBookFull: as `ServiceKeys.with_log`.
            KeysError, OSError: as `rotate`.
        """
        root, heads = self._root_in_force(now), HeadInStore(self.store)
        with heads.turn():
            last = heads.last()
            return self._exchange(LOG_KEY, lambda keys: keys.with_log(root, last, now), now)

    def _root_in_force(self, now: datetime) -> SigningKey:
        """The root, which must be in force to say of any key that it follows."""
        root = opened_store(self.store, self.credential, self.shares)[0].root
        fingerprint = root_fingerprint(root.verifying_key)
        post = self.card().post
        book = with_lasting(self.book(now), post, {ROOT_KEY: fingerprint}, now)
        known = book.of(f"{ROOT_KEY}/{post}")
        next(each for each in known if each.fingerprint == fingerprint).require(PROTECTS)
        return root

    def _exchange(
        self, kind: str, change: Callable[[ServiceKeys], ServiceKeys], now: datetime
    ) -> KeyVersion:
        compartment = ServiceInStore(self.store, self.credential)
        file, card = BookFile(self.store, self.credential), self.card()
        with file.held():
            made = change(compartment.current())
            book = settled(file.read() or Book(), card, now)
            book = with_lasting(book, card.post, made.fingerprints, now)
            book.require_room()
            version = book.of(f"{kind}/{card.post}")[-1]
            self._begin(version.key, version.number)
            put(self.store / SERVICE_FILE, wrap_service(made, self.credential))
            file.write(book)
            self._end()
        return version

    def finish(self, key: str, now: datetime) -> KeyVersion | None:
        """Ends a rotation that was killed once its version was in force; again there is none.

        Args:
            key: which may have been rotated.
            now: its moment, where nobody asked since what the states are.

        Returns:
            The version that came into force; None where no rotation of this key was cut short so
            late: it is done again then.

        Raises:
            KeysError, OSError: a file of the store does not open.
        """
        compartment = ServiceInStore(self.store, self.credential)
        file, card = BookFile(self.store, self.credential), self.card()
        with file.held():
            try:
                begun = read_private(self.store / BEGUN_FILE)
            except FileNotFoundError:
                return None
            kept = file.read()
            book = settled(kept or Book(), card, now)
            book = with_lasting(book, card.post, compartment.current().fingerprints, now)
            made = [each for each in book.of(key) if begun == _begun(key, each.number)]
            if not made or not made[0].history:
                return None
            if book != kept:
                file.write(book)
            self._end()
        return made[0]

    def _begin(self, key: str, number: int) -> None:
        with alone(self.store / LOCK_FILE):
            exchange(self.store / BEGUN_FILE, _begun(key, number))

    def _end(self) -> None:
        (self.store / BEGUN_FILE).unlink()

    def resume(self, key: str, number: int, now: datetime, reason: str) -> KeyVersion:
        """Ends a suspension.

        Raises:
            KeyVersionUnknown, KeyTransitionIllegal: there is none to end.
            KeyBookFull: it was suspended too often: it is to be superseded instead.
            KeysError, OSError: as `rotate`.
        """
        opened_store(self.store, self.credential, self.shares)
        file, card = BookFile(self.store, self.credential), self.card()
        with file.held():
            book = settled(file.read() or Book(), card, now)
            version = book.find(key, number)
            # Of the bureau's editions only the one in force is ever active.
            in_force = (key, number) == (bureau_key(card), card.edition)
            to = ACTIVE if in_force or lasting_kind(key) is not None else DEACTIVATED
            moved = version.moved(to, at=max(now, version.since), reason=reason)
            if len(moved.history) > RESUMED_MOST:
                raise KeyBookFull(f"{key} version {number} was suspended too often to resume")
            file.write(book.with_version(moved))
        return moved

    def destroy(self, key: str, number: int, now: datetime, reason: str) -> KeyVersion:
        """Carries out an order of officers: the version's keys are removed, its record stays.

        The keys of a post's version are at the post: here its record ends. Doing it again changes
        nothing, and finishes what was killed half-way.

        Raises:
            KeyDestructionNotOrdered: no order to destroy it stands.
            KeyNotDestroyable: an archive key still rests.
            KeyVersionUnknown: there is none.
            KeysError, OSError: as `rotate`.
        """
        keys, path, passphrase = opened_store(self.store, self.credential, self.shares)
        file = BookFile(self.store, self.credential)
        with file.held():
            book = settled(file.read() or Book(), keys.card, now)
            version = book.find(key, number)
            if version.state != DESTROYED:
                version = _destroyed(book, version, now, reason)
                # The record first: killed here, the key is there and says that it may not be used.
                file.write(book.with_version(version))
            own = key == bureau_key(keys.card)
            if own and any(each.card.edition == number for each in keys.editions):
                put(path, wrap_secret(keys.without(number), passphrase))
            if own:
                remove_leftovers(self.store)
        return version

    def book(self, now: datetime) -> Book:
        """Every version as it stands, and what was ordered.

        Raises:
            StoreUnsafe, StoreInvalid, OSError: a file of the store does not open.
        """
        file = BookFile(self.store, self.credential)
        return settled(file.read() or Book(), self.card(), now)

    def settle(self, now: datetime) -> Book:
        """Writes every version as it stands: a rotation that was cut short has its moment then.

        Raises:
            StoreUnsafe, StoreInvalid, OSError: a file of the store does not open.
        """
        file = BookFile(self.store, self.credential)
        with file.held():
            kept, book = file.read(), self.book(now)
            if book != kept:
                file.write(book)
        return book

    def card(self) -> Card:
        """The card in force.

        Raises:
            StoreUnsafe, CardInvalid, OSError: it does not open.
        """
        return read_card(read_private(self.store / CARD_FILE))


def _begun(key: str, number: int) -> bytes:
    return f"{key} {number}\n".encode()


def _destroyed(book: Book, version: KeyVersion, now: datetime, reason: str) -> KeyVersion:
    """Gives a version as it stands after the order to destroy it is carried out."""
    order = book.ordered(version.key, version.number)
    # Two clocks may differ by a second: what need not rest does not wait for that either.
    at = max(now, version.since, order.at if version.end_of_life == TRAFFIC else now)
    if at < version.destroyable_from(order.at):
        raise KeyNotDestroyable(f"{version.key} version {version.number} rests since {order.at}")
    return version.moved(DESTROYED, at=at, act=order.act, reason=reason)
