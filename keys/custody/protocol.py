"""What a custodian does: typed acts, each judged by the custodian itself.

Arguments and answers are plain bytes wherever a process boundary may lie, so that the custodian
parses for itself what it is asked to put its name to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from keys.cards import Card
    from keys.custody.compartment import CustodyState
    from keys.custody.desk import SealSignatures
    from keys.log.succession import LogVerifiers
    from keys.signing import Signatures, VerifyingKey


class Custodian(Protocol):
    """The holder of the ministry's keys, wherever they are.

    Every act can raise CustodianUnavailable or CustodianFault when the custodian is another
    process; a refusal has the same type as if the keys were here. Every act with the bureau's
    secret keys (manifests, slips, receipts and service messages of the bureau, opening) raises
    CustodySealed while they are away; what the service signs for the posts goes on.
    Once officers are founded each of them takes a warrant (`keys.custody.intents`), and raises what
    `keys.custody.demands.Demands.require` does for want of a grant or of a logged intent.
    """

    def state(self) -> CustodyState:
        """Whether the bureau's keys are sealed, who may open them, and who has offered a share."""
        ...

    def seal(self) -> None:
        """Seals the bureau's keys at once; one person suffices for what makes things safer."""
        ...

    def offer_share(self, share: bytes) -> CustodyState:
        """Takes one holder's share, deciphered; the last one that is needed opens the keys.

        Raises:
            ShareMalformed, SharesMixed, ShareTwice, SharesWrong: see `keys.custody.shares`.
            ShareNotAwaited: the keys are open, or were never split.
        """
        ...

    def card(self) -> Card:
        """The card of the bureau whose dispatches the custodian signs and opens."""
        ...

    def service_key(self) -> VerifyingKey:
        """The key that verifies the ministry's receipts."""
        ...

    def successions(self) -> bytes:
        """What the root said of the keys of receipts: a canonical JSON list of the files.

        The oldest comes first (`keys.succession`); asked for after `service_key`, its last one
        names the key that is in force.
        """
        ...

    def certifying_key(self) -> VerifyingKey:
        """The key that verifies certificates of token keys."""
        ...

    def log_keys(self) -> LogVerifiers:
        """The keys that verify the log's checkpoints."""
        ...

    def log_successions(self) -> bytes:
        """What the root said of the log's keys: a canonical JSON list of the files.

        The oldest comes first (`keys.log.succession`); asked for after `log_keys`, its last one
        names the keys that are in force.
        """
        ...

    def log_head(self) -> bytes:
        """The text of the last checkpoint signed, empty before the first."""
        ...

    def sign_checkpoint(self, checkpoint: bytes, path: bytes, published: bytes) -> bytes:
        """Signs a head of the log that continues the last one signed; gives the signed note.

        Args:
            checkpoint: the text, three lines.
            path: the consistency proof from the custodian's `log_head`, hashes one after the
                other.
            published: the last signed note that is known, empty before the first.

        Raises:
            NoteMalformed, NoteNotSigned: a text, a path or a note is not one.
            LogKeyEnded: `published` is by keys that had ended before it.
            LogOfAnother: another origin than the last one's.
            LogRolledBack: fewer entries than were signed.
            LogForked: it does not continue what was signed.
            LogHeadLost: `published` is beyond what this custodian remembers: its store was
                restored from a copy, or another custodian has the same keys.
        """
        ...

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

    def sign_receipts(self, root_statement: bytes) -> Signatures:
        """Signs the root over one commit's receipts, with the service key.

        Raises:
            ReceiptMalformed: it is not the statement of a root.
        """
        ...

    def certify_token_key(self, statement: bytes) -> Signatures:
        """Signs the statement of a day's token key, with the certifying key.

        Raises:
            TokenKeyMalformed: it is not one, or its period is too long.
        """
        ...

    def client_authority(self) -> bytes:
        """The certificate of the authority of the posts' certificates, DER."""
        ...

    def client_authorities(self) -> bytes:
        """The PEM of the authorities whose certificates may be in force, that of today first."""
        ...

    def certify_client_key(self, statement: bytes) -> bytes:
        """Makes the certificate of a post's API key, DER (`keys.certificates`).

        Raises:
            ClientKeyMalformed: it is no statement of such a key, its period is too long or begins
                later, or its key is of no point.
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

    def desk_keys(self) -> bytes:
        """Gives the public keys of the pouch bureau's two desks: 32 bytes of Ed25519 each."""
        ...

    def sign_event(self, device: bytes, statement: bytes) -> bytes:
        """Signs a custody event in which one of the desks takes part (Ed25519, 64 bytes).

        Args:
            device: id of the desk, in ASCII.
            statement: the event's canonical bytes.

        Raises:
            EventNotOfDesk: it is no event, names other devices, or no desk is called so.
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

    def key_versions(self) -> bytes:
        """Gives the states of the custodian's keys by version (`keys.custody.versions.Book`)."""
        ...

    def make_backup_part(self) -> bytes:
        """Seals the custodian's store, as it is, to the key of backups that its user admitted.

        Returns:
            The head of the sealed part (`keys.custody.parts.PartHead`).

        Raises:
            BackupKeyNotAdmitted: none was, or the keys are in no store.
        """
        ...

    def backup_part_piece(self, sha256: bytes, offset: bytes) -> bytes:
        """Gives a piece of the part that was made last; nothing at its end.

        Args:
            sha256: of the part, as its head has it.
            offset: where the piece begins, in decimal digits.

        Raises:
            BackupKeyNotAdmitted: the keys are in no store.
            RequestMalformed: another part was made since, or it is no offset.
        """
        ...

    def suspend_key(self, key: bytes, number: bytes, reason: bytes) -> bytes:
        """Suspends a version of a key at once: one person suffices for what makes things safer.

        Args:
            key: its name, such as `bureau/MINREX`.
            number: of the version, in decimal digits.
            reason: one line of 1 to 200 characters.

        Returns:
            The version as it stands then: canonical JSON of `KeyVersion.to_object`.

        Raises:
            KeyVersionUnknown: there is none.
            KeyTransitionIllegal: it is compromised or destroyed already.
        """
        ...

    def compromise_key(self, key: bytes, number: bytes, reason: bytes) -> bytes:
        """Calls a version of a key compromised, for ever; as `suspend_key`."""
        ...

    def officers(self) -> bytes:
        """Gives the roll of officers as far as it may be shown; see `Officers.listing`.

        Raises:
            OfficersNotFounded: the founding ceremony was not closed.
        """
        ...

    def officer_challenge(self) -> bytes:
        """Gives a nonce for one answer of an officer's security key, within 300 seconds.

        Raises:
            OfficersNotFounded: the founding ceremony was not closed.
        """
        ...

    def register_officer_key(self, nonce: bytes, response: bytes) -> bytes:
        """Verifies a new security key, for an act to give to somebody.

        Raises:
            Refusal: see `Officers.register_key`.
        """
        ...

    def approve_act(self, act: bytes, nonce: bytes, response: bytes) -> bytes:
        """Takes an officer's signature under an act, and does the act once it is approved.

        Raises:
            Refusal: see `Officers.approve_act`.
        """
        ...

    def open_grant(self, grant: bytes, nonce: bytes, response: bytes) -> bytes:
        """Takes an officer's grant (`keys.custody.grants`); gives its token, 32 bytes.

        Raises:
            Refusal: see `Officers.open_grant`.
        """
        ...

    def close_grant(self, token: bytes) -> None:
        """Ends a grant; whoever has its token may."""
        ...

    def close(self) -> None:
        """Lets go of connections; a later act would make new ones."""
        ...
