"""The bureau as `keys.dispatch` wants it: one who signs manifests and opens file keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.custody.book import Book, bureau_key
from keys.custody.bureau_opening import PREFIX_BYTES
from keys.prekeys import PrekeyUsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys.age.header import Header
    from keys.cards import Card
    from keys.custody.protocol import Custodian
    from keys.manifest import Manifest
    from keys.signing import Signatures


class Bureau:
    """A `DispatchSigner` and a `FileKeyOpener` whose keys stay with a custodian.

    Args:
        custodian: who has them.
        kept: gives the header that was kept for one whose prekey is spent, else nothing.
    """

    def __init__(
        self, custodian: Custodian, kept: Callable[[Header], bytes] = lambda _header: b""
    ) -> None:
        self._custodian = custodian
        self._kept = kept

    @property
    def card(self) -> Card:
        """The bureau's card in force: another one once its keys were rotated."""
        return self._custodian.card()

    @property
    def fingerprints(self) -> frozenset[str]:
        """Of every edition of the bureau's card."""
        book = Book.parse(self._custodian.key_versions())
        return frozenset(each.fingerprint for each in book.of(bureau_key(self.card)))

    def sign_manifest(self, manifest: Manifest) -> Signatures:
        """The signatures over a manifest's bytes; see `Custodian.sign_manifest`."""
        return self._custodian.sign_manifest(manifest.encode())

    def sign_rerouting(self, addendum: bytes) -> Signatures:
        """Both signatures over an addendum's bytes; see `Custodian.sign_rerouting`."""
        return self._custodian.sign_rerouting(addendum)

    def open_file_key(self, header: Header, peek: Callable[[int], bytes]) -> bytes:
        """The file key of a header; see `Custodian.open_file_key`."""
        return self.shown(
            header, lambda shown: self._custodian.open_file_key(shown, peek(PREFIX_BYTES))
        )

    def shown(self, header: Header, ask: Callable[[bytes], bytes]) -> bytes:
        """What the custodian answers, asked with a header and with what was kept for it.

        A prekey may be spent between the look for what is kept and the question: then it was kept
        before, and is found at a second look.
        """
        kept = self._kept(header)
        try:
            return ask(header.encode() + kept)
        except PrekeyUsed:
            found = self._kept(header)
            if found == kept:
                raise
            return ask(header.encode() + found)
