"""The secret halves of a post's prekeys, one file each, each gone once its dispatch is here.

    DIR/prekeys/ID.age   the 32-byte seed, an age file to the post's own card
    DIR/prekeys/used     ids whose dispatch was opened, one a line, never removed
    DIR/prekeys/burnt    ids that were compromised on their way, likewise

What comes under a burnt one is not opened; its secret half stays, and is of use to nobody. A seed
is overwritten and removed after its id stands in `used`; what a kill left between the two is
removed the next time. Copies that a disk or a backup keeps are outside this program's reach.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Final

from keys.age.files import decrypt, encrypt, open_file_key
from keys.age.hybrid import HybridKey
from keys.errors import NotAddressed, NotIntended
from keys.files import flush_folder, write_new
from keys.prekeys import PREKEY_ID, Prekey, PrekeyBurnt, PrekeyUsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from keys.age.header import Header
    from keys.identity import Identity
    from keys.manifest import Manifest

_FOLDER: Final = "prekeys"
_USED: Final = "used"
_BURNT: Final = "burnt"
_ID_BYTES: Final = 12


class PrekeyStore:
    """The prekeys of one identity folder.

    Args:
        folder: the identity folder.
        identity: whose they are.
    """

    def __init__(self, folder: Path, identity: Identity) -> None:
        self._folder = folder / _FOLDER
        self._identity = identity

    def make(self, count: int) -> list[Prekey]:
        """Makes prekeys; their secret halves are on the disk when this returns.

        Raises:
            OSError: the disk refuses; what was written is harmless, since nobody knows of it.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        made = []
        for _ in range(count):
            key, name = HybridKey.generate(), secrets.token_urlsafe(_ID_BYTES)
            sealed = encrypt(key.seed, [self._identity.card.recipient])
            write_new(self._folder / f"{name}.age", sealed)
            made.append(Prekey(name, key.recipient))
        flush_folder(self._folder)
        return made

    def ids(self) -> list[str]:
        """Gives the ids of those that still open, in alphabetical order."""
        return sorted(set(self.kept()) - self.burnt())

    def kept(self) -> list[str]:
        """Gives the ids of those whose secret halves are here, burnt or not, likewise."""
        used = self.used()
        return sorted(path.stem for path in self._folder.glob("*.age") if path.stem not in used)

    @property
    def ever_made(self) -> bool:
        """Whether this post ever made prekeys."""
        return self._folder.is_dir()

    def used(self) -> frozenset[str]:
        """Gives the ids of those that were used up."""
        return self._listed(_USED)

    def burnt(self) -> frozenset[str]:
        """Gives the ids of those that were compromised on their way."""
        return self._listed(_BURNT)

    def burn(self, names: Iterable[str]) -> list[str]:
        """Notes for ever that prekeys were compromised; gives those of which it was not known.

        Raises:
            ValueError: one is no id of a prekey.
            OSError: the disk refuses.
        """
        new = sorted({*names} - self.burnt())
        if not all(map(PREKEY_ID.fullmatch, new)):
            raise ValueError("not the id of a prekey")
        if new:
            _append(self._folder / _BURNT, "".join(f"{name}\n" for name in new).encode())
        return new

    def key(self, name: str) -> HybridKey:
        """Gives a secret half.

        Raises:
            KeysError, OSError: it was damaged, or is gone.
        """
        data = (self._folder / f"{name}.age").read_bytes()
        return HybridKey(decrypt(data, [self._identity.hybrid_key]))

    def _listed(self, file: str) -> frozenset[str]:
        try:
            return frozenset((self._folder / file).read_text("ascii").split())
        except FileNotFoundError:
            return frozenset()

    def destroy(self, name: str) -> None:
        """Destroys a secret half for ever; again is harmless.

        Raises:
            OSError: the disk refuses; done again, it goes on from there.
        """
        path = self._folder / f"{name}.age"
        if name not in self.used():
            _append(self._folder / _USED, f"{name}\n".encode())
        try:
            with path.open("r+b", buffering=0) as file:
                file.write(bytes(os.fstat(file.fileno()).st_size))
                os.fsync(file.fileno())
        except FileNotFoundError:
            return
        path.unlink()
        flush_folder(self._folder)

    def sweep(self) -> None:
        """Removes what a kill left of those that were used up."""
        for name in self.used():
            if (self._folder / f"{name}.age").exists():
                self.destroy(name)


class PrekeyOpener:
    """A `FileKeyOpener` that tries an identity's own key, then its prekeys.

    Attributes:
        opened_by: id of the prekey that opened, None when the identity's own key did.
    """

    def __init__(self, identity: Identity, store: PrekeyStore) -> None:
        self._identity = identity
        self._store = store
        self.opened_by: str | None = None

    @property
    def fingerprints(self) -> frozenset[str]:
        """Of the identity's card."""
        return self._identity.fingerprints

    def open_file_key(self, header: Header, peek: Callable[[int], bytes]) -> bytes:
        """The file key of a header; see `FileKeyOpener`.

        Raises:
            PrekeyBurnt: a prekey opens it that was compromised on its way.
            PrekeyUsed: no key at hand opens it, and some were used up.
            NotAddressed: no key at hand opens it, and none ever was.
            HeaderMalformed, HeaderTampered: as `open_file_key`.
        """
        try:
            return self._identity.open_file_key(header, peek)
        except NotAddressed:
            burnt = self._store.burnt()
            for name in self._store.kept():
                try:
                    file_key = open_file_key(header, [self._store.key(name)])
                except NotAddressed:
                    continue
                if name in burnt:
                    raise PrekeyBurnt(f"the prekey {name} was compromised on its way") from None
                self.opened_by = name
                return file_key
            if self._store.used():
                raise PrekeyUsed("no key at hand opens it; its prekey may be used up") from None
            raise

    def require_named(self, manifest: Manifest) -> None:
        """Demands that the manifest names the very key that opened, where it was a prekey.

        Raises:
            NotIntended: it names another: whoever had the file key wrapped it anew.
        """
        if self.opened_by is None:
            return
        named = {entry.key for entry in manifest.to if entry.fingerprint in self.fingerprints}
        if f"prekey:{self.opened_by}" not in named:
            raise NotIntended("the manifest does not name the prekey that opened the dispatch")

    def spend(self) -> None:
        """Destroys the prekey that opened, once what it opened is safely kept."""
        if self.opened_by is not None:
            self._store.destroy(self.opened_by)


def _append(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
