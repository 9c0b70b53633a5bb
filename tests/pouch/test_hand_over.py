"""A hand-over between two telephones without network: three codes, and what none of them may be."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from keys import canonical
from keys.errors import Refusal, SignatureInvalid
from pouch.events import DeviceUnknown, Event, EventMalformed, Witness, read_event
from pouch.facts import INTACT, HandedOver, Seen
from pouch.hand_over import (
    CODE_BYTES_MAX,
    HandOverMalformed,
    HandOverNotYours,
    HandOverOther,
    make_answer,
    make_half,
    read_answer,
    read_half,
    read_taker,
)
from tests.support.bags import BAG, SEAL, Device, enrolment_of

GIVER, TAKER, THIRD = Device("giver"), Device("taker"), Device("third")
KNOWN = frozenset({GIVER.id, TAKER.id})
BAGS = {SEAL: BAG}


def _taker(device: Device = TAKER) -> bytes:
    return canonical.encode({"taker": canonical.decode(enrolment_of(device, "PARIS", "KOUR"))})


def _event(**change: Any) -> Event:
    told = Device(GIVER.name).tell(
        HandedOver(ordinal=2, condition=INTACT), officer="ABENA", witness=(TAKER, "KOUR")
    )
    return replace(told, **change)


def _half(event: Event | None = None, signer: Device = GIVER) -> bytes:
    return make_half(event or _event(), GIVER.public, signer.sign)


def _read(data: bytes, **change: Any) -> Any:
    return read_half(data, **{"known": KNOWN, "own": TAKER.id, "bags": BAGS, **change})


def _changed(data: bytes, change: Callable[[Any], Any]) -> bytes:
    value = canonical.decode(data)
    return canonical.encode(change(value) or value)


def test_both_carry_the_same_event_with_both_signatures() -> None:
    taker = read_taker(_taker(), known=KNOWN, own=GIVER.id)
    assert (taker.officer, taker.post, taker.ed25519) == ("KOUR", "PARIS", TAKER.public)
    half = _read(_half())
    answer = make_answer(half, TAKER.sign)
    files = [read_answer(answer, half, taker.ed25519) for _ in range(2)]
    assert files[0] == files[1]
    keys = {GIVER.id: GIVER.public, TAKER.id: TAKER.public}
    assert read_event(files[0], keys) == _event()
    assert max(map(len, (_taker(), _half(), answer))) < CODE_BYTES_MAX / 2


@pytest.mark.parametrize(
    ("data", "change", "refusal"),
    [
        (_taker(GIVER), {}, HandOverNotYours),
        (_taker(THIRD), {}, DeviceUnknown),
        (_taker().replace(b"KOUR", b"PAUL"), {}, SignatureInvalid),
        (_taker().replace(b'"KOUR"', b'"?"'), {}, HandOverMalformed),
        (_half(), {}, HandOverMalformed),
        (b"", {}, HandOverMalformed),
        (b" " * (CODE_BYTES_MAX + 1), {}, HandOverMalformed),
        (_taker(), {"known": frozenset()}, DeviceUnknown),
    ],
)
def test_a_taker_that_is_none(data: bytes, change: Any, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        read_taker(data, **{"known": KNOWN, "own": GIVER.id, **change})


@pytest.mark.parametrize(
    ("data", "change", "refusal"),
    [
        (_taker(), {}, HandOverMalformed),
        (_changed(_half(), lambda value: value["half"].pop("signature") and None), {},
         HandOverMalformed),
        (_changed(_half(), lambda value: {**value, "more": 1}), {}, HandOverMalformed),
        (_half(_event(facts=Seen(seals=()))), {}, HandOverMalformed),
        (make_half(_event(), THIRD.public, THIRD.sign), {}, HandOverMalformed),
        (_half().replace(b'"ordinal":2', b'"ordinal":0'), {}, HandOverMalformed),
        (_half(), {"own": THIRD.id}, HandOverNotYours),
        (_half(), {"own": GIVER.id}, HandOverNotYours),
        (_half(), {"known": frozenset({TAKER.id})}, DeviceUnknown),
        (_half().replace(b'"ordinal":2', b'"ordinal":3'), {}, SignatureInvalid),
        (_half().replace(b"ABENA", b"ABENB"), {}, SignatureInvalid),
        (_half(signer=THIRD), {}, SignatureInvalid),
        (_half(_event(bag="1" * 22)), {}, HandOverOther),
        (_half(_event(seal="0b" * 16)), {}, HandOverOther),
        (_half(), {"bags": {}}, HandOverOther),
    ],
)  # fmt: skip
def test_a_half_that_is_edited_replayed_or_of_another(
    data: bytes, change: Any, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        _read(data, **change)


def test_an_answer_counts_for_its_own_half_and_by_the_taker_alone() -> None:
    half, other = _read(_half()), _read(_half(_event(officer="BIYA-C")))
    answer = make_answer(half, TAKER.sign)
    for data, wanted, refusal in (
        (_half(), half, HandOverMalformed),  # its own half given back
        (_taker(), half, HandOverMalformed),
        (_changed(answer, lambda value: value["answer"].pop("event") and None), half,
         HandOverMalformed),
        (make_answer(other, TAKER.sign), half, HandOverOther),
        (answer, other, HandOverOther),
        (make_answer(half, GIVER.sign), half, SignatureInvalid),
        (make_answer(half, THIRD.sign), half, SignatureInvalid),
    ):  # fmt: skip
        with pytest.raises(refusal):
            read_answer(data, wanted, TAKER.public)


def test_nobody_hands_a_bag_to_themselves() -> None:
    for witness in (Witness(GIVER.id, "KOUR"), Witness(TAKER.id, "ABENA")):
        with pytest.raises(EventMalformed):
            _half(_event(witness=witness))
