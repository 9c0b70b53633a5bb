"""The keys in this process, who may have them act, and what becomes of them.

Stores and sockets stand around it. What the bureau's keys sign and open is in
`keys.custody.bureau_signing` and `keys.custody.bureau_opening`; the acts with the service's own
keys are in `keys.custody.service_acts`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from keys import canonical
from keys.cards import Card
from keys.custody.book import BookInMemory, BookKeeper
from keys.custody.bureau_opening import BureauOpening
from keys.custody.bureau_signing import BureauSigning
from keys.custody.clock import system_clock
from keys.custody.compartment import CustodyState, NoLock, SecretCompartment
from keys.custody.demands import Demands
from keys.custody.editions import BureauKeys
from keys.custody.errors import (
    BackupKeyNotAdmitted,
    CustodySealed,
    OfficersNotFounded,
    RequestMalformed,
    StoreInvalid,
    StoreUnsafe,
)
from keys.custody.lasting import ROOT_KEY
from keys.custody.log_keys import HeadInMemory
from keys.custody.prekeys import BureauPrekeys, StockInMemory, StockKeeper
from keys.custody.service_acts import ServiceActs
from keys.custody.service_keys import ServiceKeys
from keys.custody.shares import read_share
from keys.custody.versions import Versions
from keys.endorsement import root_fingerprint
from keys.lifecycle import COMPROMISED, SUSPENDED

if TYPE_CHECKING:
    from datetime import datetime

    from keys.custody.log_keys import Heads
    from keys.custody.officers import Officers
    from keys.custody.parts import PartMaker
    from keys.custody.service_keys import ServiceCompartment


class Custody(BureauSigning, BureauOpening, ServiceActs):
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
        """The states of the custodian's keys, which are written as they are told.

        A rotation that was killed before the states said so has its moment then: whoever asks
        again, or types the rotation again, is told the same one.
        """
        return self._versions.remember().encode()

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
