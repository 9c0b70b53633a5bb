"""Two signatures, both required, each for one context."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

from keys.errors import SignatureInvalid
from keys.signing import CARD, MANIFEST, Signatures, SigningKey, VerifyingKey

KEY = SigningKey(bytes(32), bytes([1] * 32))
OTHER = SigningKey.generate()
MESSAGE = "Prière d'accuser réception.".encode()
GOOD = KEY.sign(MANIFEST, MESSAGE)


def test_both_signatures_verify() -> None:
    KEY.verifying_key.verify(MANIFEST, MESSAGE, GOOD)


def test_another_library_finds_the_context_where_it_is_specified() -> None:
    ed25519 = Ed25519PublicKey.from_public_bytes(KEY.verifying_key.ed25519)
    ed25519.verify(GOOD.ed25519, b"depeche/v1 manifest\0" + MESSAGE)
    mldsa65 = MLDSA65PublicKey.from_public_bytes(KEY.verifying_key.mldsa65)
    mldsa65.verify(GOOD.mldsa65, MESSAGE, b"depeche/v1 manifest")


def test_rfc_8032_public_key() -> None:
    """RFC 8032 §7.1, test 1."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert SigningKey(seed, bytes(32)).verifying_key.ed25519.hex() == public


@pytest.mark.parametrize(
    ("context", "message", "signatures"),
    [
        (CARD, MESSAGE, GOOD),
        (MANIFEST, MESSAGE + b" ", GOOD),
        (MANIFEST, MESSAGE, OTHER.sign(MANIFEST, MESSAGE)),
        (MANIFEST, MESSAGE, Signatures(OTHER.sign_ed25519(MANIFEST, MESSAGE), GOOD.mldsa65)),
        (MANIFEST, MESSAGE, Signatures(GOOD.ed25519, OTHER.sign(MANIFEST, MESSAGE).mldsa65)),
        (MANIFEST, MESSAGE, Signatures(GOOD.ed25519, b"")),
        (MANIFEST, MESSAGE, Signatures(b"", GOOD.mldsa65)),
        (MANIFEST, MESSAGE, Signatures(GOOD.ed25519[:-1], GOOD.mldsa65)),
        (MANIFEST, MESSAGE, Signatures(GOOD.ed25519, GOOD.mldsa65 + b"\0")),
        # The frame moved: the same bytes under Ed25519, another context and message.
        (MANIFEST[:-1], MESSAGE, GOOD),
    ],
)
def test_anything_else_is_refused(context: str, message: bytes, signatures: Signatures) -> None:
    with pytest.raises(SignatureInvalid):
        KEY.verifying_key.verify(context, message, signatures)


def test_ed25519_alone() -> None:
    signature = KEY.sign_ed25519(CARD, MESSAGE)
    KEY.verifying_key.verify_ed25519(CARD, MESSAGE, signature)
    with pytest.raises(SignatureInvalid):
        KEY.verifying_key.verify_ed25519(MANIFEST, MESSAGE, signature)


@pytest.mark.parametrize(
    "seeds", [(bytes(31), bytes(32)), (bytes(32), bytes(33)), (bytes(32), bytes(32))]
)
def test_bad_seeds_are_refused(seeds: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError):
        SigningKey(*seeds)


@pytest.mark.parametrize("lengths", [(31, 1952), (32, 1951), (0, 0)])
def test_bad_public_keys_are_refused(lengths: tuple[int, int]) -> None:
    with pytest.raises(ValueError):
        VerifyingKey(bytes(lengths[0]), bytes(lengths[1]))
