"""The seal: full claims in a small symbol, one encoding, verified by a stranger's library."""

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

import cbor2
import pytest
from pycose.keys.curves import Ed25519
from pycose.keys.okp import OKPKey
from pycose.messages.sign1message import Sign1Message

from keys.canonical import decode, encode
from keys.cose import encode_cbor
from keys.devices import SEAL
from keys.errors import SignatureInvalid
from keys.merkle import ProofInvalid, inclusion_path, leaf_hash, root
from pouch.bordereau import digest
from pouch.claims import Claims, read_claims
from pouch.digits import decode_digits, encode_digits
from pouch.errors import OriginNotYours, SealDamaged, SealedMalformed, WitnessIsSealer
from pouch.manifest import BagClass, Mode
from pouch.seal import LogProof, claims_of, kid_of, make_seal, read_seal
from pouch.sealed import SEALED_BYTES_MAX, read_sealed, seal_manifest
from pouch.symbol import draw
from tests.support.valise import CLOSED, manifest
from tests.vectors.forge import identity

SEALER, WITNESS = identity("YAOUNDE"), identity("DOUALA")
MANIFEST = manifest()
CLAIMS = claims_of(MANIFEST, kid_of(WITNESS.card))
MADE = make_seal(CLAIMS, card=SEALER.card, sign=SEALER.sign_cose)


def test_what_was_sealed_is_read_and_holds() -> None:
    seal = read_seal(MADE.text)
    assert seal == MADE
    assert seal.claims == CLAIMS
    assert seal.claims.digest == digest(MANIFEST)
    seal.message.verify(SEALER.card.verifying_key)
    with pytest.raises(SignatureInvalid):
        seal.message.verify(WITNESS.card.verifying_key)


def test_full_claims_fit_into_version_13_with_correction_q() -> None:
    """R: at most QR v13-Q, which holds 580 digits in numeric mode."""
    assert len(MADE.text) <= 580
    assert len(draw(MADE.text)) <= 69


def test_pycose_verifies_a_printed_seal() -> None:
    message: Any = Sign1Message.from_cose_obj(
        list(cbor2.loads(decode_digits(MADE.text))), allow_unknown_attributes=False
    )
    message.key = OKPKey(crv=Ed25519, x=SEALER.card.ed25519)
    assert message.verify_signature() is True
    assert cbor2.loads(message.payload)[1] == "YAOUNDE"
    message.key = OKPKey(crv=Ed25519, x=WITNESS.card.ed25519)
    assert message.verify_signature() is False


@pytest.mark.parametrize(
    "change",
    [
        {"witness": None},
        {"bag": "0" * 22},
        {"bag_class": BagClass.CONTROLLED, "mode": Mode.POSTAL},
        {"bag_class": BagClass.UNCLASSIFIED, "mode": Mode.COURIER},
        {"seals": tuple(f"ABCDEFGHIJ-123456789{n}"[:19] + str(n) for n in range(8))},
    ],
)
def test_every_claim_survives(change: dict[str, Any]) -> None:
    claims = replace(CLAIMS, **change)
    assert read_claims(claims.encode()) == claims


def _payload(label: int, value: object) -> bytes:
    claims = cbor2.loads(CLAIMS.encode())
    claims[label] = value
    return encode_cbor(claims)


def _bag(place: int, value: object) -> bytes:
    listed = list(cbor2.loads(CLAIMS.encode())[-65537])
    listed[place] = value
    return _payload(-65537, listed)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        encode_cbor([]),
        encode_cbor({}),
        _payload(2, "one member more"),
        _payload(1, "yaounde"),
        _payload(1, 7),
        _payload(4, 0),
        _payload(4, int(CLOSED.timestamp())),
        _payload(4, int(CLOSED.timestamp()) + 46 * 86400),
        _payload(6, 2**63),
        _payload(6, 1.0),
        _payload(7, b"short"),
        _payload(-65537, {}),
        _payload(-65537, [1]),
        _bag(0, 2),
        _bag(0, True),  # noqa: FBT003 - CBOR true, which Python takes for 1
        _bag(1, b"\xff" * 10),
        _bag(2, True),  # noqa: FBT003 - CBOR true again, elsewhere
        _bag(2, 3),
        _bag(3, 100),
        _bag(4, "paris"),
        _bag(5, []),
        _bag(5, "MX-1001"),
        _bag(5, ["MX-1001", "MX-1001"]),
        _bag(5, ["mx-1001"]),
        _bag(5, [1]),
        _bag(6, 6),
        _bag(6, -1),
        _bag(7, 5),
        _bag(8, 0),
        _bag(9, 0),
        _bag(10, bytes(31)),
        _bag(11, bytes(7)),
    ],
)
def test_a_well_signed_seal_of_another_shape_is_damaged(payload: bytes) -> None:
    """Even the right key cannot make a seal that says what no bag can be."""
    with pytest.raises(ValueError, match=r"."):
        read_claims(payload)
    message = replace(
        MADE.message, payload=payload, signature=SEALER.sign_cose(b"\x84\x6aSignature1")
    )
    with pytest.raises(SealDamaged):
        read_seal(encode_digits(message.encode()))


