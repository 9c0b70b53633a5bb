"""Telephones that ask by themselves: whose signature counts, for how long, and what for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cipher_service import clock
from cipher_service.directory.register import DirectoryReader
from cipher_service.errors import ServiceError
from cipher_service.pouches import devices
from cipher_service.pouches.commands import PouchDesk
from cipher_service.pouches.device_desk import DeviceDesk
from cipher_service.pouches.devices import Asked
from cipher_service.pouches.packs import Packs
from cipher_service.storage.batch import Batches, Request
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.devices import REQUEST, request_statement
from tests.support.bags import NOON, Device
from tests.support.ministry import custody
from tests.support.pouches import Pouches

BODY = b'{"events":[]}'


def asked(device: Device, *, minutes: int = 0, body: bytes = BODY) -> Asked:
    time = clock.text(NOON + timedelta(minutes=minutes))
    statement = request_statement(
        device.id, method="POST", path="/scan/events", time=time, body=body
    )
    signature = device.key.sign_ed25519(REQUEST, statement)
    return Asked(device.id, "POST", "/scan/events", time, signature, body)


def refused(pouches: Pouches, request: Asked) -> str:
    with reading(pouches.engine) as connection, pytest.raises(ServiceError) as error:
        devices.recognise(connection, request, NOON)
    return error.value.code


def test_a_device_is_known_by_its_signature(pouches: Pouches) -> None:
    with reading(pouches.engine) as connection:
        for minutes in (-5, 0, 5):
            request = asked(pouches.paris, minutes=minutes)
            assert devices.recognise(connection, request, NOON) == "PARIS"


def test_whatever_was_signed_differently_is_nobodys(pouches: Pouches) -> None:
    good = asked(pouches.paris)
    for wrong in (
        replace(good, body=b"{}"),
        replace(good, method="GET"),
        replace(good, path="/scan/pack"),
        replace(good, time=clock.text(NOON + timedelta(seconds=1))),
        replace(good, device=pouches.lome.id),
        replace(good, signature=good.signature[:-1] + bytes([good.signature[-1] ^ 1])),
        replace(good, signature=b""),
    ):
        assert refused(pouches, wrong) == "SIGNATURE_INVALID", wrong


def test_an_event_of_the_device_is_no_request_of_it(pouches: Pouches) -> None:
    good = asked(pouches.paris)
    statement = request_statement(
        good.device, method=good.method, path=good.path, time=good.time, body=good.body
    )
    assert refused(pouches, replace(good, signature=pouches.paris.sign(statement))) == (
        "SIGNATURE_INVALID"
    )


def test_an_old_request_is_told_the_time_only_when_its_signature_holds(pouches: Pouches) -> None:
    for minutes in (-6, 6, 24 * 60):
        late = asked(pouches.paris, minutes=minutes)
        assert refused(pouches, late) == "CLOCK_SKEWED"
        assert refused(pouches, replace(late, signature=bytes(64))) == "SIGNATURE_INVALID"


def test_a_revoked_device_asks_and_tells_nothing_any_more(pouches: Pouches) -> None:
    desk = DeviceDesk(PouchDesk(now=lambda: NOON), Packs(custody(), DirectoryReader()))
    batches = Batches(pouches.engine, desk.handlers(), lambda _connection, _outcomes: None)
    payload = {"post": "PARIS", "client": pouches.paris.id, "act": None}
    with unit_of_work(pouches.engine) as connection:
        devices.revoke(connection, "PARIS", pouches.paris.id, NOON)

    assert refused(pouches, asked(pouches.paris)) == "DEVICE_UNKNOWN"
    assert refused(pouches, asked(Device("stranger"))) == "DEVICE_UNKNOWN"
    (outcome,) = batches.run([Request("device_pack", payload)])
    assert outcome.refusal is not None
    assert outcome.refusal.code == "DEVICE_UNKNOWN", "asked again in the act's own transaction"


def test_a_device_acts_for_its_own_post_alone(pouches: Pouches) -> None:
    desk = DeviceDesk(PouchDesk(now=lambda: NOON), Packs(custody(), DirectoryReader()))
    batches = Batches(pouches.engine, desk.handlers(), lambda _connection, _outcomes: None)
    own = {"post": "PARIS", "client": pouches.paris.id, "act": None}
    (given, other) = batches.run(
        [Request("device_pack", own), Request("device_pack", {**own, "post": "LOME"})]
    )
    assert given.refusal is None, given.refusal
    assert other.refusal is not None
    assert other.refusal.code == "DEVICE_UNKNOWN"
