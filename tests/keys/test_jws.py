"""ES256 tokens, judged by three libraries that are not ours."""

import base64
import hashlib
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jws as jose_jws
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt

from keys.jws import ApiKey

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
CLAIMS: dict[str, object] = {"iss": "PARIS", "jti": "01JABCDE", "note": "dépêche", "iat": 1}


def _decode(segment: str) -> object:
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def test_three_other_libraries_accept_a_token() -> None:
    key = ApiKey.generate()
    token = key.sign_compact({"typ": "dpop+jwt", "kid": "k1"}, CLAIMS)

    assert jwt.decode(token, jwt.PyJWK(key.public_jwk()), algorithms=["ES256"]) == CLAIMS
    assert json.loads(jose_jws.verify(token, key.public_jwk(), ["ES256"])) == CLAIMS
    imported = joserfc_jwk.ECKey.import_key({**key.public_jwk()})
    assert joserfc_jwt.decode(token, imported, algorithms=["ES256"]).claims == CLAIMS
    assert imported.thumbprint() == key.thumbprint()


def test_another_key_does_not_verify_it() -> None:
    token = ApiKey.generate().sign_compact({}, CLAIMS)

    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, jwt.PyJWK(ApiKey.generate().public_jwk()), algorithms=["ES256"])


def test_the_algorithm_cannot_be_talked_down() -> None:
    token = ApiKey.generate().sign_compact({"alg": "none", "typ": "x"}, {})

    assert _decode(token.split(".")[0]) == {"alg": "ES256", "typ": "x"}


def test_a_key_survives_being_written_down() -> None:
    key = ApiKey.generate()

    again = ApiKey.from_private_bytes(key.private_bytes())

    assert len(key.private_bytes()) == 32
    assert again.public_jwk() == key.public_jwk()


def test_small_scalars_keep_their_leading_zeros() -> None:
    key = ApiKey.from_private_bytes((1).to_bytes(32, "big"))

    # The generator of P-256 itself (FIPS 186-5 / SP 800-186 §3.2.1.3).
    x = base64.urlsafe_b64decode(key.public_jwk()["x"] + "=")
    assert x.hex() == "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    assert key.private_bytes() == (1).to_bytes(32, "big")


def test_the_thumbprint_is_the_hash_of_the_four_members_in_order() -> None:
    key = ApiKey.from_private_bytes((7).to_bytes(32, "big"))
    jwk = key.public_jwk()
    text = f'{{"crv":"P-256","kty":"EC","x":"{jwk["x"]}","y":"{jwk["y"]}"}}'
    digest = hashlib.sha256(text.encode()).digest()

    assert key.thumbprint() == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert len(key.thumbprint()) == 43


@pytest.mark.parametrize(
    "scalar",
    [b"", b"\x01" * 31, b"\x01" * 33, bytes(32), P256_ORDER.to_bytes(32, "big"), b"\xff" * 32],
    ids=["empty", "short", "long", "zero", "order", "beyond"],
)
def test_a_scalar_outside_the_group_is_refused(scalar: bytes) -> None:
    with pytest.raises(ValueError):
        ApiKey.from_private_bytes(scalar)


def test_a_key_of_another_curve_is_refused() -> None:
    with pytest.raises(ValueError, match="secp256r1"):
        ApiKey(ec.generate_private_key(ec.SECP384R1()))


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError):
        ApiKey.generate().sign_compact({}, {"exp": float("nan")})