def test_a_flipped_bit_is_never_read_as_another_seal() -> None:
    data = bytearray(decode_digits(MADE.text))
    for place in range(len(data)):
        data[place] ^= 1
        try:
            seal = read_seal(encode_digits(bytes(data)))
        except SealDamaged:
            pass
        else:
            with pytest.raises(SignatureInvalid):
                seal.message.verify(SEALER.card.verifying_key)
        data[place] ^= 1


def test_only_the_origin_seals() -> None:
    with pytest.raises(OriginNotYours):
        seal_manifest(MANIFEST, sealer=WITNESS)


class TestLog:
    leaves = (
        *(leaf_hash(secrets.token_bytes(8)) for _ in range(4)),
        leaf_hash(MADE.message.encode()),
        leaf_hash(secrets.token_bytes(8)),
    )
    proof = LogProof(4, 6, inclusion_path(4, leaves))
    logged = replace(MADE, proof=proof)

    def test_a_seal_carries_its_place_in_the_log(self) -> None:
        seal = read_seal(self.logged.text)
        assert seal == self.logged
        assert seal.message == MADE.message
        assert seal.proof is not None
        seal.require_logged(seal.proof, root(self.leaves))
        with pytest.raises(ProofInvalid):
            seal.require_logged(seal.proof, bytes(32))

    @pytest.mark.parametrize(
        "outer",
        [
            [MADE.message.encode(), 4, 6, b"short"],
            [MADE.message.encode(), 4, 6, bytes(32 * 41)],
            [MADE.message.encode(), 6, 6, b""],
            [MADE.message.encode(), -1, 6, b""],
            [MADE.message.encode(), 0, 2**41, b""],
            [MADE.message.encode(), False, 6, b""],
            [b"nothing", 4, 6, b""],
            [MADE.message.encode(), 4, 6],
        ],
    )
    def test_another_form_of_it_is_damaged(self, outer: list[object]) -> None:
        with pytest.raises(SealDamaged):
            read_seal(encode_digits(encode_cbor(outer)))


class TestSealedManifest:
    sealed = seal_manifest(MANIFEST, sealer=SEALER, witness=WITNESS)

    def test_it_is_read_as_written(self) -> None:
        assert read_sealed(self.sealed.to_bytes()) == self.sealed
        assert read_sealed(self.sealed.to_bytes() + b"\n") == self.sealed
        alone = seal_manifest(MANIFEST, sealer=SEALER)
        assert read_sealed(alone.to_bytes()) == alone
        assert alone.seal.claims.witness is None

    def test_both_persons_sign_the_claims_against_a_quantum_computer_too(self) -> None:
        payload = self.sealed.seal.message.payload
        for signed, person in ((self.sealed.sealer, SEALER), (self.sealed.witness, WITNESS)):
            assert signed is not None
            assert signed.fingerprint == person.card.fingerprint
            person.card.verifying_key.verify(SEAL, payload, signed.signatures)

    def test_one_card_is_not_two_persons(self) -> None:
        with pytest.raises(WitnessIsSealer):
            seal_manifest(MANIFEST, sealer=SEALER, witness=SEALER)

    def test_any_other_shape_is_refused(self) -> None:
        value = decode(self.sealed.to_bytes())
        azerty = value["seal"].translate(str.maketrans("0123456789", "à&é\"'(-è_ç"))
        for wrong in (
            b"",
            b" " * (SEALED_BYTES_MAX + 1),
            encode({**value, "more": 1}),
            encode({**value, "sealer": {}}),
            encode({**value, "manifest": {**value["manifest"], "ordinal": 9}}),
            encode({**value, "seal": azerty}),
        ):
            with pytest.raises(SealedMalformed):
                read_sealed(wrong)
        with pytest.raises(SealDamaged):
            read_sealed(encode({**value, "seal": "0123456789"}))


def test_times_are_told_to_the_second() -> None:
    claims: Claims = replace(CLAIMS, expires=CLOSED + timedelta(days=45))
    assert read_claims(claims.encode()).expires == CLOSED + timedelta(days=45)
