"""The bureau's one-time prekeys (`keys.prekeys`): made here, each destroyed after its one opening.

    STORE/prekeys.age  {"v": 1, "type": "depeche/v1 bureau-prekeys", "spent": how many,
                        "lots": [{"edition", "ends", "sealed"}]}
    sealed             an age file to the edition's card over {"v": 1, "type": "depeche/v1
                       prekey-seeds", "seeds": [{"id", "seed"}]}

The credential opens the file, the secret compartment alone a lot. Officers of the bureau read a
dispatch again and again: once one was opened under an officer's grant, its file key is wrapped to
the edition in force, an archive key, in a header of its own. The service keeps that header beside
the envelope and says so; then the prekey goes. Whoever recorded the envelope and steals the
bureau's keys later lacks it.
"""

from __future__ import annotations

import io
import secrets
import threading
from collections import OrderedDict
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from keys import canonical
from keys.age.files import decrypt, encrypt, open_file_key
from keys.age.header import Header, seal_header
from keys.age.hybrid import SEED_SIZE, HybridKey, wrap
from keys.custody.errors import PrekeyNotKept, PrekeysFull
from keys.custody.sealed_file import SealedFile
from keys.errors import HeaderMalformed, NotAddressed, NotAge, NotIntended
from keys.prekeys import BUNDLE_MOST, PREKEY_ID, Prekey, PrekeyUsed, make_bundle
from keys.records import Record
from keys.s2.recipients import is_s2

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from keys.custody.editions import BureauKeys, Edition
    from keys.manifest import Manifest

PREKEYS_FILE: Final = "prekeys.age"
PREKEYS_MOST: Final = 2000
"""Secret halves at a time: each opening under one tries them all."""
LIFE: Final = timedelta(days=60)
KEPT_AFTER: Final = timedelta(days=180)
"""How long one still opens after its end: mail may lie unopened."""
TOLD_AT_ONCE: Final = 32

_ID_BYTES: Final = 12
_HELD_MOST: Final = 1024
_TYPE: Final = "depeche/v1 bureau-prekeys"
_SEEDS_TYPE: Final = "depeche/v1 prekey-seeds"
_LOTS_MOST: Final = PREKEYS_MOST


@dataclass(frozen=True)
class Lot:
    """Secret halves that were made together.

    Attributes:
        edition: of the bureau's card that signed them and that they are sealed to.
        ends: when they do, UTC, whole seconds.
        sealed: an age file.
    """

    edition: int
    ends: datetime
    sealed: bytes


@dataclass(frozen=True)
class Stock:
    """Every secret half that is there, and how many were destroyed after their opening."""

    lots: tuple[Lot, ...] = ()
    spent: int = 0

    def encode(self) -> bytes:
        """Canonical JSON."""
        lots = [
            {
                "edition": each.edition,
                "ends": canonical.text_from_time(each.ends),
                "sealed": canonical.text_from_bytes(each.sealed),
            }
            for each in self.lots
        ]
        return canonical.encode({"v": 1, "type": _TYPE, "spent": self.spent, "lots": lots})

    @classmethod
    def parse(cls, data: bytes) -> Stock:
        """Reads what `encode` gives.

        Raises:
            ValueError: other bytes.
        """
        record = Record(canonical.decode(data), "prekeys")
        record.constant("v", 1)
        record.constant("type", _TYPE)
        spent = record.integer("spent")
        values = record.items("lots", most=_LOTS_MOST)
        record.close()
        return cls(tuple(_read_lot(Record(value, "lot")) for value in values), spent)


class StockKeeper(Protocol):
    """Where a stock is kept."""

    def held(self) -> AbstractContextManager[None]:
        """Keeps others out while it is read and exchanged."""
        ...

    def read(self) -> Stock | None:
        """Gives it; None before it was ever written."""
        ...

    def write(self, value: Stock) -> None:
        """Exchanges it."""
        ...


class StockInMemory:
    """A stock that goes with its process."""

    def __init__(self) -> None:
        self._stock: Stock | None = None

    def held(self) -> AbstractContextManager[None]:
        """Nobody else has it."""
        return nullcontext()

    def read(self) -> Stock | None:
        """Gives it."""
        return self._stock

    def write(self, value: Stock) -> None:
        """Exchanges it."""
        self._stock = value


class StockFile(SealedFile[Stock]):
    """`prekeys.age` of a store.

    Args:
        store: the custodian's folder.
        credential: what seals it.
    """

    def __init__(self, store: Path, credential: bytes) -> None:
        super().__init__(store, PREKEYS_FILE, credential, Stock.encode, Stock.parse)


