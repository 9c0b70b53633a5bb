"""Events: one form, one id, the devices' signatures."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from keys import canonical
from keys.devices import device_id
from keys.errors import SignatureInvalid
from pouch.events import (
    EVENT_BYTES_MAX,
    DeviceUnknown,
    Event,
    EventMalformed,
    parse_event,
    read_event,
    sign_event,
)
from pouch.facts import (
    DID_NOT_OCCUR,
    INTACT,
    READERS,
    Accounted,
    Corrected,
    Facts,
    Found,
    HandedOver,
    Lost,
    Opened,
    Prepared,
    Recalled,
    Received,
    Seen,
)
from tests.support.bags import NONCE, Device, Voyage, received, sealed, signed

EVERY: list[Facts] = [
    Prepared(),
    sealed(),
    HandedOver(ordinal=1, condition=INTACT),
    Seen(seals=()),
    received(),
    Received(seals=(), condition="missing", weight_g=None),
    Opened(),
    Accounted(nonce=NONCE, complete=False),
    Lost(),
    Found(lost="ab" * 32),
    Recalled(),
    Corrected(event="ab" * 32, reason=DID_NOT_OCCUR, instead=("cd" * 32,)),
]


def _told(facts: Facts) -> tuple[Event, bytes, dict[str, bytes]]:
    device, other = Device("one"), Device("two")
    witness = (other, "BIYA-C") if facts.two_persons else None
    event = device.tell(facts, officer="ABENA", witness=witness)
    data = signed(event, device, other) if witness else signed(event, device)
    return event, data, {device.id: device.public, other.id: other.public}


@pytest.mark.parametrize("facts", EVERY, ids=lambda facts: facts.kind)
def test_every_kind_is_read_as_it_was_told(facts: Facts) -> None:
    event, data, keys = _told(facts)
    assert read_event(data, keys) == event
    assert read_event(data, keys).id == event.id


def test_every_kind_is_tried_above() -> None:
    assert {facts.kind for facts in EVERY} == READERS.keys()


def test_the_id_is_of_the_statement_alone() -> None:
    """Who signs again does not make a second event."""
    event, data, _ = _told(Prepared())
    statement = canonical.encode(json.loads(data)["statement"])
    assert statement == event.statement
    assert parse_event(data)[0].id == event.id


def _altered(data: bytes, change: Any) -> bytes:
    value = json.loads(data)
    change(value)
    return canonical.encode(value)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value["statement"].update(kind="sealed"),
        lambda value: value["statement"].update(kind="vanished"),
        lambda value: value["statement"].update(kind=7),
        lambda value: value["statement"].update(type="valise/v2 event"),
        lambda value: value["statement"].update(counter=0),
        lambda value: value["statement"].update(previous="ab" * 32),
        lambda value: value["statement"].update(counter=2),
        lambda value: value["statement"].update(bag="17"),
        lambda value: value["statement"].update(at="2026-11-22T12:00:00+01:00"),
        lambda value: value["statement"].update(officer="abena"),
        lambda value: value["statement"].update(note="x"),
        lambda value: value["statement"]["facts"].update(note="x"),
        lambda value: value.update(note="x"),
        lambda value: value.update(statement="x"),
        lambda value: value.update(signatures=[]),
        lambda value: value.update(signatures=[7]),
        lambda value: value.update(signatures=["AAAA"]),
        lambda value: value.update(signatures=["!"]),
        lambda value: value.update(signatures=value["signatures"] * 2),
    ],
)
def test_another_shape_is_malformed(change: Any) -> None:
    _, data, keys = _told(Seen(seals=("CM-1000",)))
    with pytest.raises(EventMalformed):
        read_event(_altered(data, change), keys)


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.update(seals=[]),
        lambda facts: facts.update(weight_g=0),
        lambda facts: facts.update(weight_g=2_000_001),
        lambda facts: facts.update(seals=["CM-1000"] * 2),
        lambda facts: facts.update(seals=["cm-1000"]),
        lambda facts: facts.update(manifest="0d"),
    ],
)
def test_wrong_facts_are_malformed(change: Any) -> None:
    _, data, keys = _told(sealed())
    with pytest.raises(EventMalformed):
        read_event(_altered(data, lambda value: change(value["statement"]["facts"])), keys)


def test_white_space_and_length_are_malformed() -> None:
    _, data, keys = _told(Prepared())
    for other in (data + b"\n", b"{}" + b" " * EVENT_BYTES_MAX, b"", b"\xff"):
        with pytest.raises(EventMalformed):
            read_event(other, keys)


def test_an_act_of_two_persons_has_two_with_two_devices() -> None:
    device, other = Device("one"), Device("two")
    hand_over = HandedOver(ordinal=1, condition=INTACT)
    for facts, witness in (
        (hand_over, None),
        (hand_over, (device, "KOUR")),
        (hand_over, (other, "ABENA")),
        (Prepared(), (other, "ABENA")),
    ):
        event = Device("one").tell(facts, officer="ABENA", witness=witness)
        with pytest.raises(EventMalformed):
            _ = event.id


def test_signatures_and_signers_agree() -> None:
    device, other = Device("one"), Device("two")
    alone = device.tell(Prepared(), officer="ABENA")
    both = device.tell(Opened(), officer="ABENA", witness=(other, "LEA"))
    with pytest.raises(EventMalformed):
        sign_event(alone, device.sign, other.sign)
    with pytest.raises(EventMalformed):
        sign_event(both, device.sign)
    with_one = _altered(
        sign_event(both, device.sign, other.sign), lambda value: value["signatures"].pop()
    )
    with pytest.raises(EventMalformed):
        read_event(with_one, {device.id: device.public, other.id: other.public})


def test_a_stranger_s_device_is_unknown() -> None:
    _, data, keys = _told(Opened())
    for device in keys:
        with pytest.raises(DeviceUnknown):
            read_event(data, {id_: key for id_, key in keys.items() if id_ != device})


@pytest.mark.parametrize("place", [0, 1])
def test_neither_signature_is_optional(place: int) -> None:
    _, data, keys = _told(Opened())

    def change(value: Any) -> None:
        value["signatures"][place] = canonical.text_from_bytes(bytes(64))

    with pytest.raises(SignatureInvalid):
        read_event(_altered(data, change), keys)


def test_what_was_signed_cannot_be_changed() -> None:
    _, data, keys = _told(received())
    for change in (
        lambda value: value["statement"].update(place="ROME"),
        lambda value: value["statement"].update(at="2026-11-22T12:00:01Z"),
        lambda value: value["statement"]["facts"].update(condition="broken"),
    ):
        with pytest.raises(SignatureInvalid):
            read_event(_altered(data, change), keys)


def test_a_whole_voyage_is_read() -> None:
    voyage = Voyage()
    devices = {device.id: device for device in vars(voyage).values()}
    events = voyage.events()
    for event in events:
        signers = [devices[event.device]]
        if event.witness:
            signers.append(devices[event.witness.device])
        assert read_event(signed(event, *signers), voyage.keys()) == event


def test_a_device_id_needs_a_key() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        device_id(b"short")


def test_a_time_below_a_second_is_not_told() -> None:
    event = Device("one").tell(Prepared(), officer="ABENA")
    with pytest.raises(EventMalformed):
        _ = replace(event, at=event.at + timedelta(microseconds=1)).id
