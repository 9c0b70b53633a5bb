"""A hand-over where there is no network: three codes that two telephones show each other.

    taker   shows who takes the bag: its key, officer and post (`read_taker`)
    half    the giver's event, which names the taker, with the giver's signature (`read_half`)
    answer  the taker's signature over that very event, which it names by its id (`read_answer`)

The event is the one of `pouch.events`: both sign the same bytes, so each telephone then carries the
whole hand-over, and whichever is in reach first delivers it; the other's is the same event. That a
device is the ministry's is known from the sync pack (`Pack.devices`), by the hash of its key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from keys import canonical
from keys.devices import EVENT, device_id
from keys.errors import Refusal
from keys.records import FINGERPRINT, Record
from keys.signing import ED25519_PUBLIC_BYTES, ED25519_SIGNATURE_BYTES, verify_ed25519
from pouch.enrolment import Enrolment, read_enrolment
from pouch.events import DeviceUnknown, Event, parse_event
from pouch.facts import HandedOver

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

CODE_BYTES_MAX: Final = 2_048


class HandOverMalformed(Refusal):
    """A code is none of a hand-over, or not the one that comes now."""

    code: ClassVar[str] = "HAND_OVER_MALFORMED"


class HandOverNotYours(Refusal):
    """A hand-over names another telephone than the one that reads it, or that one as its giver."""

    code: ClassVar[str] = "HAND_OVER_NOT_YOURS"


class HandOverOther(Refusal):
    """An answer is of another hand-over, or a half of another bag than the pack announces."""

    code: ClassVar[str] = "HAND_OVER_OTHER"


@dataclass(frozen=True, slots=True)
class Half:
    """A hand-over that its giver signed.

    Attributes:
        event: what both sign.
        ed25519: the giver's public key, 32 bytes.
        signature: the giver's.
    """

    event: Event
    ed25519: bytes
    signature: bytes


def read_taker(data: bytes, *, known: Collection[str], own: str) -> Enrolment:
    """Reads who is to take a bag.

    Args:
        data: `{"taker": ...}`, as the other telephone shows it.
        known: ids of the devices in force.
        own: id of the device that reads.

    Raises:
        HandOverMalformed: another shape.
        SignatureInvalid: the device did not say so itself.
        HandOverNotYours: it is the reader's own code.
        DeviceUnknown: the device is not among those known.
    """
    record = _within(data, "taker")
    try:
        taker = read_enrolment(record)
    except ValueError as error:
        raise HandOverMalformed(str(error)) from error
    device = device_id(taker.ed25519)
    if device == own:
        raise HandOverNotYours("this is the reader's own code")
    _require_known(device, known)
    return taker


def make_half(event: Event, ed25519: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """Makes the giver's half.

    Args:
        event: a hand-over; its witness takes.
        ed25519: the giver's public key.
        sign: Ed25519 in context `valise/v1 event` by that key.

    Raises:
        EventMalformed: a field is not as it must be.
    """
    told = {
        "ed25519": canonical.text_from_bytes(ed25519),
        "signature": canonical.text_from_bytes(sign(event.statement)),
        "statement": canonical.decode(event.statement),
    }
    return canonical.encode({"half": told})


def read_half(data: bytes, *, known: Collection[str], own: str, bags: dict[str, str]) -> Half:
    """Reads the half that a giver shows to the one who takes.

    The order: 1. the one shape; 2. it names the reader, as who takes; 3. the giver is known; 4. its
    signature holds; 5. the pack announces this closing, of this bag.

    Args:
        data: from `make_half`.
        known: ids of the devices in force.
        own: id of the device that reads.
        bags: numbers of the announced bags, by their closings.

    Raises:
        HandOverMalformed: 1 fails.
        HandOverNotYours: 2 fails.
        DeviceUnknown: 3 fails.
        SignatureInvalid: 4 fails.
        HandOverOther: 5 fails.
    """
    # 1.
    record = _within(data, "half")
    try:
        ed25519 = record.octets("ed25519", ED25519_PUBLIC_BYTES)
        signature = record.octets("signature", ED25519_SIGNATURE_BYTES)
        statement = record.mapping("statement")
        record.close()
        twice = [canonical.text_from_bytes(signature)] * 2  # the shape of a file wants the second
        event, _ = parse_event(canonical.encode({"signatures": twice, "statement": statement}))
    except (ValueError, Refusal) as error:
        raise HandOverMalformed(str(error)) from error
    if not isinstance(event.facts, HandedOver) or device_id(ed25519) != event.device:
        raise HandOverMalformed("not a hand-over by the key that it names")
    # 2.
    if event.witness is None or event.witness.device != own:
        raise HandOverNotYours("another telephone is to take this bag")
    # 3.
    _require_known(event.device, known)
    # 4.
    verify_ed25519(ed25519, EVENT, event.statement, signature)
    # 5.
    if bags.get(event.seal) != event.bag:
        raise HandOverOther("the pack announces no such closing of this bag")
    return Half(event, ed25519, signature)


def make_answer(half: Half, sign: Callable[[bytes], bytes]) -> bytes:
    """Makes the taker's answer to a half; `sign` as in `make_half`, by the taker's key."""
    signature = canonical.text_from_bytes(sign(half.event.statement))
    return canonical.encode({"answer": {"event": half.event.id, "signature": signature}})


def read_answer(data: bytes, half: Half, taker: bytes) -> bytes:
    """Reads the answer to a half; gives the file of the whole event (`pouch.events`).

    Args:
        data: from `make_answer`.
        half: what it must answer.
        taker: the public key of who takes, from `read_taker`; the taker itself has its own.

    Raises:
        HandOverMalformed: another shape.
        HandOverOther: it answers another half.
        SignatureInvalid: the taker did not sign.
    """
    record = _within(data, "answer")
    try:
        named = record.text("event", FINGERPRINT)
        signature = record.octets("signature", ED25519_SIGNATURE_BYTES)
        record.close()
    except ValueError as error:
        raise HandOverMalformed(str(error)) from error
    if named != half.event.id:
        raise HandOverOther("the answer is of another hand-over")
    verify_ed25519(taker, EVENT, half.event.statement, signature)
    signatures = [canonical.text_from_bytes(each) for each in (half.signature, signature)]
    statement = canonical.decode(half.event.statement)
    return canonical.encode({"signatures": signatures, "statement": statement})


def _within(data: bytes, name: str) -> Record:
    if len(data) > CODE_BYTES_MAX:
        raise HandOverMalformed(f"a code has at most {CODE_BYTES_MAX} bytes")
    try:
        record = Record(canonical.decode(data), "code")
        inner = record.record(name)
        record.close()
    except ValueError as error:
        raise HandOverMalformed(str(error)) from error
    return inner


def _require_known(device: str, known: Collection[str]) -> None:
    if device not in known:
        raise DeviceUnknown(f"the device {device[:16]} is not known or no longer in force")
