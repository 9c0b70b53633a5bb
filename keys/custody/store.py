"""The custodian's store: two wrapped key files and a card, in a folder of its own.

    STORE/              0700
      bureau.card       the bureau's card
      service.age       the service compartment (age, passphrase)
      secret.age        the secret compartment (age, passphrase)

Both compartments are wrapped by the credential: 256 random bits in a file of its own, which the
operator keeps elsewhere than the store (systemd hands it over by `LoadCredential=`). A copy of the
store alone therefore opens nothing. Files that others could read or exchange are refused.
"""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keys import canonical
from keys.age.files import decrypt_with_passphrase, encrypt_with_passphrase
from keys.age.hybrid import SEED_SIZE, HybridKey
from keys.cards import Card, read_card
from keys.custody.core import BureauKeys, Custody, ServiceKeys
from keys.custody.errors import StoreInvalid, StoreUnsafe
from keys.errors import Refusal
from keys.records import FINGERPRINT, Record
from keys.signing import SEED_BYTES, SigningKey, VerifyingKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

CARD_FILE: Final = "bureau.card"
SERVICE_FILE: Final = "service.age"
SECRET_FILE: Final = "secret.age"  # noqa: S105  the name of a file

_SERVICE_TYPE: Final = "depeche/v1 service-keys"
_SECRET_TYPE: Final = "depeche/v1 bureau-keys"  # noqa: S105  the name of a format
_FILE_BYTES_MAX: Final = 64 * 1024
_CREDENTIAL_BYTES: Final = 32
_CREDENTIAL_TEXT_LEAST: Final = 32
# The credential is random, so stretching it buys nothing: the least that age tools write.
_LOG_N: Final = 10
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


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
    _make_folders(store.parent)
    # mkdtemp makes the folder 0700; an interrupted founding leaves at most this one behind.
    making = Path(tempfile.mkdtemp(prefix=f".{store.name}-", dir=store.parent))
    _write_new(making / CARD_FILE, custody.card().to_bytes() + b"\n")
    for name, keys in (
        (SERVICE_FILE, _service_object(custody.service)),
        (SECRET_FILE, _secret_object(custody.bureau)),
    ):
        sealed = encrypt_with_passphrase(canonical.encode(keys), passphrase, _LOG_N)
        _write_new(making / name, sealed)
    _flush_folder(making)
    making.rename(store)
    _flush_folder(store.parent)
    return Founding(custody.card(), custody.service_key(), custody.certifying_key())


def read_credential(path: Path) -> bytes:
    """Gives the wrapping credential that a file holds.

    Raises:
        StoreUnsafe: others than its owner may read it, or it is not ours or the superuser's.
        StoreInvalid: it is too short to be one.
        OSError: it cannot be read.
    """
    credential = _read_private(path, owners={os.geteuid(), 0}).strip()
    if len(credential) < _CREDENTIAL_TEXT_LEAST:
        raise StoreInvalid(f"{path} is too short to be a credential")
    return credential


def open_store(store: Path, credential: bytes) -> Custody:
    """Opens both compartments of a store.

    Args:
        store: as `found` left it.
        credential: what `read_credential` gives.

    Raises:
        StoreUnsafe: the folder or a file of it is not private to this user.
        StoreInvalid: a file is malformed, sealed by another credential, or not of this card.
        OSError: a file cannot be read.
    """
    _require_private(store.lstat(), store, stat.S_ISDIR, {os.geteuid()})
    try:
        card = read_card(_read_private(store / CARD_FILE))
        service = _read_service(_open_file(store / SERVICE_FILE, credential, _SERVICE_TYPE))
        bureau = _read_secret(_open_file(store / SECRET_FILE, credential, _SECRET_TYPE), card)
    except StoreUnsafe:
        raise
    except (Refusal, ValueError) as error:
        raise StoreInvalid(f"the custodian's store does not open: {error}") from error
    return Custody(service, bureau)


def _make_credential(path: Path) -> None:
    """Makes a credential that is whole or absent, and never in the place of another."""
    _make_folders(path.parent)
    making = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    _write_new(making, secrets.token_hex(_CREDENTIAL_BYTES).encode() + b"\n")
    os.link(making, path)
    making.unlink()
    _flush_folder(path.parent)


def _make_folders(folder: Path) -> None:
    """Makes a folder and those above it, each durable before what it is to hold."""
    if not folder.is_dir():
        _make_folders(folder.parent)
        folder.mkdir(mode=0o700)
        _flush_folder(folder.parent)


def _open_file(path: Path, credential: bytes, expected: str) -> Record:
    record = Record(
        canonical.decode(decrypt_with_passphrase(_read_private(path), credential)), path.name
    )
    record.constant("v", 1)
    record.constant("type", expected)
    return record


def _service_object(keys: ServiceKeys) -> dict[str, object]:
    return {
        "v": 1,
        "type": _SERVICE_TYPE,
        "receipts": _signing_object(keys.receipts),
        "certifying": _signing_object(keys.certifying),
    }


def _read_service(record: Record) -> ServiceKeys:
    keys = ServiceKeys(
        receipts=_read_signing(record.record("receipts")),
        certifying=_read_signing(record.record("certifying")),
    )
    record.close()
    return keys


def _secret_object(keys: BureauKeys) -> dict[str, object]:
    return {
        "v": 1,
        "type": _SECRET_TYPE,
        "card": keys.card.fingerprint,
        "hybrid": canonical.text_from_bytes(keys.hybrid.seed),
        "signing": _signing_object(keys.signing),
    }


def _read_secret(record: Record, card: Card) -> BureauKeys:
    fingerprint = record.text("card", FINGERPRINT)
    keys = BureauKeys(
        card=card,
        signing=_read_signing(record.record("signing")),
        hybrid=HybridKey(record.octets("hybrid", SEED_SIZE)),
    )
    record.close()
    public = keys.signing.verifying_key
    if (fingerprint, keys.hybrid.recipient, public.ed25519, public.mldsa65) != (
        card.fingerprint,
        card.recipient,
        card.ed25519,
        card.mldsa65,
    ):
        raise ValueError(f"{SECRET_FILE} does not hold the keys of {CARD_FILE}")
    return keys


def _signing_object(key: SigningKey) -> dict[str, str]:
    return {
        "ed25519": canonical.text_from_bytes(key.ed25519_seed),
        "mldsa65": canonical.text_from_bytes(key.mldsa65_seed),
    }


def _read_signing(record: Record) -> SigningKey:
    key = SigningKey(record.octets("ed25519", SEED_BYTES), record.octets("mldsa65", SEED_BYTES))
    record.close()
    return key


def _read_private(path: Path, owners: set[int] | None = None) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        _require_private(os.fstat(descriptor), path, stat.S_ISREG, owners or {os.geteuid()})
        return file.read(_FILE_BYTES_MAX)


def _require_private(
    status: os.stat_result, path: Path, is_kind: Callable[[int], bool], owners: set[int]
) -> None:
    if not is_kind(status.st_mode):
        raise StoreUnsafe(f"{path} is not of the kind that it must be")
    if status.st_uid not in owners:
        raise StoreUnsafe(f"{path} belongs to another user")
    if status.st_mode & _OTHERS:
        raise StoreUnsafe(f"{path} is open to others; its mode must be 0600, a folder's 0700")


def _write_new(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
