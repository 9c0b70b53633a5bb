"""Splits the secret compartment's unseal key among holders, once or anew.

    STORE/
      secret.splitting        which set of shares is in force, its threshold and holders
      secret-SET.age          the secret compartment, wrapped by the unseal key of that set
      shares-SET/NAME.share   each holder's share, sealed to that holder; take them away

The splitting file decides, and replacing it is the one step that counts: killed before it, the old
set (or the credential) opens the store; killed after it, the new set does. What the step left
behind is removed afterwards, and by the next splitting.
"""

from __future__ import annotations

import secrets
import shutil
from typing import TYPE_CHECKING, Final

from keys.cards import Card, read_card
from keys.custody.compartment import PURPOSE, Splitting
from keys.custody.errors import StoreSplitAlready, StoreUnsplit
from keys.custody.place import put, removed
from keys.custody.shares import KEY_BYTES, Holder, Share, combine, split
from keys.custody.store import (
    CARD_FILE,
    SECRET_FILE,
    SPLITTING_FILE,
    open_secret,
    read_splitting,
    secret_file,
    unseal_passphrase,
    wrap_secret,
)
from keys.files import flush_folder, write_new

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from keys.custody.editions import BureauKeys

_WRAPPED: Final = "secret-*.age"
_SHARES: Final = "shares-*"


def split_store(
    store: Path, credential: bytes, threshold: int, holders: Sequence[Holder]
) -> list[Path]:
    """Splits the unseal key of a store that its credential opens; afterwards only shares do.

    Args:
        store: as `keys.custody.store.found` left it.
        credential: what opens it now.
        threshold: how many holders open it from then on.
        holders: see `keys.custody.shares.split`.

    Returns:
        The file of each holder's share, in their order.

    Raises:
        StoreSplitAlready: `resplit_store` is what splits it anew.
        StoreUnsafe, StoreInvalid: it does not open.
        ValueError: the holders are not as they must be; nothing changed.
        OSError: the disk refuses.
    """
    if read_splitting(store) is not None:
        raise StoreSplitAlready(f"{store} is split already")
    return _split(
        store, open_secret(store / SECRET_FILE, credential, _card(store)), threshold, holders
    )


def resplit_store(
    store: Path, shares: Sequence[Share], threshold: int, holders: Sequence[Holder]
) -> list[Path]:
    """Splits a store anew, by enough of its shares: a holder is replaced, every old share retired.

    Returns:
        The file of each holder's new share, in their order.

    Raises:
        StoreUnsplit: no shares open it.
        SharesTooFew, SharesMixed, ShareTwice, SharesWrong: see `keys.custody.shares`.
        StoreUnsafe, StoreInvalid, ValueError, OSError: as `split_store`.
    """
    return _split(store, _opened(store, shares), threshold, holders)


def drill(store: Path, shares: Sequence[Share]) -> None:
    """Proves that shares still open a store; nothing is changed, and nobody is given the key.

    Raises:
        KeysError: as `resplit_store`.
    """
    _opened(store, shares)


def in_force(store: Path) -> tuple[str, Splitting]:
    """Gives the code of a store's bureau and how its unseal key is split now.

    Raises:
        StoreUnsplit: it is not.
        StoreUnsafe, StoreInvalid, CardInvalid, OSError: what tells it cannot be read.
    """
    splitting = read_splitting(store)
    if splitting is None:
        raise StoreUnsplit(f"{store} is opened by its credential")
    return _card(store).post, splitting


def opened_store(
    store: Path, credential: bytes, shares: Sequence[Share]
) -> tuple[BureauKeys, Path, bytes]:
    """Opens the secret compartment at the terminal: by the credential, or by enough shares.

    Returns:
        Its keys, the file that holds them, and the passphrase that seals it.

    Raises:
        KeysError: as `resplit_store`; shares for a store that its credential opens are
            StoreUnsplit.
    """
    splitting = read_splitting(store)
    if splitting is None:
        if shares:
            raise StoreUnsplit(f"{store} is opened by its credential")
        path, passphrase = store / SECRET_FILE, credential
    else:
        for share in shares:
            splitting.require(share)
        path = store / secret_file(splitting.set)
        passphrase = unseal_passphrase(combine(shares))
    return open_secret(path, passphrase, _card(store)), path, passphrase


def remove_leftovers(store: Path) -> None:
    """Removes what interrupted splittings left behind: it holds every key of their time.

    Raises:
        StoreUnsafe, StoreInvalid: as `split_store`.
        OSError: the disk refuses; doing it again goes on from there.
    """
    splitting = read_splitting(store)
    if splitting is None:
        _remove(store, {SECRET_FILE})
    else:
        _remove_all_but(store, splitting.set)
    removed(store)


def _opened(store: Path, shares: Sequence[Share]) -> BureauKeys:
    if read_splitting(store) is None:
        raise StoreUnsplit(f"{store} is opened by its credential")
    return opened_store(store, b"", shares)[0]


def _split(store: Path, keys: BureauKeys, threshold: int, holders: Sequence[Holder]) -> list[Path]:
    key = secrets.token_bytes(KEY_BYTES)
    made = split(key, PURPOSE, threshold, holders)
    splitting = Splitting(
        made.set, made.fingerprint, threshold, tuple(holder.name for holder in holders)
    )
    write_new(store / secret_file(made.set), wrap_secret(keys, unseal_passphrase(key)))
    folder = store / f"shares-{made.set.hex()}"
    folder.mkdir(mode=0o700)
    paths = [folder / f"{holder.name}.share" for holder in holders]
    for path, sealed in zip(paths, made.sealed, strict=True):
        write_new(path, sealed)
    flush_folder(folder)
    flush_folder(store)
    put(store / SPLITTING_FILE, splitting.to_bytes())
    _remove_all_but(store, made.set)
    removed(store)
    return paths


def _remove_all_but(store: Path, one_set: bytes) -> None:
    """Removes what older sets, the credential's file and interrupted splittings left behind."""
    _remove(store, {secret_file(one_set), f"shares-{one_set.hex()}"})


def _remove(store: Path, kept: set[str]) -> None:
    for pattern in (SECRET_FILE, _WRAPPED, _SHARES, f".{SPLITTING_FILE}-*", f".{SECRET_FILE}-*"):
        for path in store.glob(pattern):
            if path.name in kept:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    flush_folder(store)


def _card(store: Path) -> Card:
    return read_card((store / CARD_FILE).read_bytes())
