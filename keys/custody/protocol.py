"""What a custodian does: typed acts, each judged by the custodian itself.

Here stand what it tells of itself, what becomes of its keys and who its officers are. The acts with
the bureau's keys are in `keys.custody.bureau_protocol`, those with the service's own in
`keys.custody.service_protocol`.

Arguments and answers are plain bytes wherever a process boundary may lie, so that the custodian
parses for itself what it is asked to put its name to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from keys.custody.bureau_protocol import BureauActsAsked
from keys.custody.service_protocol import ServiceActsAsked

if TYPE_CHECKING:
    from keys.cards import Card
    from keys.custody.compartment import CustodyState


class Custodian(BureauActsAsked, ServiceActsAsked, Protocol):
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

    def key_versions(self) -> bytes:
        """Gives the states of the custodian's keys by version (`keys.custody.book.Book`)."""
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
