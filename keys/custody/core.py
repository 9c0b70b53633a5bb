"""The keys and the acts they do, in this process. Stores and sockets stand around it.

What the bureau's keys do, and who may have it done, stands here; the acts with the service's own
keys are in `keys.custody.service_acts`.
"""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from keys import canonical
from keys.age.files import decrypt
from keys.age.header import Header, seal_header
from keys.age.hybrid import parse_recipient, wrap
from keys.age.stream import NONCE_SIZE, SEALED_CHUNK_SIZE
from keys.cards import Card, read_card
from keys.custody.bag_texts import levels_in
from keys.custody.clock import system_clock
from keys.custody.compartment import CustodyState, NoLock, SecretCompartment
from keys.custody.demands import Demands, Use
from keys.custody.desk import (
    SealSignatures,
    require_own,
    require_rectification,
    sign_pack,
    sign_rectification,
    sign_seal,
)
from keys.custody.editions import BureauKeys
from keys.custody.errors import (
    BackupKeyNotAdmitted,
    CustodySealed,
    ManifestNotOfCard,
    OfficersNotFounded,
    RequestMalformed,
    StoreInvalid,
    StoreUnsafe,
)
from keys.custody.lasting import ROOT_KEY
from keys.custody.log_keys import HeadInMemory
from keys.custody.prekeys import (
    BureauPrekeys,
    StockInMemory,
    StockKeeper,
    split_headers,
)
from keys.custody.service_acts import ServiceActs
from keys.custody.service_keys import ServiceKeys
from keys.custody.shares import read_share
from keys.custody.versions import BookInMemory, BookKeeper, Versions, bureau_key
from keys.endorsement import (
    Endorsement,
    make_endorsement,
    make_introduction,
    root_fingerprint,
)
from keys.errors import SuiteBelowFloor
from keys.heads import examine
from keys.lifecycle import COMPROMISED, SUSPENDED, KeyNotUsable
from keys.manifest import Manifest
from keys.package import check_stanzas
from keys.post_receipts import PostReceipt
from keys.rerouting import Addendum
from keys.s2.complements import make_complement
from keys.service_messages import ServiceMessage
from keys.signing import (
    ENDORSEMENT,
    MANIFEST,
    RECEIPT,
    REROUTING,
    SERVICE_MESSAGE,
    SLIP,
    Signatures,
)
from keys.slips import Slip
from keys.suites import S2, TABLE

if TYPE_CHECKING:
    from datetime import datetime

    from keys.custody.log_keys import Heads
    from keys.custody.officers import Officers
    from keys.custody.parts import PartMaker
    from keys.custody.service_keys import ServiceCompartment

# A manifest of 256 KiB and its archive header end within the fifth chunk.
PREFIX_BYTES: Final = NONCE_SIZE + 5 * SEALED_CHUNK_SIZE


