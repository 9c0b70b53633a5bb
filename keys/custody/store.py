"""The custodian's store: wrapped keys, a card, the roll of officers, in a folder of its own.

    STORE/              0700
      bureau.card       the bureau's card
      service.age       the service compartment (age, passphrase)
      secret.age        the secret compartment (age, passphrase), until it is split
      versions.age      the states of the keys by version, and the orders to destroy them
                        (`keys.custody.book`)
      prekeys.age       the bureau's one-time prekeys (`keys.custody.prekeys`)
      officers.age      the roll of officers (age, passphrase), from its founding ceremony on
      clock.mark        how late it was when a custodian last worked (`keys.custody.clock`)
      log.head          the last signed head of the log (`keys.custody.log_keys`)
      rotation.begun    while keys are exchanged: which version (`keys.custody.rotation`)
      second.place      where all but these three stand before they stand here (`place`)
      backup.key        to whom it seals its part of a backup (`keys.custody.parts`)

The service compartment is wrapped by the credential: 256 random bits in a file of its own, which
the operator keeps elsewhere than the store (systemd hands it over by `LoadCredential=`). So are the
roll of officers (`keys.custody.roll`) and, until its unseal key is split among holders
(`keys.custody.splitting`), the secret compartment. A copy of the store alone therefore opens
nothing. Files that others could read or exchange are refused.
"""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keys import canonical
from keys.age.files import decrypt_with_passphrase, encrypt_with_passphrase
from keys.cards import Card, read_card
from keys.custody.book import BookFile
from keys.custody.clock import system_clock
from keys.custody.compartment import SecretCompartment, Splitting
from keys.custody.core import Custody
from keys.custody.editions import (
    SECRET_TYPE,
    BureauKeys,
    object_of_bureau,
    read_bureau,
)
from keys.custody.errors import StoreInvalid, StoreUnsafe
from keys.custody.files import make_folders, read_private, require_private
from keys.custody.log_keys import HeadInStore
from keys.custody.officers import Officers
from keys.custody.parts import PartMaker
from keys.custody.prekeys import StockFile
from keys.custody.roll_file import LOG_N, RollFile
from keys.custody.service_keys import SERVICE_TYPE, ServiceKeys, encode_service, read_service
from keys.errors import Refusal
from keys.files import flush_folder, write_new
from keys.records import Record
from keys.signing import VerifyingKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

CARD_FILE: Final = "bureau.card"
SERVICE_FILE: Final = "service.age"
SECRET_FILE: Final = "secret.age"  # noqa: S105  the name of a file
SPLITTING_FILE: Final = "secret.splitting"
# 64 editions with their cards, or 64 successions of each kind, take a third of it.
COMPARTMENT_BYTES_MAX: Final = 4 * 1024 * 1024

_Mark = tuple[int, int, int]
_CREDENTIAL_BYTES: Final = 32
_CREDENTIAL_TEXT_LEAST: Final = 32


@dataclass(frozen=True)
class Founding:
    """The public side of a new store."""

    card: Card
    service_key: VerifyingKey
    certifying_key: VerifyingKey


def found(
    store: Path, credential: Path, post: str, valid_from: datetime, valid_until: datetime
) -> Founding:
    """Makes the custodian's keys, durably, in one step: afterwards the store is whole or absent.

    Args:
        store: absent, or an empty folder.
        credential: file with the wrapping credential; made when it is absent, else taken as it is
            (so that a founding that was interrupted can be done again).
        post: code of the bureau's post.
        valid_from: of the bureau's card, UTC, whole seconds, included.
        valid_until: UTC, whole seconds, excluded.

    Raises:
        CardInvalid: the code or the validity is not as a card's must be.
        StoreInvalid, StoreUnsafe: the credential that is there cannot be used.
        FileExistsError: the store holds something already; nothing changed.
        OSError: the disk refuses.
    """
    if store.exists() and any(store.iterdir()):
        raise FileExistsError(f"{store} is not empty")
    custody = Custody.generate(post, valid_from=valid_from, valid_until=valid_until)
    if not credential.exists():
        _make_credential(credential)
    passphrase = read_credential(credential)
    make_folders(store.parent)
    # mkdtemp makes the folder 0700; an interrupted founding leaves at most this one behind.
    making = Path(tempfile.mkdtemp(prefix=f".{store.name}-", dir=store.parent))
    write_new(making / CARD_FILE, custody.card().to_bytes() + b"\n")
    write_new(making / SERVICE_FILE, wrap_service(custody.service, passphrase))
    write_new(making / SECRET_FILE, wrap_secret(custody.bureau, passphrase))
    flush_folder(making)
    making.rename(store)
    flush_folder(store.parent)
    return Founding(custody.card(), custody.service_key(), custody.certifying_key())


def read_credential(path: Path) -> bytes:
    """Gives the wrapping credential that a file holds.

    Raises:
        StoreUnsafe: others than its owner may read it, or it is not ours or the superuser's.
        StoreInvalid: it is too short to be one.
        OSError: it cannot be read.
    """
    credential = read_private(path, owners={os.geteuid(), 0}).strip()
    if len(credential) < _CREDENTIAL_TEXT_LEAST:
        raise StoreInvalid(f"{path} is too short to be a credential")
    return credential