@dataclass(frozen=True, repr=False)
class Unwrapped:
    """What a key of the bureau gave of a header.

    Attributes:
        file_key: 16 or 32 bytes.
        edition: whose key it was, or that signed the prekey.
        fingerprints: of the cards of which the manifest must name one.
        prekey: id of the prekey that opened, None when a lasting key did.
    """

    file_key: bytes
    edition: int
    fingerprints: frozenset[str]
    prekey: str | None = None

    def require_named(self, manifest: Manifest) -> None:
        """Demands that the manifest names the very prekey that opened, where one did.

        Raises:
            NotIntended: it names another key: whoever had the file key wrapped it anew.
        """
        named = {entry.key for entry in manifest.to if entry.fingerprint in self.fingerprints}
        if self.prekey is not None and f"prekey:{self.prekey}" not in named:
            raise NotIntended("the manifest does not name the prekey that opened the dispatch")


def split_headers(data: bytes) -> tuple[Header, Header | None]:
    """Reads a header and, where one stands behind it, the header that was kept for it.

    Raises:
        NotAge, HeaderMalformed, HeaderTooLarge: it is something else.
    """
    source = io.BytesIO(data)
    header = Header.parse(source)
    rest = data[source.tell() :]
    if not rest:
        return header, None
    behind = io.BytesIO(rest)
    try:
        kept = Header.parse(behind)
    except NotAge as error:
        raise HeaderMalformed("something follows the header") from error
    if behind.read(1):
        raise HeaderMalformed("something follows the kept header")
    return header, kept


@dataclass(frozen=True, repr=False)
class _OpenLot:
    lot: Lot
    cards: frozenset[str]
    seeds: dict[str, bytes]
    keys: dict[str, HybridKey] = field(default_factory=dict)

    def key(self, name: str) -> HybridKey:
        """The key of a seed, made the first time."""
        if name not in self.keys:
            self.keys[name] = HybridKey(self.seeds[name])
        return self.keys[name]


class BureauPrekeys:
    """The prekeys of one custodian; any number of threads may use it.

    Args:
        keeper: where the secret halves are.
        clock: gives the time, UTC, whole seconds.
    """

    def __init__(self, keeper: StockKeeper, clock: Callable[[], datetime]) -> None:
        self._keeper = keeper
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[bytes, _OpenLot] = {}
        self._held: OrderedDict[str, bytes] = OrderedDict()

    def make(self, keys: BureauKeys, count: int) -> bytes:
        """Makes a bundle; its secret halves are on the disk when this returns.

        Those that ended too long ago go, and those of editions that are gone.

        Args:
            keys: whose card signs.
            count: 1 to 100.

        Raises:
            ValueError: another count.
            PrekeysFull: as many are there as may be.
            OSError: the disk refuses; nobody knows of what was made.
        """
        if not 1 <= count <= BUNDLE_MOST:
            raise ValueError(f"a bundle has 1 to {BUNDLE_MOST} prekeys")
        now = self._clock()
        made = {secrets.token_urlsafe(_ID_BYTES): HybridKey.generate() for _ in range(count)}
        lot = _seal(keys, keys.card.edition, now + LIFE, {name: k.seed for name, k in made.items()})
        with self._lock, self._keeper.held():
            stock = self._keeper.read() or Stock()
            opened = [
                each for each in self._opened(stock, keys) if each.lot.ends + KEPT_AFTER > now
            ]
            if sum(len(each.seeds) for each in opened) + count > PREKEYS_MOST:
                raise PrekeysFull(f"the custodian keeps {PREKEYS_MOST} prekeys at a time")
            self._keeper.write(replace(stock, lots=(*(each.lot for each in opened), lot)))
        return make_bundle(
            [Prekey(name, key.recipient) for name, key in made.items()],
            keys.card,
            created=now,
            expires=lot.ends,
            sign=keys.signing.sign,
        )

    def unwrap(
        self,
        header: Header,
        kept: Header | None,
        keys: BureauKeys,
        every: Callable[[], frozenset[str]],
    ) -> Unwrapped:
        """Opens a header: by the one that was kept for it, else by an edition, else by a prekey.

        Args:
            header: its stanza types judged.
            kept: what stands behind it, if anything.
            keys: of the bureau.
            every: gives the fingerprints of all of the bureau's cards.

        Raises:
            PrekeyUsed: no key opens it, and prekeys were made: it may be for one that is gone.
            NotAddressed: no key opens it, and no prekey ever was made.
            HeaderMalformed, HeaderTampered: as `keys.age.files.open_file_key`.
        """
        try:
            file_key, edition = keys.open(header if kept is None else kept)
        except NotAddressed:
            if kept is not None:
                raise
            return self._unwrap(header, keys)
        cards = frozenset({edition.card.fingerprint}) if kept is None else every()
        return Unwrapped(file_key, edition.card.edition, cards)

    def _unwrap(self, header: Header, keys: BureauKeys) -> Unwrapped:
        if is_s2(header):
            raise NotAddressed("suite S2 has no one-time keys")
        with self._lock:
            stock = self._keeper.read() or Stock()
            for each in self._opened(stock, keys):
                for name in each.seeds:
                    try:
                        file_key = open_file_key(header, [each.key(name)])
                    except NotAddressed:
                        continue
                    return Unwrapped(file_key, each.lot.edition, each.cards, name)
        if stock != Stock():
            raise PrekeyUsed("no key at hand opens it; its prekey may be used up")
        raise NotAddressed("no stanza of the header opens with a key of the bureau")

    def hold(self, name: str, header: Header, file_key: bytes, keys: BureauKeys) -> None:
        """Remembers what an officer had opened, to be read again once its prekey is gone."""
        stanzas = [header.stanzas[0], wrap(file_key, keys.card.recipient)]
        with self._lock:
            if name not in self._held:
                self._held[name] = seal_header(stanzas, file_key)
            while len(self._held) > _HELD_MOST:
                # Its prekey stays, and is told of again when it is opened again.
                self._held.popitem(last=False)

    def kept(self) -> bytes:
        """What the service is to keep: canonical JSON `[{"header": base64, "prekey": id}]`."""
        with self._lock:
            told = list(self._held.items())[:TOLD_AT_ONCE]
        return canonical.encode(
            [{"header": canonical.text_from_bytes(made), "prekey": name} for name, made in told]
        )

    def spend(self, name: str, header: bytes, keys: BureauKeys) -> None:
        """Destroys a prekey whose header is kept; one that is gone stays gone.

        Raises:
            PrekeyNotKept: another header was given for it, or none.
            OSError: the disk refuses; done again, it goes on from there.
        """
        with self._lock, self._keeper.held():
            stock = self._keeper.read() or Stock()
            opened = self._opened(stock, keys)
            if not any(name in each.seeds for each in opened):
                self._held.pop(name, None)
                return
            if self._held.get(name) != header:
                raise PrekeyNotKept(f"what {name} opens is not kept so")
            lots = [lot for each in opened for lot in _without(each, name, keys)]
            self._keeper.write(Stock(tuple(lots), stock.spent + 1))
            self._held.pop(name)

    def forget(self) -> None:
        """Lets go of every key that is in memory."""
        with self._lock:
            self._open.clear()

    def _opened(self, stock: Stock, keys: BureauKeys) -> list[_OpenLot]:
        """Each lot whose edition is there, its keys in memory from one opening to the next."""
        by_edition = {each.card.edition: each for each in keys.editions}
        usable = [each for each in stock.lots if each.edition in by_edition]
        self._open = {
            lot.sealed: self._open.get(lot.sealed) or _opened_lot(lot, by_edition[lot.edition])
            for lot in usable
        }
        return list(self._open.values())


