"""A post's receipt: an addressee got, deciphered or refused an envelope.

It carries both signatures of the addressee's card, so that the origin can show years later that
the dispatch was delivered. The ministry's own receipt is in `keys.receipts`.

    data = make_post_receipt(PostReceipt(DELIVERED, ...), identity_or_custodian_signature)
    receipt = read_post_receipt(data, card)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.receipts import CHECKPOINT, ReceiptMalformed, ReceiptNotOfKey
from keys.records import FINGERPRINT, POST, ULID, Record
from keys.signing import RECEIPT, Signatures
from keys.statements import decode_signed, encode_signed, encode_statement, parse_statement

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from keys.cards import Card

DELIVERED: Final = "delivered"
DECIPHERED: Final = "deciphered"
REFUSED: Final = "refused"

_OUTCOME: Final = re.compile(f"{DELIVERED}|{DECIPHERED}|{REFUSED}")
_REASON: Final = re.compile(r"[A-Z][A-Z0-9_]{1,39}")


@dataclass(frozen=True, slots=True)
class PostReceipt:
    """An addressee's statement about an envelope.

    Attributes:
        kind: delivered, deciphered or refused.
        dispatch_id: ULID.
        post: code of the addressee.
        card: fingerprint of the addressee's card, which signs.
        envelope_sha256: of the whole age file that arrived, 64 hexadecimal digits.
        at: UTC, whole seconds.
        manifest_hash: hexadecimal SHA-256 of the manifest; for `deciphered` and only there.
        reason: code of the refusal (`KeysError.code`); for `refused` and only there.
        checkpoint: the addressee's latest verified log checkpoint (a signed note), or None.
    """

    kind: str
    dispatch_id: str
    post: str
    card: str
    envelope_sha256: str
    at: datetime
    manifest_hash: str | None = None
    reason: str | None = None
    checkpoint: str | None = None

    def encode(self) -> bytes:
        """Gives the canonical bytes that are signed in context `depeche/v1 receipt`.

        Raises:
            ReceiptMalformed: a field is not as it must be.
        """
        return encode_statement(self, _post_object, _read_post, ReceiptMalformed)

    @classmethod
    def parse(cls, data: bytes) -> PostReceipt:
        """Reads what `encode` gives; ReceiptMalformed for anything else, `submitted` included."""
        return parse_statement(data, _read_post, ReceiptMalformed)

    def require_card(self, card: Card) -> None:
        """Demands that the receipt names `card` and its post.

        Raises:
            ReceiptNotOfKey: it names another.
        """
        if (self.post, self.card) != (card.post, card.fingerprint):
            raise ReceiptNotOfKey(f"the receipt is of {self.post}, not of this card of {card.post}")


def make_post_receipt(receipt: PostReceipt, sign: Callable[[bytes], Signatures]) -> bytes:
    """Makes the file of a post's receipt.

    Args:
        receipt: what to state.
        sign: both signatures in context `depeche/v1 receipt` by the card that the receipt names; a
            custodian's `sign_post_receipt` fits.

    Raises:
        ReceiptMalformed: a field is not as it must be.
    """
    statement = receipt.encode()
    return encode_signed(statement, sign(statement))


def parse_post_receipt(data: bytes) -> tuple[PostReceipt, Signatures]:
    """Reads a post's receipt without believing it: for finding the card to check it against.

    Raises:
        ReceiptMalformed: not canonical JSON of the one shape.
    """
    statement, signatures = decode_signed(data, "receipt", ReceiptMalformed)
    return PostReceipt.parse(statement), signatures


def read_post_receipt(data: bytes, card: Card) -> PostReceipt:
    """Reads a post's receipt and checks it against the post's card.

    Raises:
        ReceiptMalformed: not canonical JSON of the one shape.
        ReceiptNotOfKey: it names another post or another card.
        SignatureInvalid: either signature does not hold.
    """
    receipt, signatures = parse_post_receipt(data)
    receipt.require_card(card)
    card.verifying_key.verify(RECEIPT, receipt.encode(), signatures)
    return receipt


def _post_object(receipt: PostReceipt) -> dict[str, Any]:
    return {
        "v": 1,
        "type": RECEIPT,
        "kind": receipt.kind,
        "dispatch_id": receipt.dispatch_id,
        "post": receipt.post,
        "card": receipt.card,
        "envelope_sha256": receipt.envelope_sha256,
        "manifest_hash": receipt.manifest_hash,
        "at": canonical.text_from_time(receipt.at),
        "reason": receipt.reason,
        "checkpoint": receipt.checkpoint,
    }


def _read_post(record: Record) -> PostReceipt:
    record.constant("v", 1)
    record.constant("type", RECEIPT)
    receipt = PostReceipt(
        kind=record.text("kind", _OUTCOME),
        dispatch_id=record.text("dispatch_id", ULID),
        post=record.text("post", POST),
        card=record.text("card", FINGERPRINT),
        envelope_sha256=record.text("envelope_sha256", FINGERPRINT),
        manifest_hash=record.optional_text("manifest_hash", FINGERPRINT),
        at=record.time("at"),
        reason=record.optional_text("reason", _REASON),
        checkpoint=record.optional_text("checkpoint", CHECKPOINT),
    )
    record.close()
    if (receipt.manifest_hash is not None) != (receipt.kind == DECIPHERED):
        raise ValueError("receipt.manifest_hash belongs to a deciphered dispatch and only there")
    if (receipt.reason is not None) != (receipt.kind == REFUSED):
        raise ValueError("receipt.reason belongs to a refused envelope and only there")
    return receipt
