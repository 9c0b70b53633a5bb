"""What a custodian does with the bureau's keys and the root: see `keys.custody.protocol`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from keys.custody.desk import SealSignatures
    from keys.signing import Signatures


class BureauActsAsked(Protocol):
    """The acts with keys that shares open; most raise CustodySealed while those are away."""

    def sign_manifest(self, manifest: bytes, warrant: bytes = b"") -> Signatures:
        """Signs a dispatch of the bureau.

        Raises:
            ManifestMalformed, SuiteBelowFloor: it is not a manifest of an accepted suite.
            ManifestNotOfCard: its sender is not the bureau's card.
        """
        ...

    def complement(self) -> bytes:
        """The keys of suite S2 that go with the card (`keys.s2.complements`)."""
        ...

    def sign_slip(self, slip: bytes, warrant: bytes = b"") -> bytes:
        """Signs a slip of the bureau (Ed25519, 64 bytes).

        Raises:
            SlipMalformed: it is not a slip.
            SlipNotOfCard: its origin is not the bureau's card.
        """
        ...

    def sign_post_receipt(self, statement: bytes) -> Signatures:
        """Signs what the bureau states about an envelope it received.

        Raises:
            ReceiptMalformed: it is not a post's receipt.
            ReceiptNotOfKey: it is another post's.
        """
        ...

    def sign_service_message(self, statement: bytes, warrant: bytes = b"") -> Signatures:
        """Signs a service message of the bureau.

        Raises:
            ServiceMessageMalformed: it is not one.
            ServiceMessageNotOfCard: its sender is not the bureau's card.
        """
        ...

    def sign_rerouting(self, addendum: bytes, warrant: bytes = b"") -> Signatures:
        """Signs what the bureau adds to a dispatch: new addressees, or its own new key.

        Raises:
            ReroutingInvalid: it is not an addendum.
            ManifestNotOfCard: the rerouter is not the bureau's card.
        """
        ...

    def root_introduction(self) -> bytes:
        """Introduces the root by the bureau's card (`keys.endorsement.read_introduction`).

        Raises:
            KeyNotUsable: the root or the card was suspended, or called compromised.
        """
        ...

    def endorse_card(self, card: bytes, warrant: bytes = b"") -> bytes:
        """Endorses a post's card by the root; gives the file (`keys.endorsement`).

        Raises:
            CardInvalid: it is not a card.
            CardEndorsedOtherwise: another card was endorsed for this edition of the post.
            KeyTransitionIllegal: this card is superseded, or was called compromised.
        """
        ...

    def open_file_key(self, header: bytes, prefix: bytes, warrant: bytes = b"") -> bytes:
        """Releases the 16-byte file key of a dispatch that is addressed to the bureau.

        The custodian verifies the header's MAC, opens the manifest itself from `prefix`, and
        demands that the label stanza is the manifest's, that the manifest names the bureau's
        card, and that stanzas and addressees are one for one.

        Args:
            header: exactly the age header; behind it, where its prekey is spent, the one that
                `kept_headers` gave.
            prefix: the beginning of the payload, nonce included: `PREFIX_BYTES` of it, or the
                whole payload where it is shorter.
            warrant: the grant and the proof of the logged intent, once officers are founded.

        Raises:
            Refusal: NotAge, HeaderMalformed, HeaderTooLarge, MixedRecipients, LabelMismatch,
                NotAddressed, HeaderTampered, PayloadDamaged, PackageMalformed,
                ManifestMalformed, SuiteBelowFloor, NotIntended or AddresseesMismatch; PrekeyUsed.
        """
        ...

    def rewrap_header(
        self, header: bytes, prefix: bytes, recipient: bytes, warrant: bytes = b""
    ) -> bytes:
        """Makes a header of a dispatch for one reader's own key, and says what it is about.

        Judges as `open_file_key`, under the same grants. The file key goes nowhere but into the
        new header, which holds the label stanza and one for the recipient.

        Args:
            header: as for `open_file_key`.
            prefix: as for `open_file_key`.
            recipient: a hybrid recipient, 1,216 raw bytes.
            warrant: as for `open_file_key`.

        Returns:
            Canonical JSON `{"header": base64, "manifest": hexadecimal SHA-256 of the manifest,
            "releasability": its posts}`.

        Raises:
            RequestMalformed: no recipient.
            Refusal: as `open_file_key`.
        """
        ...

    def make_prekeys(self, count: bytes, warrant: bytes = b"") -> bytes:
        """Makes a bundle of the bureau's one-time prekeys (`keys.prekeys`), for the directory.

        Args:
            count: 1 to 100, in decimal digits.
            warrant: the proof of the logged intent, once officers are founded.

        Raises:
            RequestMalformed: another count.
            PrekeysFull: as many are there as may be.
        """
        ...

    def kept_headers(self) -> bytes:
        """Headers to be kept beside envelopes that were opened under prekeys since the start.

        Returns:
            Canonical JSON `[{"header": base64, "prekey": id}]`, 32 at a time: each holds the label
            and one stanza, for the bureau's edition in force.
        """
        ...

    def spend_prekey(self, prekey: bytes, header: bytes) -> None:
        """Destroys a prekey, once the header that was given for it is kept; again is harmless.

        Raises:
            PrekeyNotKept: another header was given for it, or none.
        """
        ...

    def open_sealed(self, ciphertext: bytes, warrant: bytes = b"") -> bytes:
        """Opens a small age file to the bureau's key: a sealed subject or draft.

        A dispatch is refused here, since its header holds a label stanza.

        Raises:
            Refusal: NotAge, HeaderMalformed, HeaderTooLarge, MixedRecipients, NotAddressed,
                HeaderTampered or PayloadDamaged.
        """
        ...

    def open_bag_text(self, ciphertext: bytes, warrant: bytes = b"") -> bytes:
        """Opens a text of the pouch bureau: a piece or line, a waybill, a closing.

        Its levels are read in it: a grant for bags covers the highest.

        Raises:
            BagTextUnknown: it is sealed to the bureau and no text of a bag.
            Refusal: as `open_sealed`.
        """
        ...

    def sign_seal(self, claims: bytes, warrant: bytes = b"") -> SealSignatures:
        """Signs the claims of a seal of the bureau.

        Raises:
            SealNotOfCard: they are no claims, or another post's.
        """
        ...

    def sign_rectification(self, statement: bytes, warrant: bytes = b"") -> Signatures:
        """Signs the rectification of a bordereau that the bureau sealed.

        Raises:
            RectificationNotSignable: it is none.
        """
        ...

    def sign_pack(self, statement: bytes) -> Signatures:
        """Signs the statement of a sync pack with the ministry's root.

        Raises:
            PackNotSignable: it is none, or would be believed for too long.
            KeyNotUsable: the root was suspended, or called compromised.
        """
        ...