def _opened_lot(lot: Lot, edition: Edition) -> _OpenLot:
    seeds = _read_seeds(decrypt(lot.sealed, [edition.hybrid]))
    return _OpenLot(lot, frozenset({edition.card.fingerprint}), seeds)


def _seal(keys: BureauKeys, edition: int, ends: datetime, seeds: dict[str, bytes]) -> Lot:
    card = next(each.card for each in keys.editions if each.card.edition == edition)
    listed = [{"id": name, "seed": canonical.text_from_bytes(seed)} for name, seed in seeds.items()]
    plain = canonical.encode({"v": 1, "type": _SEEDS_TYPE, "seeds": listed})
    return Lot(edition, ends, encrypt(plain, [card.recipient]))


def _without(opened: _OpenLot, name: str, keys: BureauKeys) -> list[Lot]:
    """A lot without one of its seeds, sealed anew; none when that was its last."""
    if name not in opened.seeds:
        return [opened.lot]
    left = {key: seed for key, seed in opened.seeds.items() if key != name}
    return [_seal(keys, opened.lot.edition, opened.lot.ends, left)] if left else []


def _read_lot(record: Record) -> Lot:
    lot = Lot(
        record.integer("edition", least=1),
        record.time("ends"),
        canonical.bytes_from_text(record.any_text("sealed")),
    )
    record.close()
    return lot


def _read_seeds(data: bytes) -> dict[str, bytes]:
    record = Record(canonical.decode(data), "seeds")
    record.constant("v", 1)
    record.constant("type", _SEEDS_TYPE)
    values = record.items("seeds", least=1, most=BUNDLE_MOST)
    record.close()
    return dict(_read_seed(Record(value, "seed")) for value in values)


def _read_seed(record: Record) -> tuple[str, bytes]:
    pair = record.text("id", PREKEY_ID), record.octets("seed", SEED_SIZE)
    record.close()
    return pair