def open_store(store: Path, credential: bytes, *, production: bool = False) -> Custody:
    """Opens a store: the service compartment, and the secret one unless it is split.

    Args:
        store: as `found` left it.
        credential: what `read_credential` gives.
        production: whether the bureau's keys serve nobody until officers are founded.

    Raises:
        StoreUnsafe: the folder or a file of it is not private to this user.
        StoreInvalid: a file is malformed, sealed by another credential, or not of this card.
        OriginUnsafe: production, and the officers sign at an origin without TLS.
        OSError: a file cannot be read.
    """
    require_private(store.lstat(), store, stat.S_ISDIR, {os.geteuid()})
    with _named():
        card = read_card(read_private(store / CARD_FILE))
        service = ServiceInStore(store, credential)
        service.current()
        splitting = read_splitting(store)
    bureau = open_secret(store / SECRET_FILE, credential, card) if splitting is None else None
    secret = SecretCompartment(bureau, _StoreLock(store, credential))
    officers = Officers(RollFile(store, credential), system_clock, production=production)
    if production:
        officers.founded_roll()
    custody = Custody(
        service,
        secret,
        HeadInStore(store),
        officers,
        production=production,
        book=BookFile(store, credential),
        parts=PartMaker(store, credential),
        prekeys=StockFile(store, credential),
    )
    custody.remember_keys()
    return custody


class ServiceInStore:
    """The service compartment of a store, looked at anew each time.

    Args:
        store: the custodian's folder.
        credential: what opens it.
    """

    def __init__(self, store: Path, credential: bytes) -> None:
        self._path = store / SERVICE_FILE
        self._credential = credential
        self._kept: tuple[_Mark, ServiceKeys] | None = None

    def current(self) -> ServiceKeys:
        """The keys that stand in the store now.

        Raises:
            StoreUnsafe, StoreInvalid, OSError: the file does not open.
        """
        kept, mark = self._kept, _mark(self._path)
        if kept is None or kept[0] != mark:
            with _named():
                opened = _open_file(self._path, self._credential, SERVICE_TYPE)
                kept = self._kept = mark, read_service(opened)
        return kept[1]


class _StoreLock:
    """The lock of a store, looked at anew each time: its terminal works while a custodian runs."""

    def __init__(self, store: Path, credential: bytes) -> None:
        self._store = store
        self._card_file, self._secret_file = store / CARD_FILE, store / SECRET_FILE
        self._credential = credential
        self._card: tuple[_Mark, Card] | None = None
        self._opened: _Mark | None = None

    def card(self) -> Card:
        """The card that stands in the store now."""
        with _named():
            mark = _mark(self._card_file)
            if self._card is None or self._card[0] != mark:
                self._card = mark, read_card(read_private(self._card_file))
            return self._card[1]

    def refresh(self, keys: BureauKeys) -> BureauKeys | None:
        """The keys of the card that stands in the store now, as the credential opens them."""
        card, path = self.card(), self._secret_file
        try:
            mark = _mark(path)
        except FileNotFoundError:
            # It is split: an older key opens nothing that its holders made since.
            return keys if keys.card == card else None
        if (keys.card, self._opened) != (card, mark):
            keys, self._opened = open_secret(path, self._credential, card), mark
        return keys

    def splitting(self) -> Splitting | None:
        """How the store is split now."""
        return read_splitting(self._store)

    def unlock(self, splitting: Splitting, key: bytes) -> BureauKeys:
        """The keys that this splitting's key opens."""
        secret = self._store / secret_file(splitting.set)
        return open_secret(secret, unseal_passphrase(key), self.card())


def _mark(path: Path) -> _Mark:
    """What changes when a file is exchanged."""
    status = os.lstat(path)  # each signature asks several times: a third of what `Path.lstat` costs
    return status.st_ino, status.st_mtime_ns, status.st_size


def read_splitting(store: Path) -> Splitting | None:
    """Gives how the unseal key of a store is split, or None while its credential opens it.

    Raises:
        StoreUnsafe: the file is not private to this user.
        StoreInvalid: it is malformed.
    """
    with _named():
        try:
            return Splitting.parse(read_private(store / SPLITTING_FILE))
        except FileNotFoundError:
            return None


def open_secret(path: Path, passphrase: bytes, card: Card) -> BureauKeys:
    """Opens a file of the secret compartment.

    Raises:
        StoreUnsafe, StoreInvalid: as `open_store`.
    """
    with _named():
        return read_bureau(_open_file(path, passphrase, SECRET_TYPE), card)


def wrap_secret(keys: BureauKeys, passphrase: bytes) -> bytes:
    """Gives the bytes of a file of the secret compartment."""
    return encrypt_with_passphrase(canonical.encode(object_of_bureau(keys)), passphrase, LOG_N)


def wrap_service(keys: ServiceKeys, credential: bytes) -> bytes:
    """Gives the bytes of the service compartment's file."""
    return encrypt_with_passphrase(encode_service(keys), credential, LOG_N)


def secret_file(one_set: bytes) -> str:
    """The name of the file that the shares of a set open."""
    return f"secret-{one_set.hex()}.age"


def unseal_passphrase(key: bytes) -> bytes:
    """What the unseal key is as a passphrase: its lower-case hexadecimal digits."""
    return key.hex().encode()


@contextmanager
def _named() -> Iterator[None]:
    """What a format refuses in here is the store's invalidity."""
    try:
        yield
    except StoreUnsafe:
        raise
    except (Refusal, ValueError) as error:
        raise StoreInvalid(f"the custodian's store does not open: {error}") from error


def _make_credential(path: Path) -> None:
    """Makes a credential that is whole or absent, and never in the place of another."""
    make_folders(path.parent)
    making = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    write_new(making, secrets.token_hex(_CREDENTIAL_BYTES).encode() + b"\n")
    os.link(making, path)
    making.unlink()
    flush_folder(path.parent)


def _open_file(path: Path, credential: bytes, expected: str) -> Record:
    record = Record(
        canonical.decode(
            decrypt_with_passphrase(read_private(path, most=COMPARTMENT_BYTES_MAX), credential)
        ),
        path.name,
    )
    record.constant("v", 1)
    record.constant("type", expected)
    return record
