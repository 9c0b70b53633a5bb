"""What the bureau's keys sign and endorse, and what may have it signed."""

from __future__ import annotations

from keys.cards import read_card
from keys.custody.bureau_acts import BureauActs
from keys.custody.clock import system_clock
from keys.custody.demands import Use
from keys.custody.desk import (
    SealSignatures,
    require_own,
    require_rectification,
    sign_pack,
    sign_rectification,
    sign_seal,
)
from keys.custody.errors import ManifestNotOfCard
from keys.custody.lasting import ROOT_KEY
from keys.endorsement import Endorsement, make_endorsement, make_introduction
from keys.manifest import Manifest
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


class BureauSigning(BureauActs):
    """A custodian's signatures with the bureau's keys; see `keys.custody.protocol`."""

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
