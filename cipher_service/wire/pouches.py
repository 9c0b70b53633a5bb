"""The shapes of what posts say and hear about pouches."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from cipher_service.wire.fields import (
    Base64,
    Count,
    Marking,
    PostCode,
    Sha256,
    SignedDocument,
    Timestamp,
    WireModel,
)

SEAL: Final = r"^[0-9a-f]{32}$"
EVENTS_MOST: Final = 200

SealId = Annotated[str, StringConstraints(pattern=SEAL)]
BagNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{22}$")]
SealNumber = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]{3,19}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{1,39}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{1,39}$")]


Reference = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9./-]{0,39}$")]
OfficerCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9._-]{1,39}$")]


class DeviceRequest(WireModel):
    """A device of the caller's that is to tell of bags."""

    ed25519: Base64


class DeviceRecorded(WireModel):
    """The device's id, which its events name."""

    device: Sha256


class DeviceClock(WireModel):
    """What time it is for a device, at the moment of sending."""

    device: Sha256
    time: Timestamp


class EventsRequest(WireModel):
    """Custody events as their devices signed them, in any order, sent before or not.

    `clock` is of the device that is being emptied; null when events of others are only carried.
    """

    clock: DeviceClock | None
    events: Annotated[list[SignedDocument], Field(min_length=1, max_length=EVENTS_MOST)]


class MakeUpRequest(WireModel):
    """The event `prepared` that begins the make-up of a bag, and what it is made up for."""

    event: SignedDocument
    departure: Reference
    bag_class: Marking


class LineRequest(WireModel):
    """A scanned item as the service may know it; `body` is the line as age ciphertext."""

    line: Annotated[int, Field(ge=1, le=500)]
    officer: OfficerCode
    commitment: Sha256
    level: Marking
    quantity: Annotated[int, Field(ge=1, le=100_000)]
    weight_g: Annotated[int, Field(ge=1, le=2_000_000)]
    body: Base64


class SealingRequest(WireModel):
    """The event `sealed` of two persons, and what the server checks it against.

    `head` is the hash of the manifest without its lines; `absent` lists what the certifier checked
    to be absent.
    """

    event: SignedDocument
    head: Sha256
    nonce_sha256: Sha256
    certifier: OfficerCode
    absent: Annotated[list[Word], Field(max_length=20)]


class MakeUpState(WireModel):
    """Whether this call changed anything; False when the very same was on record."""

    new: bool


class Difference(WireModel):
    """What a receipt found against what was sealed; `what` is a seal's number or empty."""

    kind: Word
    what: str


class EventAnswer(WireModel):
    """What became of one event.

    `refusal` names why it is not on record. `receipt` is `granted`, `second` or `withheld` for a
    receipt; `granted`, `wrong-nonce` or `withheld` for a discharge; null for any other. `expected`
    gives the numbers of the physical seals, after the typed ones are on record and to the receiver
    only.
    """

    id: Sha256 | None
    refusal: Code | None
    new: bool
    receipt: Word | None
    expected: list[SealNumber]
    differences: list[Difference]
    alarms: list[Word]


class EventsAnswer(WireModel):
    """One answer for each event, in the order sent."""

    answers: list[EventAnswer]


class EmptiesRecorded(WireModel):
    """How many empty bags are announced under a number; `new` is false when they were before."""

    number: str
    bags: int
    new: bool


class PouchReceipt(WireModel):
    """Where and when the one receipt of a closing was granted; whether it is discharged."""

    post: PostCode
    granted_at: Timestamp
    discharged: bool


class PouchRecord(WireModel):
    """A closing as its origin, its destination and the posts on its route may see it.

    It shows no number of a physical seal: the receiver types them blindly.
    """

    seal: SealId
    bag: BagNumber
    origin: PostCode
    destination: PostCode
    mode: Word
    departs: Timestamp
    due: Timestamp
    stage: Word
    sealed: bool
    lost: bool
    recalled: bool
    events: Count
    receipt: PouchReceipt | None
    alarms: list[Word]
