"""COSE_Sign1: one form, read by a stranger, and no signature passes for another sort."""

from typing import Any

import cbor2
import pytest
from pycose.algorithms import EdDSA
from pycose.headers import KID, Algorithm
from pycose.keys.curves import Ed25519
from pycose.keys.okp import OKPKey
from pycose.messages.sign1message import Sign1Message

from keys.cose import Sign1, decode_cbor, encode_cbor, read_sign1, sign1
from keys.errors import SignatureInvalid
from keys.signing import CARD, SigningKey
from tests.vectors.forge import identity

KEY = SigningKey(bytes(32), bytes([1]) * 32)
KID_8 = b"kid-kid-"
PAYLOAD = encode_cbor({1: "YAOUNDE"})
MESSAGE = sign1(PAYLOAD, kid=KID_8, sign=KEY.sign_cose)


def _encoded(protected: object, unprotected: object, payload: object, signature: object) -> bytes:
    if isinstance(protected, dict):
        protected = encode_cbor(protected)
    return encode_cbor([protected, unprotected, payload, signature])


def test_what_was_signed_is_read_and_holds() -> None:
    assert read_sign1(MESSAGE.encode()) == MESSAGE
    MESSAGE.verify(KEY.verifying_key)


def test_an_identity_signs_as_its_card_says() -> None:
    paris = identity("PARIS")
    sign1(PAYLOAD, kid=KID_8, sign=paris.sign_cose).verify(paris.card.verifying_key)


def test_a_stranger_verifies_it() -> None:
    # The stranger wants its list as a list, where the CBOR reader beneath may give a tuple.
    read: Any = Sign1Message.from_cose_obj(
        list(cbor2.loads(MESSAGE.encode())), allow_unknown_attributes=False
    )
    read.key = OKPKey(crv=Ed25519, x=KEY.verifying_key.ed25519)
    assert read.phdr == {Algorithm: EdDSA, KID: KID_8}
    assert read.uhdr == {}
    assert read.payload == PAYLOAD
    assert read.verify_signature() is True


@pytest.mark.parametrize(
    "altered",
    [
        Sign1(b"kid-kit-", PAYLOAD, MESSAGE.signature),
        Sign1(KID_8, PAYLOAD + b"\x00", MESSAGE.signature),
        Sign1(KID_8, PAYLOAD, bytes(64)),
        Sign1(KID_8, PAYLOAD, KEY.sign_ed25519(CARD, PAYLOAD)),
    ],
)
def test_nothing_can_be_altered(altered: Sign1) -> None:
    with pytest.raises(SignatureInvalid):
        altered.verify(KEY.verifying_key)


def test_only_a_sig_structure_is_signed_without_a_context() -> None:
    with pytest.raises(ValueError, match="Sig_structure"):
        KEY.sign_cose(b"depeche/v1 card\0{}")


GOOD = {1: -8, 4: KID_8}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"\xd8\x20\x61[",  # a tag whose reader fails
        MESSAGE.encode() + b"\x00",
        cbor2.dumps(cbor2.CBORTag(18, [encode_cbor(GOOD), {}, PAYLOAD, bytes(64)])),
        cbor2.dumps([encode_cbor(GOOD), {}, PAYLOAD, bytes(64)], indefinite_containers=True),
        _encoded(GOOD, {}, PAYLOAD, bytes(63)),
        _encoded(GOOD, {4: KID_8}, PAYLOAD, bytes(64)),
        _encoded(GOOD, {}, None, bytes(64)),
        _encoded({1: -7, 4: KID_8}, {}, PAYLOAD, bytes(64)),
        _encoded({1: -8}, {}, PAYLOAD, bytes(64)),
        _encoded({True: -8, 4: KID_8}, {}, PAYLOAD, bytes(64)),
        _encoded({1: -8.0, 4: KID_8}, {}, PAYLOAD, bytes(64)),
        _encoded({1: -8, 4: b"short"}, {}, PAYLOAD, bytes(64)),
        _encoded({1: -8, 4: KID_8, 2: [1]}, {}, PAYLOAD, bytes(64)),
        _encoded(b"\xa2\x04" + encode_cbor(KID_8) + b"\x01\x27", {}, PAYLOAD, bytes(64)),
        _encoded(b"", {}, PAYLOAD, bytes(64)),
        encode_cbor([encode_cbor(GOOD), {}, PAYLOAD]),
        encode_cbor({1: 2}),
    ],
)
def test_any_other_form_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"not "):
        read_sign1(data)


def test_an_integer_in_two_lengths_is_refused() -> None:
    assert decode_cbor(b"\x17") == 23
    with pytest.raises(ValueError, match="deterministic"):
        decode_cbor(b"\x18\x17")
