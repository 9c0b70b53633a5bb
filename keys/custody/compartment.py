"""The *secret* compartment: the bureau's keys while they are open, and how they come and go.

A store whose unseal key was split starts sealed: its holders offer their shares one after the
other, each from where they are, and the last one that is needed opens it. One person suffices to
seal it again, at once. A store that its credential opens can be sealed too; it opens again only
when the custodian is started again.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from keys import canonical
from keys.custody.errors import CustodySealed, ShareNotAwaited
from keys.custody.shares import Share, SharesMixed, SharesWrong, ShareTwice, combine
from keys.records import CODE, FINGERPRINT, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys.cards import Card
    from keys.custody.editions import BureauKeys

OFFER_SECONDS: Final = 900.0
"""How long an offered share waits for the others; then it is forgotten."""

PURPOSE: Final = "UNSEAL"

_HOLDERS_MAX: Final = 16
_SPLITTING_TYPE: Final = "depeche/v1 splitting"


@dataclass(frozen=True)
class Splitting:
    """How a store's unseal key is split; public.

    Attributes:
        set: of the shares in force, 16 bytes.
        fingerprint: of set and key, as each share carries it.
        threshold: how many holders open.
        holders: their names, in the order of splitting.
    """

    set: bytes
    fingerprint: str
    threshold: int
    holders: tuple[str, ...]

    @classmethod
    def parse(cls, data: bytes) -> Splitting:
        """Reads what `to_bytes` wrote.

        Raises:
            ValueError: it is something else.
        """
        record = Record(canonical.decode(data), "splitting")
        record.constant("v", 1)
        record.constant("type", _SPLITTING_TYPE)
        splitting = cls(
            set=record.octets("set", 16),
            fingerprint=record.text("fingerprint", FINGERPRINT),
            threshold=record.integer("threshold", least=2),
            holders=record.texts("holders", CODE, most=_HOLDERS_MAX),
        )
        record.close()
        return splitting

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical.encode(
            {
                "v": 1,
                "type": _SPLITTING_TYPE,
                "set": canonical.text_from_bytes(self.set),
                "fingerprint": self.fingerprint,
                "threshold": self.threshold,
                "holders": list(self.holders),
            }
        )

    def require(self, share: Share) -> None:
        """Demands that a share is one of this splitting, as far as its bearer's word goes.

        Raises:
            SharesMixed: it is of another set: of a key that was split anew since.
            SharesWrong: it is of this set, but not as it was made.
        """
        if (share.purpose, share.set) != (PURPOSE, self.set):
            raise SharesMixed(f"{share.holder}'s share is of another set")
        made = (share.fingerprint, share.threshold, share.count)
        if made != (self.fingerprint, self.threshold, len(self.holders)) or (
            share.holder not in self.holders
        ):
            raise SharesWrong(f"{share.holder}'s share is not as it was made")


class Lock(Protocol):
    """What stands between a share and the keys."""

    def card(self) -> Card:
        """Of the edition in force, as it is now: the terminal may have rotated the keys."""
        ...

    def refresh(self, keys: BureauKeys) -> BureauKeys | None:
        """Gives open keys as they are kept now; None when only shares open what is in force.

        Raises:
            StoreUnsafe, StoreInvalid: what is kept does not open.
        """
        ...

    def splitting(self) -> Splitting | None:
        """How the unseal key is split now; None while it is not."""
        ...

    def unlock(self, splitting: Splitting, key: bytes) -> BureauKeys:
        """Gives the keys that a key of this splitting opens.

        Raises:
            StoreInvalid: it opens nothing.
        """
        ...


class NoLock:
    """Keys that are made in memory: no shares open them, and nobody rotates them.

    Args:
        card: their public side.
    """

    def __init__(self, card: Card) -> None:
        self._card = card

    def card(self) -> Card:
        """As it was made."""
        return self._card

    def refresh(self, keys: BureauKeys) -> BureauKeys:
        """As they are."""
        return keys

    def splitting(self) -> Splitting | None:
        """None."""
        return None

    def unlock(self, splitting: Splitting, key: bytes) -> BureauKeys:
        """Never asked for."""
        del splitting, key
        raise CustodySealed("no shares open these keys")


@dataclass(frozen=True)
class CustodyState:
    """What anyone may know of the secret compartment.

    Attributes:
        sealed: whether its keys are away.
        threshold: how many holders open it; 0 when the credential does.
        holders: who has a share.
        offered: whose share is waiting for the others.
        founded: whether there are officers: without them this is a trial installation.
    """

    sealed: bool
    threshold: int
    holders: tuple[str, ...]
    offered: tuple[str, ...]
    founded: bool = False

    @classmethod
    def parse(cls, data: bytes) -> CustodyState:
        """Reads what `to_bytes` wrote.

        Raises:
            ValueError: it is something else.
        """
        record = Record(canonical.decode(data), "state")
        state = cls(
            sealed=record.integer("sealed") == 1,
            threshold=record.integer("threshold"),
            holders=record.texts("holders", CODE, most=_HOLDERS_MAX),
            offered=record.texts("offered", CODE, most=_HOLDERS_MAX),
            founded=record.integer("founded") == 1,
        )
        record.close()
        return state

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical.encode(
            {
                "sealed": int(self.sealed),
                "threshold": self.threshold,
                "holders": list(self.holders),
                "offered": list(self.offered),
                "founded": int(self.founded),
            }
        )


class SecretCompartment:
    """The bureau's keys, open or sealed; any number of threads may use it.

    Args:
        keys: open from the start; None to start sealed.
        lock: what opens them once they are sealed.
        monotonic: seconds that only grow.
    """

    def __init__(
        self,
        keys: BureauKeys | None,
        lock: Lock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._lock = lock
        self._monotonic = monotonic
        self._busy = threading.Lock()
        self._offers: dict[str, tuple[float, Share]] = {}

    @property
    def card(self) -> Card:
        """The public side of the edition in force, always there."""
        return self._lock.card()

    def keys(self) -> BureauKeys:
        """The keys as they are kept now.

        Raises:
            CustodySealed: they are away; so they are once a split store's keys were rotated, until
                its holders offer their shares again.
            StoreUnsafe, StoreInvalid: as `Lock.refresh`.
        """
        with self._busy:
            keys = self._refreshed()
        if keys is None:
            raise CustodySealed("the bureau's keys are sealed")
        return keys

    def seal(self) -> None:
        """Lets go of the keys and of every offered share; sealing twice is sealing."""
        with self._busy:
            self._keys = None
            self._offers.clear()

    def state(self) -> CustodyState:
        """What it is now."""
        with self._busy:
            return self._state()

    def offer(self, share: Share) -> CustodyState:
        """Takes one holder's share; the last one that is needed opens the compartment.

        A forged share shows only when all are combined: then every offered one is forgotten, and
        the holders begin again.

        Raises:
            ShareNotAwaited: the compartment is open, or no shares exist.
            SharesMixed: the share is of another set: of a key that was split anew since.
            ShareTwice: this holder's share is here already.
            SharesWrong: the shares do not lead to the key.
            StoreInvalid: the key does not open the store.
        """
        with self._busy:
            splitting = self._lock.splitting()
            if self._refreshed() is not None or splitting is None:
                raise ShareNotAwaited("no share is awaited")
            splitting.require(share)
            self._forget_offers(splitting)
            if share.holder in self._offers:
                raise ShareTwice(f"{share.holder}'s share is here already")
            self._offers[share.holder] = (self._monotonic() + OFFER_SECONDS, share)
            if len(self._offers) >= splitting.threshold:
                offered = [each for _, each in self._offers.values()]
                self._offers.clear()
                self._keys = self._lock.unlock(splitting, combine(offered))
            return self._state()

    def _refreshed(self) -> BureauKeys | None:
        if self._keys is not None:
            self._keys = self._lock.refresh(self._keys)
        return self._keys

    def _state(self) -> CustodyState:
        splitting = self._lock.splitting()
        sealed = self._refreshed() is None
        if splitting is None:
            return CustodyState(sealed, threshold=0, holders=(), offered=())
        self._forget_offers(splitting)
        return CustodyState(sealed, splitting.threshold, splitting.holders, tuple(self._offers))

    def _forget_offers(self, splitting: Splitting) -> None:
        """Forgets what waited too long, and what was made before a new splitting."""
        now = self._monotonic()
        self._offers = {
            name: (until, share)
            for name, (until, share) in self._offers.items()
            if until > now and share.set == splitting.set
        }
