"""What names a device, and what it signs when it asks its ministry itself."""

import pytest

from keys import canonical
from keys.devices import device_id, request_statement

OWN, OTHER = device_id(bytes(32)), device_id(bytes([1]) * 32)


def _asked(
    device: str = OWN,
    method: str = "POST",
    path: str = "/v1/devices/pack",
    time: str = "2026-11-22T12:00:00Z",
    body: bytes = b"x",
) -> bytes:
    return request_statement(device, method=method, path=path, time=time, body=body)


def test_a_device_is_named_by_its_key() -> None:
    assert OWN != OTHER
    with pytest.raises(ValueError, match="32 bytes"):
        device_id(bytes(31))


def test_a_request_s_signature_is_for_that_request_alone() -> None:
    asked = [
        _asked(),
        _asked(device=OTHER),
        _asked(method="GET"),
        _asked(path="/v1/devices/events"),
        _asked(time="2026-11-22T12:00:01Z"),
        _asked(body=b"y"),
    ]
    assert len(set(asked)) == len(asked)
    assert canonical.decode(asked[1])["device"] == OTHER
