"""Dispatches on the wire: submission, listing, upload, arrival.

A submission body is `4-byte big-endian length L || L bytes of canonical JSON
{"signature": base64, "slip": {...}} || the envelope's bytes to the end`, as `keys/slips.py`
defines. Lists carry what the slip says and nothing of the content.
"""

from typing import Final, Literal

from pydantic import Field

from cipher_service.wire.fields import (
    Count,
    Cursor,
    Line,
    Marking,
    PostCode,
    Sha256,
    SignedDocument,
    Timestamp,
    Ulid,
    UploadId,
    WireModel,
)
from keys.slips import SUBMISSION_TYPE

SUBMISSION_MEDIA_TYPE: Final = SUBMISSION_TYPE
ENVELOPE_MEDIA_TYPE: Final = "application/vnd.depeche.envelope"
CHUNK_MEDIA_TYPE: Final = "application/offset+octet-stream"
RECEIPT_MEDIA_TYPE: Final = "application/json"

Delivery = Literal["cipher", "pouch"]
Role = Literal["action", "info", "copy"]
State = Literal["pending", "fetched", "delivered", "deciphered", "refused"]
ReceiptKind = Literal["submitted", "delivered", "deciphered", "refused"]


class EnvelopeFacts(WireModel):
    """The sealed envelope: SHA-256 and size in bytes. The hash is also its ETag."""

    sha256: Sha256
    size: Count


class SeriesNumber(WireModel):
    """A number of the gap-free series between one origin and one addressee."""

    epoch: Count
    number: int = Field(ge=1, le=2**31 - 1)


class Addressee(WireModel):
    """One addressee as the slip names it."""

    post: PostCode
    fingerprint: Sha256
    role: Role
    precedence: Marking
    delivery: Delivery
    series: SeriesNumber | None


class DispatchItem(WireModel):
    """A line of the inbox: what the caller needs to order and fetch a dispatch."""

    cursor: Cursor
    dispatch_id: Ulid
    register_number: Line = Field(description="the ministry's own number, such as 2026/000123")
    origin: PostCode
    kind: Line
    level: Marking
    caveats: list[Marking]
    dtg: Line
    role: Role
    precedence: Marking
    delivery: Delivery
    series: SeriesNumber | None
    envelope: EnvelopeFacts
    received_at: Timestamp
    state: State


class DispatchPage(WireModel):
    """`GET /v1/dispatches`: highest precedence first, then order of arrival.

    `next` is the `after` of the following page, null on the last one.
    """

    items: list[DispatchItem]
    next: Cursor | None


class DispatchRecord(WireModel):
    """`GET /v1/dispatches/{id}`: the slip as its origin signed it, and the register's facts."""

    dispatch_id: Ulid
    register_number: Line
    received_at: Timestamp
    slip: SignedDocument
    signature: Line


class Upload(WireModel):
    """A resumable upload: how many bytes the server holds durably, of how many."""

    upload: UploadId
    dispatch_id: Ulid
    offset: Count
    size: Count


class ReceiptItem(WireModel):
    """One receipt: the ministry's (`submitted`) or an addressee's."""

    kind: ReceiptKind
    post: PostCode | None = Field(description="whose receipt it is; null for the ministry's")
    recorded_at: Timestamp
    receipt: SignedDocument


class ReceiptList(WireModel):
    """`GET /v1/dispatches/{id}/receipts`, in order of arrival."""

    items: list[ReceiptItem]


class ReceiptRecorded(WireModel):
    """Answer of `POST /v1/receipts` (201, or 200 when it was there already)."""

    dispatch_id: Ulid
    post: PostCode
    kind: ReceiptKind


class ServiceMessageItem(WireModel):
    """A service message (request for a missing number, correction, ...) with its place."""

    cursor: Cursor
    received_at: Timestamp
    message: SignedDocument


class ServiceMessagePage(WireModel):
    """`GET /v1/service-messages`, in order of arrival."""

    items: list[ServiceMessageItem]
    next: Cursor | None


class ServiceMessageRecorded(WireModel):
    """Answer of `POST /v1/service-messages` (201, or 200 when it was there already)."""

    id: Ulid


class Arrival(WireModel):
    """Data of the event `arrival` on `GET /v1/arrivals`; the event's id is its cursor."""

    dispatch_id: Ulid
    origin: PostCode
    precedence: Marking
    received_at: Timestamp