class Custody(ServiceActs):
    """A custodian whose keys are in this process; see `Custodian` for the acts.

    Any number of threads may use it at once.

    Args:
        service: its keys.
        secret: the bureau's, sealed or not.
        heads: where the last signed head of the log is kept.
        officers: the custodian's own; None for keys that are in no store.
        production: whether the bureau's keys serve nobody until officers are founded.
        book: where the states of the keys are kept.
        parts: makes what it adds to a backup; None for keys that are in no store.
        prekeys: where the secret halves of the bureau's are kept.
    """

    def __init__(
        self,
        service: ServiceCompartment,
        secret: SecretCompartment,
        heads: Heads,
        officers: Officers | None = None,
        *,
        production: bool = False,
        book: BookKeeper | None = None,
        parts: PartMaker | None = None,
        prekeys: StockKeeper | None = None,
    ) -> None:
        self.secret = secret
        self._prekeys = BureauPrekeys(prekeys or StockInMemory(), system_clock)
        self._part_maker = parts
        self._officers = officers
        versions = Versions(
            book or BookInMemory(), lambda: secret.card, system_clock, self._present
        )
        super().__init__(service, heads, versions, secret.card.post)
        self._demands = Demands(
            officers, lambda: self.service.log_line, heads, production=production
        )

    @classmethod
    def generate(cls, post: str, *, valid_from: datetime, valid_until: datetime) -> Self:
        """Makes new keys, and the card of the bureau `post`.

        Args:
            post: code of the bureau's post.
            valid_from: UTC, whole seconds, included.
            valid_until: UTC, whole seconds, excluded.

        Raises:
            CardInvalid: the code or the validity is not as a card's must be.
        """
        bureau = BureauKeys.generate(post, valid_from, valid_until)
        secret = SecretCompartment(bureau, NoLock(bureau.card))
        return cls(ServiceKeys.generate(), secret, HeadInMemory())

    @property
    def bureau(self) -> BureauKeys:
        """The bureau's keys.

        Raises:
            CustodySealed: they are away.
        """
        return self.secret.keys()

    def card(self) -> Card:
        """The bureau's card."""
        return self.secret.card

    def state(self) -> CustodyState:
        """Whether the bureau's keys are sealed, and who may open them."""
        return replace(self.secret.state(), founded=self._demands.founded)

    def seal(self) -> None:
        """Seals the bureau's keys at once, and ends every grant."""
        self.secret.seal()
        self._prekeys.forget()
        if self._officers is not None:
            self._officers.close_grants()

    def offer_share(self, share: bytes) -> CustodyState:
        """Takes one holder's share."""
        state = self.secret.offer(read_share(share))
        if not state.sealed:
            self.remember_keys()
        return replace(state, founded=self._demands.founded)

    def sign_manifest(self, manifest: bytes, warrant: bytes = b"") -> Signatures:
        """Signs a dispatch of the bureau."""
        keys, parsed = self.bureau, Manifest.parse(manifest)
        sender, own = parsed.sender, keys.card
        if (sender.post, sender.fingerprint) != (own.post, own.fingerprint):
            raise ManifestNotOfCard(f"the manifest is of {sender.post}, not of this card")
        TABLE.require_protects(parsed.suite, parsed.label.level, system_clock().date())
        self._demands.require(
            Use(
                "sign_manifest",
                (manifest,),
                resource=parsed.id,
                levels=(parsed.label.level,),
                dispatch=parsed.id,
            ),
            warrant,
        )
        self._versions.require_protects()
        sign = keys.signing.sign_thrice if parsed.suite == S2 else keys.signing.sign
        return sign(MANIFEST, manifest)

    def complement(self) -> bytes:
        """The keys of suite S2 of the card in force."""
        keys = self.bureau
        return make_complement(keys.card, keys.signing, keys.hybrid).to_bytes()

    def sign_slip(self, slip: bytes, warrant: bytes = b"") -> bytes:
        """Signs a slip of the bureau."""
        keys, parsed = self.bureau, Slip.parse(slip)
        parsed.require_card(keys.card)
        self._demands.require(Use("sign_slip", (slip,), parsed.dispatch_id), warrant)
        self._versions.require_protects()
        return keys.signing.sign_ed25519(SLIP, slip)

    def sign_post_receipt(self, statement: bytes) -> Signatures:
        """Signs what the bureau states about an envelope it received."""
        keys, parsed = self.bureau, PostReceipt.parse(statement)
        parsed.require_card(keys.card)
        self._versions.require_protects()
        return keys.signing.sign(RECEIPT, statement)

    def sign_service_message(self, statement: bytes, warrant: bytes = b"") -> Signatures:
        """Signs a service message of the bureau."""
        keys, parsed = self.bureau, ServiceMessage.parse(statement)
        parsed.require_card(keys.card)
        self._demands.require(Use("sign_service_message", (statement,), parsed.id), warrant)
        self._versions.require_protects()
        return keys.signing.sign(SERVICE_MESSAGE, statement)

    def sign_rerouting(self, addendum: bytes, warrant: bytes = b"") -> Signatures:
        """Signs what the bureau adds to a dispatch that it may read."""
        keys, sender = self.bureau, Addendum.parse(addendum).sender
        own = keys.card
        if (sender.post, sender.fingerprint) != (own.post, own.fingerprint):
            raise ManifestNotOfCard(f"the addendum is of {sender.post}, not of this card")
        self._demands.require(Use("sign_rerouting", (addendum,), None), warrant)
        self._versions.require_protects()
        return keys.signing.sign(REROUTING, addendum)

    def root_introduction(self) -> bytes:
        """Introduces the root by the bureau's card, both of which must be in force."""
        keys = self.bureau
        self._versions.require_lasting(ROOT_KEY)
        self._versions.require_protects()
        return make_introduction(keys.root.verifying_key, keys.card, keys.signing.sign)

    def endorse_card(self, card: bytes, warrant: bytes = b"") -> bytes:
        """Endorses a post's card by the root; one card for each edition, for ever."""
        keys, read = self.bureau, read_card(card)
        self._demands.require(Use("endorse_card", (card,), None), warrant)
        self._versions.require_lasting(ROOT_KEY)
        self._versions.endorse(read)
        root = keys.root
        endorsement = Endorsement.of(read, root.verifying_key, system_clock())
        return make_endorsement(endorsement, lambda said: root.sign(ENDORSEMENT, said))

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
        every = self._versions.book().of(bureau_key(self.card()))
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

    def _present(self) -> dict[str, str]:
        """The fingerprint of each lasting key that is there, by kind; the root only while open."""
        present = dict(self.service.fingerprints)
        with suppress(CustodySealed, StoreInvalid, StoreUnsafe):
            present[ROOT_KEY] = root_fingerprint(self.bureau.root.verifying_key)
        return present

    def remember_keys(self) -> None:
        """Writes every key that is there into the book, so that it knows those that are sealed."""
        self._versions.remember()

    def key_versions(self) -> bytes:
        """The states of the custodian's keys."""
        return self._versions.book().encode()

    def make_backup_part(self) -> bytes:
        """The head of what the custodian adds to a backup."""
        return self._parts.make()

    def backup_part_piece(self, sha256: bytes, offset: bytes) -> bytes:
        """A piece of what the custodian adds to a backup."""
        return self._parts.piece(sha256, offset)

    @property
    def _parts(self) -> PartMaker:
        if self._part_maker is None:
            raise BackupKeyNotAdmitted("keys that are in no store are in no backup")
        return self._part_maker

    def suspend_key(self, key: bytes, number: bytes, reason: bytes) -> bytes:
        """Suspends a version of a key at once."""
        return self._make_safer(SUSPENDED, key, number, reason)

    def compromise_key(self, key: bytes, number: bytes, reason: bytes) -> bytes:
        """Calls a version of a key compromised, for ever."""
        return self._make_safer(COMPROMISED, key, number, reason)

    def _make_safer(self, to: str, key: bytes, number: bytes, reason: bytes) -> bytes:
        try:
            named, at, why = key.decode(), int(number), reason.decode()
            moved = self._versions.make_safer(named, at, to, why)
        except ValueError as error:
            raise RequestMalformed("a key is named by text, a number and a reason") from error
        return canonical.encode(moved.to_object())

    def sign_seal(self, claims: bytes, warrant: bytes = b"") -> SealSignatures:
        """Signs the claims of a seal of the bureau."""
        keys = self.bureau
        require_own(keys.card, claims)
        self._demands.require(Use("sign_seal", (claims,), None), warrant)
        self._versions.require_protects()
        return sign_seal(keys.card, keys.signing, claims)

    def sign_rectification(self, statement: bytes, warrant: bytes = b"") -> Signatures:
        """Signs the rectification of a bordereau of the bureau."""
        keys = self.bureau
        require_rectification(statement)
        self._demands.require(Use("sign_rectification", (statement,), None), warrant)
        self._versions.require_protects()
        return sign_rectification(keys.signing, statement)

    def sign_pack(self, statement: bytes) -> Signatures:
        """Signs a sync pack by the root: also while the bureau's card is suspended."""
        root = self.bureau.root
        self._versions.require_lasting(ROOT_KEY)
        return sign_pack(root, statement)

    def officers(self) -> bytes:
        """The roll of officers, as far as it may be shown."""
        return self._roll.listing()

    def officer_challenge(self) -> bytes:
        """A nonce for one answer of an officer's security key."""
        return self._roll.challenge()

    def register_officer_key(self, nonce: bytes, response: bytes) -> bytes:
        """Verifies a new security key, for an act to give to somebody."""
        return self._roll.register_key(nonce, response)

    def approve_act(self, act: bytes, nonce: bytes, response: bytes) -> bytes:
        """Takes an officer's signature under an act, and does the act once it is approved."""
        return self._roll.approve_act(act, nonce, response, self._versions)

    def open_grant(self, grant: bytes, nonce: bytes, response: bytes) -> bytes:
        """Takes an officer's grant; gives its token."""
        return self._roll.open_grant(grant, nonce, response)

    def close_grant(self, token: bytes) -> None:
        """Ends a grant."""
        self._roll.close_grant(token)

    @property
    def _roll(self) -> Officers:
        if self._officers is None:
            raise OfficersNotFounded("keys that are in no store have no officers")
        return self._officers

    def close(self) -> None:
        """Holds no connection to let go of."""
