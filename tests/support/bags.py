"""Devices that tell of bags: real keys, and events in the order in which a story needs them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from keys import canonical
from keys.devices import EVENT, device_id
from keys.signing import SigningKey
from pouch.alarms import Announcement, Leg, Route
from pouch.enrolment import ENROLMENT, Enrolment
from pouch.events import Event, Witness, sign_event
from pouch.facts import (
    INTACT,
    Accounted,
    Facts,
    HandedOver,
    Opened,
    Prepared,
    Received,
    Sealed,
)

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BAG = "0000000000000000000017"
SEAL = "5ea1" * 8
MANIFEST = "0d" * 32
NUMBERS = ("CM-48213", "CM-90177")
NONCE = "a5" * 16
ROUTE = Route(
    (
        Leg("MINREX", "NSI", timedelta(minutes=40)),
        Leg("NSI", "CDG", timedelta(hours=6)),
        Leg("CDG", "PARIS", timedelta(minutes=30)),
    )
)
ANNOUNCED = Announcement(SEAL, BAG, MANIFEST, NUMBERS, ROUTE)


def enrolment_of(device: "Device", post: str, officer: str = "PAUL") -> bytes:
    """What a device says of itself in its exported queue."""
    told = Enrolment(device.public, officer, post)
    signature = device.key.sign_ed25519(ENROLMENT, told.encode())
    said = {"ed25519": told.ed25519, "signature": signature}
    return canonical.encode(
        {
            **{name: canonical.text_from_bytes(value) for name, value in said.items()},
            "officer": officer,
            "post": post,
        }
    )


def seed(name: str) -> bytes:
    """32 bytes that are the same in every run."""
    return sha256(name.encode()).digest()


@dataclass
class Device:
    """A telephone with its key and its numbering."""

    name: str
    told: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = SigningKey(seed(self.name), seed(f"{self.name} second"))

    @property
    def public(self) -> bytes:
        return self.key.verifying_key.ed25519

    @property
    def id(self) -> str:
        return device_id(self.public)

    def sign(self, statement: bytes) -> bytes:
        return self.key.sign_ed25519(EVENT, statement)

    def tell(
        self,
        facts: Facts,
        *,
        officer: str,
        place: str = "MINREX",
        minutes: int = 0,
        witness: "tuple[Device, str] | None" = None,
        seal: str = SEAL,
        bag: str = BAG,
    ) -> Event:
        """Record an event `minutes` after noon, by this device's clock."""
        event = Event(
            device=self.id,
            counter=len(self.told) + 1,
            previous=self.told[-1].id if self.told else None,
            bag=bag,
            seal=seal,
            at=NOON + timedelta(minutes=minutes),
            place=place,
            officer=officer,
            witness=None if witness is None else Witness(witness[0].id, witness[1]),
            facts=facts,
        )
        self.told.append(event)
        return event


def signed(event: Event, *devices: Device) -> bytes:
    """The event's file, signed by the devices given, the telling one first."""
    return sign_event(event, devices[0].sign, devices[1].sign if len(devices) > 1 else None)


def sealed(manifest: str = MANIFEST, numbers: tuple[str, ...] = NUMBERS) -> Sealed:
    return Sealed(manifest=manifest, seals=numbers, weight_g=7400)


def received(numbers: tuple[str, ...] = NUMBERS) -> Received:
    return Received(seals=numbers, condition=INTACT, weight_g=7395)


@dataclass
class Voyage:
    """A bag's uneventful life from the ministry to Paris, by four devices."""

    desk: Device = field(default_factory=lambda: Device("desk"))
    second: Device = field(default_factory=lambda: Device("second"))
    courier: Device = field(default_factory=lambda: Device("courier"))
    post: Device = field(default_factory=lambda: Device("post"))

    def events(self) -> list[Event]:
        """Tell the whole life; seven events."""
        desk, second, courier, post = self.desk, self.second, self.courier, self.post
        return [
            desk.tell(Prepared(), officer="ABENA"),
            desk.tell(sealed(), officer="ABENA", minutes=10, witness=(second, "BIYA-C")),
            desk.tell(
                HandedOver(ordinal=1, condition=INTACT),
                officer="ABENA",
                minutes=20,
                witness=(courier, "KOUR"),
            ),
            courier.tell(
                HandedOver(ordinal=2, condition=INTACT),
                officer="KOUR",
                place="PARIS",
                minutes=560,
                witness=(post, "PAUL"),
            ),
            post.tell(received(), officer="PAUL", place="PARIS", minutes=570),
            post.tell(
                Opened(), officer="PAUL", place="PARIS", minutes=600, witness=(courier, "LEA")
            ),
            post.tell(
                Accounted(nonce=NONCE, complete=True), officer="PAUL", place="PARIS", minutes=640
            ),
        ]

    def keys(self) -> dict[str, bytes]:
        """The public keys by device id."""
        return {
            device.id: device.public for device in (self.desk, self.second, self.courier, self.post)
        }
