"""A post's card: the public keys with which others write to it and know its hand.

A card is canonical JSON, published in the directory and carried in the pouch. Its fingerprint is
SHA-256 over the whole canonical card (post, edition, validity, all three public keys, the
fingerprint of the card before it), so that no part can be exchanged; people compare it over a
telephone. The card signs itself with both its keys, which proves possession and nothing more:
whether the card is PARIS's is a matter of the directory, or of the telephone.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.age.bech32 import decode_recipient, encode_recipient
from keys.age.hybrid import parse_recipient
from keys.errors import CardInvalid, CardNotInForce, SignatureInvalid
from keys.records import FINGERPRINT, POST, Record
from keys.signing import (
    CARD,
    ED25519_PUBLIC_BYTES,
    ED25519_SIGNATURE_BYTES,
    MLDSA65_PUBLIC_BYTES,
    MLDSA65_SIGNATURE_BYTES,
    Signatures,
    VerifyingKey,
)

if TYPE_CHECKING:
    from datetime import datetime

    from keys.signing import SigningKey

CARD_BYTES_MAX: Final = 32 * 1024
_RECIPIENT = re.compile(r"age1pq1[02-9ac-hj-np-z]{1952}")


@dataclass(frozen=True)
class Card:
    """One edition of a post's public keys.

    Attributes:
        post: code of the post, `^[A-Z0-9][A-Z0-9-]{1,15}$`.
        edition: 1 for the first card of a post, then one more each time.
        valid_from: UTC, whole seconds, included.
        valid_until: UTC, whole seconds, excluded.
        recipient: the hybrid age recipient, 1,216 raw bytes (ML-KEM-768 ‖ X25519).
        ed25519: raw public key, 32 bytes.
        mldsa65: raw public key, 1,952 bytes.
        previous: fingerprint of the edition before, None for the first.
        signatures: by this card's own keys over `statement`, context `depeche/v1 card`.
    """

    post: str
    edition: int
    valid_from: datetime
    valid_until: datetime
    recipient: bytes
    ed25519: bytes
    mldsa65: bytes
    previous: str | None
    signatures: Signatures

    @cached_property
    def statement(self) -> bytes:
        """The canonical bytes that are signed and fingerprinted."""
        return canonical.encode(_statement(self))

    @cached_property
    def fingerprint(self) -> str:
        """Lower-case hexadecimal SHA-256 of `statement`."""
        return hashlib.sha256(self.statement).hexdigest()

    @cached_property
    def verifying_key(self) -> VerifyingKey:
        """Both public signature keys."""
        return VerifyingKey(self.ed25519, self.mldsa65)

    def to_bytes(self) -> bytes:
        """The card file: canonical JSON, no final newline."""
        return canonical.encode(
            {
                **_statement(self),
                "fingerprint": self.fingerprint,
                "signatures": {
                    "ed25519": canonical.text_from_bytes(self.signatures.ed25519),
                    "mldsa65": canonical.text_from_bytes(self.signatures.mldsa65),
                },
            }
        )

    def require_in_force(self, time: datetime) -> None:
        """Demands `valid_from <= time < valid_until`.

        Raises:
            CardNotInForce: `time` is outside.
        """
        if not self.valid_from <= time < self.valid_until:
            raise CardNotInForce(
                f"the card of {self.post}, edition {self.edition}, is not in force at "
                f"{canonical.text_from_time(time)}"
            )


def issue_card(
    signing_key: SigningKey,
    recipient: bytes,
    *,
    post: str,
    edition: int,
    valid_from: datetime,
    valid_until: datetime,
    previous: str | None = None,
) -> Card:
    """Makes and signs a card; see `Card` for the fields.

    Raises:
        CardInvalid: a field is not as a card's must be (the card is read back before it is given).
        ValueError: a time has no zone or is not a whole second.
    """
    public = signing_key.verifying_key
    unsigned = Card(
        post=post,
        edition=edition,
        valid_from=valid_from,
        valid_until=valid_until,
        recipient=recipient,
        ed25519=public.ed25519,
        mldsa65=public.mldsa65,
        previous=previous,
        signatures=Signatures(b"", b""),
    )
    signatures = signing_key.sign(CARD, unsigned.statement)
    return read_card(replace(unsigned, signatures=signatures).to_bytes())


def read_card(data: bytes) -> Card:
    """Reads a card file and checks that it is one, whole and self-signed.

    The order: 1. size and canonical JSON (one final newline is forgiven: text editors add it);
    2. the members; 3. the keys; 4. the fingerprint; 5. both signatures.

    Raises:
        CardInvalid: at the first of these that fails.
    """
    # 1.
    if len(data) > CARD_BYTES_MAX:
        raise CardInvalid(f"a card is at most {CARD_BYTES_MAX} bytes")
    try:
        record = Record(canonical.decode(data.removesuffix(b"\n")), "card")
        # 2. and 3.
        card, fingerprint = _read_members(record)
    except ValueError as error:
        raise CardInvalid(str(error)) from error
    # 4.
    if fingerprint != card.fingerprint:
        raise CardInvalid("the card is not the one that its fingerprint names")
    # 5.
    try:
        card.verifying_key.verify(CARD, card.statement, card.signatures)
    except SignatureInvalid as error:
        raise CardInvalid(f"the card is not signed by its own keys: {error}") from error
    return card


def grouped(fingerprint: str) -> str:
    """A fingerprint in groups of four, for reading over a telephone."""
    return " ".join(fingerprint[start : start + 4] for start in range(0, len(fingerprint), 4))


def _statement(card: Card) -> dict[str, Any]:
    return {
        "v": 1,
        "type": CARD,
        "post": card.post,
        "edition": card.edition,
        "valid_from": canonical.text_from_time(card.valid_from),
        "valid_until": canonical.text_from_time(card.valid_until),
        "recipient": encode_recipient(card.recipient),
        "ed25519": canonical.text_from_bytes(card.ed25519),
        "mldsa65": canonical.text_from_bytes(card.mldsa65),
        "previous": card.previous,
    }


def _read_members(record: Record) -> tuple[Card, str]:
    record.constant("v", 1)
    record.constant("type", CARD)
    fingerprint = record.text("fingerprint", FINGERPRINT)
    signatures = record.record("signatures")
    card = Card(
        post=record.text("post", POST),
        edition=record.integer("edition", least=1),
        valid_from=record.time("valid_from"),
        valid_until=record.time("valid_until"),
        recipient=_read_recipient(record.text("recipient", _RECIPIENT)),
        ed25519=record.octets("ed25519", ED25519_PUBLIC_BYTES),
        mldsa65=record.octets("mldsa65", MLDSA65_PUBLIC_BYTES),
        previous=record.optional_text("previous", FINGERPRINT),
        signatures=Signatures(
            ed25519=signatures.octets("ed25519", ED25519_SIGNATURE_BYTES),
            mldsa65=signatures.octets("mldsa65", MLDSA65_SIGNATURE_BYTES),
        ),
    )
    signatures.close()
    record.close()
    if card.valid_from >= card.valid_until:
        raise ValueError("card.valid_until is not after card.valid_from")
    if (card.edition == 1) != (card.previous is None):
        raise ValueError("card.previous is there from the second edition on, and only then")
    return card, fingerprint


def _read_recipient(text: str) -> bytes:
    recipient = decode_recipient(text)
    parse_recipient(recipient)
    return recipient
