"""Custody events: what happened to a bag, told by a device and signed by it.

An event is canonical JSON of one closed shape (CUSTODY.md §1). Its id is the
SHA-256 of those bytes, so telling it twice is telling it once. Each device numbers what it tells
and names the id before, so that a lost, forked or reordered record shows. An act of two persons
carries the signature of the second person's device over the same bytes. Nothing is ever changed:
whoever was wrong tells a correction.

    told = sign_event(event, device_sign, witness_sign)
    event = read_event(told, {device: public key})
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

from keys import canonical
from keys.devices import EVENT
from keys.errors import Refusal
from keys.records import FINGERPRINT, POST, Record
from keys.signing import ED25519_SIGNATURE_BYTES, verify_ed25519
from keys.statements import encode_statement, parse_statement
from pouch.facts import READERS, Facts, facts_object
from pouch.manifest import BAG, OFFICER, SEAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

EVENT_BYTES_MAX: Final = 16 * 1024


class EventMalformed(Refusal):
    """An event is not canonical JSON of the one shape, or lacks the second person of its act."""

    code: ClassVar[str] = "EVENT_MALFORMED"


class DeviceUnknown(Refusal):
    """An event names a device whose key is not among those at hand."""

    code: ClassVar[str] = "DEVICE_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Witness:
    """The second person of an act, with the device that signs for them."""

    device: str
    officer: str


@dataclass(frozen=True)
class Event:
    """One fact about one closing of one bag.

    Attributes:
        device: id of the device that tells (`keys.devices.device_id`), 64 hexadecimal digits.
        counter: 1 for the first event of a device, then one more each time.
        previous: id of the device's event before, None for its first.
        bag: 22 digits, the bag's own number.
        seal: 32 hexadecimal digits, the closing that the event is about.
        at: by the device's clock, UTC, whole seconds.
        place: code of the post or airport where it happened.
        officer: who acts, by code.
        witness: the second person; for the kinds in `facts.TWO_PERSONS` always, else perhaps.
        facts: what happened; its type says the kind.
    """

    device: str
    counter: int
    previous: str | None
    bag: str
    seal: str
    at: datetime
    place: str
    officer: str
    witness: Witness | None
    facts: Facts

    @property
    def kind(self) -> str:
        """The kind of event, such as `sealed`."""
        return self.facts.kind

    @cached_property
    def statement(self) -> bytes:
        """The canonical bytes that are signed and hashed.

        Raises:
            EventMalformed: a field is not as it must be.
        """
        return encode_statement(self, _object_of, _read, EventMalformed)

    @cached_property
    def id(self) -> str:
        """Lower-case hexadecimal SHA-256 of `statement`."""
        return hashlib.sha256(self.statement).hexdigest()


def sign_event(
    event: Event,
    sign: Callable[[bytes], bytes],
    witness_sign: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """Makes the file of an event.

    Args:
        event: what to tell.
        sign: Ed25519 in context `valise/v1 event` by the device that the event names.
        witness_sign: likewise by the witness's device; there exactly if the event has a witness.

    Raises:
        EventMalformed: a field is not as it must be, or a signature too few or too many.
    """
    if (event.witness is None) != (witness_sign is None):
        raise EventMalformed("an event with a witness has the witness's signature, and only then")
    signers = (sign,) if witness_sign is None else (sign, witness_sign)
    return canonical.encode(
        {
            "statement": canonical.decode(event.statement),
            "signatures": [canonical.text_from_bytes(by(event.statement)) for by in signers],
        }
    )


def parse_event(data: bytes) -> tuple[Event, tuple[bytes, ...]]:
    """Reads an event without believing it: for finding the devices' keys.

    Returns:
        The event and its one or two signatures, the telling device's first.

    Raises:
        EventMalformed: too long, not canonical JSON, or not of the one shape.
    """
    if len(data) > EVENT_BYTES_MAX:
        raise EventMalformed(f"an event has at most {EVENT_BYTES_MAX} bytes")
    try:
        value = canonical.decode(data)
        record = Record(value, "event")
        record.record("statement")
        texts = record.items("signatures", least=1, most=2)
        record.close()
        signatures = tuple(_read_signature(text) for text in texts)
    except ValueError as error:
        raise EventMalformed(str(error)) from error
    event = parse_statement(canonical.encode(value["statement"]), _read, EventMalformed)
    if len(signatures) != (1 if event.witness is None else 2):
        raise EventMalformed("an event has one signature for each device that it names")
    return event, signatures


def read_event(data: bytes, keys: Mapping[str, bytes]) -> Event:
    """Reads an event and checks it whole.

    The order: 1. canonical JSON of the one shape; 2. the devices are known; 3. each signature
    holds. What the event means among others is for `pouch.custody` and `pouch.alarms`.

    Args:
        data: what `sign_event` gives.
        keys: raw Ed25519 public keys of the devices in force, by id.

    Raises:
        EventMalformed: 1 fails.
        DeviceUnknown: 2 fails.
        SignatureInvalid: 3 fails.
    """
    # 1.
    event, signatures = parse_event(data)
    # 2.
    devices = [event.device] if event.witness is None else [event.device, event.witness.device]
    for device in devices:
        if device not in keys:
            raise DeviceUnknown(f"the device {device[:16]} is not known or no longer in force")
    # 3.
    for device, signature in zip(devices, signatures, strict=True):
        verify_ed25519(keys[device], EVENT, event.statement, signature)
    return event


def _read_signature(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("a signature is not text")
    signature = canonical.bytes_from_text(text)
    if len(signature) != ED25519_SIGNATURE_BYTES:
        raise ValueError("a signature has the wrong length")
    return signature


def _object_of(event: Event) -> dict[str, Any]:
    return {
        "v": 1,
        "type": EVENT,
        "kind": event.kind,
        "device": event.device,
        "counter": event.counter,
        "previous": event.previous,
        "bag": event.bag,
        "seal": event.seal,
        "at": canonical.text_from_time(event.at),
        "place": event.place,
        "officer": event.officer,
        "witness": event.witness
        and {"device": event.witness.device, "officer": event.witness.officer},
        "facts": facts_object(event.facts),
    }


def _read(record: Record) -> Event:
    record.constant("v", 1)
    record.constant("type", EVENT)
    kind = record.any_text("kind")
    if kind not in READERS:
        raise ValueError(f"no event is of the kind {kind[:20]!r}")
    witness = record.optional_record("witness")
    facts = record.record("facts")
    event = Event(
        device=record.text("device", FINGERPRINT),
        counter=record.integer("counter", least=1),
        previous=record.optional_text("previous", FINGERPRINT),
        bag=record.text("bag", BAG),
        seal=record.text("seal", SEAL),
        at=record.time("at"),
        place=record.text("place", POST),
        officer=record.text("officer", OFFICER),
        witness=None if witness is None else _read_witness(witness),
        facts=READERS[kind](facts),
    )
    facts.close()
    record.close()
    if (event.counter == 1) != (event.previous is None):
        raise ValueError("event.previous is there from the second event on, and only then")
    _check_persons(event)
    return event


def _read_witness(record: Record) -> Witness:
    witness = Witness(
        device=record.text("device", FINGERPRINT), officer=record.text("officer", OFFICER)
    )
    record.close()
    return witness


def _check_persons(event: Event) -> None:
    if event.witness is None:
        if event.facts.two_persons:
            raise ValueError(f"an event of the kind {event.kind} takes two persons")
        return
    if event.witness.device == event.device or event.witness.officer == event.officer:
        raise ValueError("the second person is another one, with another device")
