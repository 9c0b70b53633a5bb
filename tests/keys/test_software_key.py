"""A demonstration's security key passes the very ceremonies that real ones pass, at home only."""

import pytest

from keys.attestation import PasskeyModelRefused
from keys.passkeys import (
    PasskeyInvalid,
    RelyingParty,
    credential_id_of,
    verify_assertion,
    verify_registration,
)
from keys.software_key import SoftwareKey, SoftwareMaker
from tests.support.authenticator import Maker

PARTY = RelyingParty("localhost", ("http://localhost:1", "http://localhost:2"))
CHALLENGE = bytes(range(32))


def test_it_registers_and_signs_from_each_origin() -> None:
    maker, key = SoftwareMaker(), SoftwareKey.generate()
    made = verify_registration(
        key.create(CHALLENGE, PARTY, maker), challenge=CHALLENGE, party=PARTY, policy=maker.policy
    )
    again = SoftwareKey.from_bytes(key.to_bytes())
    for origin in (None, PARTY.origins[1]):
        answer = again.get(CHALLENGE, PARTY, origin)
        assert credential_id_of(answer) == key.credential_id
        assert (
            verify_assertion(answer, challenge=CHALLENGE, party=PARTY, passkey=made)
            == made.sign_count
            == 0
        )
    with pytest.raises(PasskeyInvalid):
        verify_assertion(
            again.get(bytes(32), PARTY), challenge=CHALLENGE, party=PARTY, passkey=made
        )


def test_another_ministry_refuses_it() -> None:
    key = SoftwareKey.generate()
    answer = key.create(CHALLENGE, PARTY, SoftwareMaker())
    with pytest.raises((PasskeyInvalid, PasskeyModelRefused)):
        verify_registration(answer, challenge=CHALLENGE, party=PARTY, policy=SoftwareMaker().policy)
    with pytest.raises((PasskeyInvalid, PasskeyModelRefused)):
        verify_registration(
            SoftwareKey.generate().create(CHALLENGE, PARTY, SoftwareMaker()),
            challenge=CHALLENGE,
            party=PARTY,
            policy=Maker().policy(),
        )


def test_bytes_of_another_length_are_none() -> None:
    with pytest.raises(ValueError, match="software key"):
        SoftwareKey.from_bytes(bytes(47))
