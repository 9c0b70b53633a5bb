"""What a custodian does with the service's own keys, sealed or not: see `keys.custody.protocol`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from keys.log.succession import LogVerifiers
    from keys.signing import Signatures, VerifyingKey


class ServiceActsAsked(Protocol):
    """The acts with receipts', log, token, authority and desk keys, which need no warrant."""

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
