"""What a device says of itself: its key, its post and its officer, under its own signature."""

import pytest

from keys import canonical
from keys.errors import SignatureInvalid
from keys.records import Record
from pouch.enrolment import Enrolment, read_enrolment
from tests.support.bags import Device, enrolment_of

PARIS, LOME = Device("paris"), Device("lome")


def test_a_device_speaks_for_itself_alone() -> None:
    told = canonical.decode(enrolment_of(PARIS, "PARIS"))
    assert read_enrolment(Record(told, "device")) == Enrolment(PARIS.public, "PAUL", "PARIS")
    other = canonical.text_from_bytes(LOME.public)
    for change in ({"post": "LOME"}, {"officer": "PIERRE"}, {"ed25519": other}):
        with pytest.raises(SignatureInvalid):
            read_enrolment(Record({**told, **change}, "device"))
    for odd in ({"more": 1}, {"post": "paris"}, {"signature": None}, {"ed25519": ""}):
        with pytest.raises(ValueError, match="device"):
            read_enrolment(Record({**told, **odd}, "device"))
