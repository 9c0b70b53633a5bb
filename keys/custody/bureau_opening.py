"""What the bureau's keys open, and the one-time prekeys that open once."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from keys import canonical
from keys.age.files import decrypt
from keys.age.header import Header, seal_header
from keys.age.hybrid import parse_recipient, wrap
from keys.age.stream import NONCE_SIZE, SEALED_CHUNK_SIZE
from keys.custody.bag_texts import levels_in
from keys.custody.book import bureau_key
from keys.custody.bureau_acts import BureauActs
from keys.custody.clock import system_clock
from keys.custody.demands import Use
from keys.custody.errors import RequestMalformed
from keys.custody.prekeys import split_headers
from keys.errors import SuiteBelowFloor
from keys.heads import examine
from keys.lifecycle import KeyNotUsable
from keys.manifest import Manifest
from keys.package import check_stanzas
from keys.suites import S2, TABLE

if TYPE_CHECKING:
    from keys.custody.prekeys import BureauPrekeys

# A manifest of 256 KiB and its archive header end within the fifth chunk.
PREFIX_BYTES: Final = NONCE_SIZE + 5 * SEALED_CHUNK_SIZE


class BureauOpening(BureauActs):
    """A custodian's acts that open what is sealed to the bureau; see `keys.custody.protocol`."""

    _prekeys: BureauPrekeys

    def open_file_key(self, header: bytes, prefix: bytes, warrant: bytes = b"") -> bytes:
        """Releases the file key of a dispatch that is addressed to the bureau."""
        return self._released("open_file_key", (header, prefix), warrant)[1]

    def rewrap_header(
        self, header: bytes, prefix: bytes, recipient: bytes, warrant: bytes = b""
    ) -> bytes:
        """Makes a header of a dispatch for one reader's own key; the file key stays here."""
        try:
            parse_recipient(recipient)
        except ValueError as error:
            raise RequestMalformed(str(error)) from error
        parsed, file_key, manifest = self._released(
            "rewrap_header", (header, prefix, recipient), warrant
        )
        if manifest.suite == S2:
            raise SuiteBelowFloor("an officer's own key has no keys of suite S2")
        made = seal_header([parsed.stanzas[0], wrap(file_key, recipient)], file_key)
        return canonical.encode(
            {
                "header": canonical.text_from_bytes(made),
                "manifest": manifest.hash,
                "releasability": manifest.label.releasability,
            }
        )

    def _released(
        self, act: str, arguments: tuple[bytes, ...], warrant: bytes
    ) -> tuple[Header, bytes, Manifest]:
        """Judges who may have a dispatch opened: the first two arguments are header and prefix."""
        header, prefix = arguments[:2]
        keys, (parsed, kept) = self.bureau, split_headers(header)
        check_stanzas(parsed)
        found = self._prekeys.unwrap(parsed, kept, keys, self._fingerprints)
        manifest = examine(parsed, found.file_key, io.BytesIO(prefix), found.fingerprints)
        found.require_named(manifest)
        TABLE.require_opens(manifest.suite, manifest.label.level, system_clock().date())
        use = Use(
            act,
            arguments,
            resource=manifest.id,
            levels=(manifest.label.level,),
            dispatch=manifest.id,
        )
        self._demands.require(use, warrant)
        self._versions.require_opens(found.edition)
        if found.prekey is not None:
            # Under a key that fell it would be worse kept than by its prekey.
            with suppress(KeyNotUsable):
                self._versions.require_protects()
                self._prekeys.hold(found.prekey, parsed, found.file_key, keys)
        return parsed, found.file_key, manifest

    def _fingerprints(self) -> frozenset[str]:
        """Of every edition of the bureau's card, those whose keys are gone too."""
        every = self._versions.book().of(bureau_key(self.secret.card))
        return frozenset(each.fingerprint for each in every)

    def make_prekeys(self, count: bytes, warrant: bytes = b"") -> bytes:
        """Makes a bundle of the bureau's one-time prekeys."""
        keys = self.bureau
        self._demands.require(Use("make_prekeys", (count,), None), warrant)
        self._versions.require_protects()
        try:
            return self._prekeys.make(keys, int(count))
        except ValueError as error:
            raise RequestMalformed(str(error)) from error

    def kept_headers(self) -> bytes:
        """What was opened under prekeys, to be read again once they are gone."""
        return self._prekeys.kept()

    def spend_prekey(self, prekey: bytes, header: bytes) -> None:
        """Destroys a prekey whose header is kept."""
        self._prekeys.spend(prekey.decode("ascii", "replace"), header, self.bureau)

    def open_sealed(self, ciphertext: bytes, warrant: bytes = b"") -> bytes:
        """Opens a small age file to the bureau's key that is not a dispatch."""
        keys = self.bureau
        self._demands.require(Use("open_sealed", (ciphertext,), None), warrant)
        _, edition = keys.open(Header.parse(io.BytesIO(ciphertext)))
        self._versions.require_opens(edition.card.edition)
        return decrypt(ciphertext, [edition.hybrid])

    def open_bag_text(self, ciphertext: bytes, warrant: bytes = b"") -> bytes:
        """Opens a text of the pouch bureau, and no other."""
        _, edition = self.bureau.open(Header.parse(io.BytesIO(ciphertext)))
        text = decrypt(ciphertext, [edition.hybrid])
        use = Use("open_bag_text", (ciphertext,), None, levels=levels_in(text))
        self._demands.require(use, warrant)
        self._versions.require_opens(edition.card.edition)
        return text
