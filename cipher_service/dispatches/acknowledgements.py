"""What an addressee says of an envelope: delivered, deciphered or refused, signed by its card.

judged = judge(data, directory, caller="PARIS")          # in an API process
await registrar.call("record_receipt", judged.to_payload())
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection

from cipher_service.directory.register import Directory
from cipher_service.dispatches import repository
from cipher_service.dispatches.service import dispatch_for
from cipher_service.errors import ServiceError
from keys.errors import KeysError
from keys.post_receipts import parse_post_receipt, read_post_receipt


@dataclass(frozen=True, slots=True)
class JudgedReceipt:
    """A post's receipt whose signatures hold; `body` is its file.

    `checkpoint` is the head of the log that the post had verified, or None.
    """

    body: bytes
    dispatch_id: str
    post: str
    kind: str
    envelope_sha256: str
    checkpoint: str | None

    def to_payload(self) -> dict[str, Any]:
        """Return the payload of the registrar's command `record_receipt`."""
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        """Read what `to_payload` gave."""
        return cls(**payload)


def judge(data: bytes, directory: Directory, *, caller: str) -> JudgedReceipt:
    """Judge a receipt: it is the caller's, by one of its cards that were in force.

    Raises:
        ServiceError: RECEIPT_MALFORMED, ORIGIN_NOT_CALLER, CARD_NOT_CURRENT, RECEIPT_NOT_OF_KEY or
            SIGNATURE_INVALID.
    """
    try:
        receipt, _ = parse_post_receipt(data)
        if receipt.post != caller:
            raise ServiceError("ORIGIN_NOT_CALLER", origin=receipt.post, caller=caller)
        card = directory.cards.get(receipt.card)
        # A superseded card still receipts what was enciphered to it.
        if card is None or card.post != caller or card.state not in ("active", "superseded"):
            raise ServiceError("CARD_NOT_CURRENT", post=caller, fingerprint=receipt.card)
        read_post_receipt(data, card.card)
    except KeysError as error:
        raise ServiceError(error.code) from error
    return JudgedReceipt(
        data,
        receipt.dispatch_id,
        receipt.post,
        receipt.kind,
        receipt.envelope_sha256,
        receipt.checkpoint,
    )


def record(connection: Connection, judged: JudgedReceipt, now: datetime) -> bool:
    """File a receipt and move its line; False when one of this kind was filed before.

    The first receipt of a kind stays: a client that lost the answer may sign another with a later
    time, which changes nothing.

    Raises:
        ServiceError: NOT_FOUND (not an addressee), RECEIPT_OF_ANOTHER (another envelope).
    """
    seq, sha256 = dispatch_for(connection, judged.post, judged.dispatch_id)
    if sha256 != judged.envelope_sha256:
        raise ServiceError("RECEIPT_OF_ANOTHER", dispatch_id=judged.dispatch_id)
    created = repository.insert_post_receipt(
        connection, seq, judged.kind, judged.post, judged.body, now
    )
    if created:
        repository.advance_line(connection, seq, judged.post, judged.kind, now)
    return created
