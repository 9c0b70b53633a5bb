"""The pouch bureau's desks and its seal: what the custodian signs, and what it does not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keys import canonical
from keys.cards import Card
from keys.cose import KID_BYTES, Sign1
from keys.custody import Custodian, no_secret, open_custodian
from keys.custody.compartment import NoLock, SecretCompartment
from keys.custody.core import Custody
from keys.custody.errors import (
    CustodySealed,
    EventNotOfDesk,
    PackNotSignable,
    RectificationNotSignable,
    SealNotOfCard,
)
from keys.custody.log_keys import HeadInMemory
from keys.devices import PACK, RECTIFICATION, SEAL, device_id
from keys.endorsement import read_introduction
from keys.errors import SignatureInvalid
from pouch.events import Event, Witness, read_event, sign_event
from pouch.facts import Opened, Seen
from pouch.seal import claims_of
from pouch.sealed import seal_manifest
from tests.support import valise
from tests.support.bags import BAG, NOON
from tests.support.bags import SEAL as CLOSING
from tests.support.rectifying import rectification
from tests.vectors.forge import identity

ELSEWHERE = "11" * 32


@pytest.fixture
def custodian(served: Path) -> Iterator[Custodian]:
    custodian = open_custodian(f"worker:{served}", no_secret)
    yield custodian
    custodian.close()


def desks(custodian: Custodian) -> dict[str, bytes]:
    keys = custodian.desk_keys()
    return {device_id(key): key for key in (keys[:32], keys[32:])}


def event(device: str, witness: str | None) -> Event:
    return Event(
        device=device,
        counter=1,
        previous=None,
        bag=BAG,
        seal=CLOSING,
        at=NOON,
        place="MINREX",
        officer="OFF-000001",
        witness=None if witness is None else Witness(witness, "OFF-000002"),
        facts=Seen(()) if witness is None else Opened(),
    )


def test_two_desks_sign_one_act_and_any_reader_believes_it(custodian: Custodian) -> None:
    first, second = desks(custodian)
    told = event(first, second)

    file = sign_event(
        told,
        lambda statement: custodian.sign_event(first.encode(), statement),
        lambda statement: custodian.sign_event(second.encode(), statement),
    )

    assert read_event(file, desks(custodian)) == told


def test_the_desks_are_the_same_each_time_and_never_each_other(custodian: Custodian) -> None:
    assert desks(custodian) == desks(custodian)
    assert len(desks(custodian)) == 2


@pytest.mark.parametrize("statement", [b"", b"{}", b"\0" * 64, b'{"type":"valise/v1 event"}'])
def test_a_desk_signs_nothing_but_events(custodian: Custodian, statement: bytes) -> None:
    first, _ = desks(custodian)

    with pytest.raises(EventNotOfDesk):
        custodian.sign_event(first.encode(), statement)


def test_a_desk_signs_no_event_of_other_devices(custodian: Custodian) -> None:
    first, second = desks(custodian)

    with pytest.raises(EventNotOfDesk):
        custodian.sign_event(second.encode(), event(first, None).statement)
    with pytest.raises(EventNotOfDesk):
        custodian.sign_event(ELSEWHERE.encode(), event(ELSEWHERE, None).statement)


def claims(card: Card) -> bytes:
    whole = valise.manifest(2, waybill=valise.waybill(origin=card.post))
    return claims_of(whole, None).encode()


def test_the_bureau_seals_its_own_bags(custodian: Custodian) -> None:
    card = custodian.card()
    signed = custodian.sign_seal(claims(card))
    message = Sign1(bytes.fromhex(card.fingerprint)[:KID_BYTES], claims(card), signed.cose)
    other = claims(card)[:-1] + bytes([claims(card)[-1] ^ 1])

    message.verify(card.verifying_key)
    card.verifying_key.verify(SEAL, claims(card), signed.full)
    with pytest.raises(SignatureInvalid):
        replace(message, payload=other).verify(card.verifying_key)


@pytest.mark.parametrize("what", [b"", b"\xa0", b"\xa1\x01\x65PARIS", b"\x84\x6aSignature1"])
def test_the_bureau_seals_nobody_elses_bags(custodian: Custodian, what: bytes) -> None:
    with pytest.raises(SealNotOfCard):
        custodian.sign_seal(what)


def test_a_sealed_bureau_seals_no_bag_but_its_desks_go_on() -> None:
    made = Custody.generate("MINREX", valid_from=NOON, valid_until=NOON.replace(year=2028))
    made.seal()
    first, _ = desks(made)

    with pytest.raises(CustodySealed):
        made.sign_seal(claims(made.card()))
    assert made.sign_event(first.encode(), event(first, None).statement)


def pack(**changes: object) -> bytes:
    times = {"issued": "2026-11-01T00:00:00Z", "expires": "2026-11-15T00:00:00Z"}
    return canonical.encode({"v": 1, "type": PACK, **times, **changes})


def test_the_root_signs_packs_that_end_soon(custodian: Custodian) -> None:
    signatures = custodian.sign_pack(pack())

    root = read_introduction(custodian.root_introduction(), custodian.card())
    root.verify(PACK, pack(), signatures)
    with pytest.raises(SignatureInvalid):
        custodian.card().verifying_key.verify(PACK, pack(), signatures)


def test_who_believes_the_root_need_not_learn_of_the_bureau_s_next_card() -> None:
    made = Custody.generate("MINREX", valid_from=NOON, valid_until=NOON.replace(year=2028))
    root = read_introduction(made.root_introduction(), made.card())
    keys, card = made.bureau.with_next(NOON, NOON.replace(year=2029))
    secret = SecretCompartment(replace(keys, card=card), NoLock(card))
    after = Custody(made.service, secret, HeadInMemory())

    assert after.card() != made.card()
    root.verify(PACK, pack(), after.sign_pack(pack()))


@pytest.mark.parametrize(
    "statement",
    [
        b"",
        b"{}",
        pack(type="valise/v1 seal"),
        pack(v=2),
        pack(expires="2026-11-15T00:00:01Z"),
        pack(expires="2026-11-01T00:00:00Z"),
        pack(expires="soon"),
        pack() + b"\n",
    ],
)
def test_the_root_signs_no_other_pack(custodian: Custodian, statement: bytes) -> None:
    with pytest.raises(PackNotSignable):
        custodian.sign_pack(statement)


def correction() -> bytes:
    return rectification(seal_manifest(valise.manifest(), sealer=identity("YAOUNDE"))).encode()


def test_the_bureau_signs_a_rectification_and_nothing_that_is_none(custodian: Custodian) -> None:
    statement = correction()
    custodian.card().verifying_key.verify(
        RECTIFICATION, statement, custodian.sign_rectification(statement)
    )
    without = canonical.encode({**canonical.decode(statement), "changes": []})
    for other in (b"", b"{}", statement + b"\n", claims(custodian.card()), without):
        with pytest.raises(RectificationNotSignable):
            custodian.sign_rectification(other)
