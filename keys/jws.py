"""ES256 compact tokens: what a post's client and the registrar's day key sign.

Only the signing side lives here. Whoever accepts a token does so through the one strict wrapper of
the service; this module never reads one.

    key = ApiKey.generate()
    proof = key.sign_compact({"typ": "dpop+jwt", "jwk": key.public_jwk()}, claims)
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

_COORDINATE = 32
_CURVE = ec.SECP256R1()


class ApiKey:
    """A P-256 key that signs ES256 tokens (RFC 7518 §3.4).

    It authenticates an API session and nothing else: dispatches, cards and receipts are signed by
    the keys of `keys.signing`.
    """

    __slots__ = ("_private", "_x", "_y")

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        if private.curve.name != _CURVE.name:
            raise ValueError(f"an API key is on {_CURVE.name}, not {private.curve.name}")
        self._private = private
        numbers = private.public_key().public_numbers()
        self._x = numbers.x.to_bytes(_COORDINATE, "big")
        self._y = numbers.y.to_bytes(_COORDINATE, "big")

    @classmethod
    def generate(cls) -> "ApiKey":
        """Return a fresh key."""
        return cls(ec.generate_private_key(_CURVE))

    @classmethod
    def from_private_bytes(cls, scalar: bytes) -> "ApiKey":
        """Return the key whose private scalar is `scalar`, 32 bytes big-endian.

        Raises:
            ValueError: Not 32 bytes, or not within 1 .. order - 1 (FIPS 186-5 §A.2).
        """
        if len(scalar) != _COORDINATE:
            raise ValueError(f"a P-256 scalar has {_COORDINATE} bytes, not {len(scalar)}")
        return cls(ec.derive_private_key(int.from_bytes(scalar, "big"), _CURVE))

    def private_bytes(self) -> bytes:
        """Return the private scalar, 32 bytes big-endian."""
        return self._private.private_numbers().private_value.to_bytes(_COORDINATE, "big")

    def public_jwk(self) -> dict[str, str]:
        """Return the public half as a JWK with exactly kty, crv, x and y (RFC 7518 §6.2.1)."""
        return {"kty": "EC", "crv": "P-256", "x": _base64url(self._x), "y": _base64url(self._y)}

    def thumbprint(self) -> str:
        """Return the SHA-256 JWK thumbprint, base64url without padding, 43 chars (RFC 7638 §3)."""
        return jwk_thumbprint(self.public_jwk())

    def sign_compact(self, header: Mapping[str, object], claims: Mapping[str, object]) -> str:
        """Return `claims` as a compact JWS (RFC 7515 §3.1).

        Args:
            header: Protected header; `alg` is always set to ES256.
            claims: The payload; JSON values without floats that are not finite.

        Raises:
            ValueError, TypeError: A value that JSON cannot express.
        """
        protected = {**header, "alg": "ES256"}
        signing_input = f"{_base64url(_json(protected))}.{_base64url(_json(claims))}"
        der = self._private.sign(signing_input.encode("ascii"), ec.ECDSA(hashes.SHA256()))
        # JOSE wants r and s side by side, not the DER that the library speaks (RFC 7518 §3.4).
        r, s = decode_dss_signature(der)
        signature = r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")
        return f"{signing_input}.{_base64url(signature)}"


def jwk_thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the SHA-256 thumbprint of a JWK that holds exactly its required members.

    Returns:
        base64url without padding, 43 characters (RFC 7638 §3).
    """
    return _base64url(sha256(_json(dict(sorted(jwk.items())))).digest())


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
