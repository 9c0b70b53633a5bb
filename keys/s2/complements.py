"""A card's complement: the public keys of suite S2 that go with it, vouched for by all of them.

    complement = make_complement(identity.card, identity.signing_key, identity.hybrid_key)
    read_complement(data, card)             # by whoever trusts the card

A card has one shape for ever; what suite S2 needs besides stands in this statement, which names the
card. The card's own keys sign it, and so does the ML-DSA-87 key that it publishes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA87PublicKey

from keys import canonical
from keys.errors import ComplementInvalid, SignatureInvalid
from keys.records import FINGERPRINT, POST, Record
from keys.s2.recipients import RECIPIENT_SIZE, S2Key, parse_recipient
from keys.signing import (
    COMPLEMENT,
    ED25519_SIGNATURE_BYTES,
    MLDSA65_SIGNATURE_BYTES,
    MLDSA87_PUBLIC_BYTES,
    MLDSA87_SIGNATURE_BYTES,
    Signatures,
    SigningKey,
)

if TYPE_CHECKING:
    from keys.age.hybrid import HybridKey
    from keys.cards import Card

COMPLEMENT_BYTES_MAX: Final = 32 * 1024


@dataclass(frozen=True)
class Complement:
    """The S2 keys of one card.

    Attributes:
        post: the card's.
        card: the card's fingerprint.
        recipient: 1,665 raw bytes (ML-KEM-1024, then P-384).
        mldsa87: raw public key, 2,592 bytes.
        signatures: three, over `statement`.
    """

    post: str
    card: str
    recipient: bytes
    mldsa87: bytes
    signatures: Signatures

    @cached_property
    def statement(self) -> bytes:
        """The canonical bytes that are signed and fingerprinted."""
        return canonical.encode(
            {
                "v": 1,
                "type": COMPLEMENT,
                "post": self.post,
                "card": self.card,
                "recipient": canonical.text_from_bytes(self.recipient),
                "mldsa87": canonical.text_from_bytes(self.mldsa87),
            }
        )

    @cached_property
    def fingerprint(self) -> str:
        """Lower-case hexadecimal SHA-256 of `statement`."""
        return hashlib.sha256(self.statement).hexdigest()

    def to_bytes(self) -> bytes:
        """The file: canonical JSON, no final newline."""
        signed = self.signatures
        return canonical.encode(
            {
                "statement": canonical.decode(self.statement),
                "signatures": {
                    "ed25519": canonical.text_from_bytes(signed.ed25519),
                    "mldsa65": canonical.text_from_bytes(signed.mldsa65),
                    "mldsa87": canonical.text_from_bytes(signed.mldsa87),
                },
            }
        )

    def verify(self, context: str, message: bytes, signature: bytes) -> None:
        """Demands the ML-DSA-87 signature over `message` in `context`.

        Raises:
            SignatureInvalid: it does not hold.
        """
        try:
            key = MLDSA87PublicKey.from_public_bytes(self.mldsa87)
            key.verify(signature, message, context.encode())
        except InvalidSignature as error:
            raise SignatureInvalid("the ML-DSA-87 signature does not hold") from error


def make_complement(card: Card, signing: SigningKey, hybrid: HybridKey) -> Complement:
    """Makes the complement of a card with its secret keys."""
    unsigned = Complement(
        post=card.post,
        card=card.fingerprint,
        recipient=S2Key(hybrid).recipient,
        mldsa87=signing.mldsa87_public,
        signatures=Signatures(b"", b""),
    )
    return replace(unsigned, signatures=signing.sign_thrice(COMPLEMENT, unsigned.statement))


def read_complement(data: bytes, card: Card) -> Complement:
    """Reads the complement of a card that is trusted, and checks that it is that.

    The order: 1. size, canonical JSON and members; 2. it names the card; 3. the keys; 4. the three
    signatures.

    Raises:
        ComplementInvalid: at the first of these that fails.
    """
    # 1.
    if len(data) > COMPLEMENT_BYTES_MAX:
        raise ComplementInvalid(f"a complement is at most {COMPLEMENT_BYTES_MAX} bytes")
    try:
        complement = _read(Record(canonical.decode(data.removesuffix(b"\n")), "complement"))
        # 2.
        if (complement.post, complement.card) != (card.post, card.fingerprint):
            raise ComplementInvalid(f"the complement is not that of this card of {card.post}")
        # 3.
        parse_recipient(complement.recipient)
    except ValueError as error:
        raise ComplementInvalid(str(error)) from error
    # 4.
    statement, signed = complement.statement, complement.signatures
    try:
        card.verifying_key.verify(COMPLEMENT, statement, signed)
        complement.verify(COMPLEMENT, statement, signed.mldsa87)
    except SignatureInvalid as error:
        raise ComplementInvalid(str(error)) from error
    return complement


def _read(record: Record) -> Complement:
    said, signed = record.record("statement"), record.record("signatures")
    record.close()
    said.constant("v", 1)
    said.constant("type", COMPLEMENT)
    complement = Complement(
        post=said.text("post", POST),
        card=said.text("card", FINGERPRINT),
        recipient=said.octets("recipient", RECIPIENT_SIZE),
        mldsa87=said.octets("mldsa87", MLDSA87_PUBLIC_BYTES),
        signatures=Signatures(
            ed25519=signed.octets("ed25519", ED25519_SIGNATURE_BYTES),
            mldsa65=signed.octets("mldsa65", MLDSA65_SIGNATURE_BYTES),
            mldsa87=signed.octets("mldsa87", MLDSA87_SIGNATURE_BYTES),
        ),
    )
    said.close()
    signed.close()
    return complement
