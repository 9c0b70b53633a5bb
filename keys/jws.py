"""ES256 compact tokens: what a post's client and the registrar's day key sign.

Only the signing side lives here. Whoever accepts a token does so through the one strict wrapper of
the service; this module never reads one.

    key = ApiKey.generate()
    proof = key.sign_compact({"typ": "dpop+jwt", "jwk": key.public_jwk()}, claims)
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

if TYPE_CHECKING:
    from keys.records import Record

_COORDINATE = 32
_COORDINATE_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_CURVE = ec.SECP256R1()


class ApiKey:
    """A P-256 key that signs ES256 tokens (RFC 7518 §3.4).

    It authenticates an API session and nothing else: dispatches, cards and receipts are signed by
    the keys of `keys.signing`.
    """

    __slots__ = ("_jwk", "_private")

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        if private.curve.name != _CURVE.name:
            raise ValueError(f"an API key is on {_CURVE.name}, not {private.curve.name}")
        self._private = private
        self._jwk = jwk_of(private.public_key())

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
        return dict(self._jwk)

    def enciphered_pem(self, password: bytes) -> bytes:
        """Return the private key as PKCS #8 in PEM, enciphered under a password."""
        return self._private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password)
        )

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
        signing_input = f"{base64url(_json(protected))}.{base64url(_json(claims))}"
        der = self._private.sign(signing_input.encode("ascii"), ec.ECDSA(hashes.SHA256()))
        # JOSE wants r and s side by side, not the DER that the library speaks (RFC 7518 §3.4).
        r, s = decode_dss_signature(der)
        signature = r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")
        return f"{signing_input}.{base64url(signature)}"


def jwk_of(public: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """Return a P-256 public key as a JWK with exactly kty, crv, x and y (RFC 7518 §6.2.1).

    Raises:
        ValueError: a key on another curve.
    """
    if public.curve.name != _CURVE.name:
        raise ValueError(f"an API key is on {_CURVE.name}, not {public.curve.name}")
    numbers = public.public_numbers()
    x, y = (each.to_bytes(_COORDINATE, "big") for each in (numbers.x, numbers.y))
    return point_jwk(base64url(x), base64url(y))


def point_jwk(x: str, y: str) -> dict[str, str]:
    """Return the JWK of a P-256 point, its coordinates base64url of 43 characters each."""
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def read_point(jwk: "Record") -> tuple[str, str]:
    """Return the coordinates of a JWK of exactly kty, crv, x and y; on the curve or not.

    Raises:
        ValueError: any other member or form.
    """
    jwk.constant("kty", "EC")
    jwk.constant("crv", "P-256")
    point = jwk.text("x", _COORDINATE_TEXT), jwk.text("y", _COORDINATE_TEXT)
    jwk.close()
    return point


def public_key_of(jwk: Mapping[str, str]) -> ec.EllipticCurvePublicKey:
    """Return the key of a JWK with coordinates of 43 characters each.

    Raises:
        ValueError: not in their one spelling, or of no point of the curve.
    """
    x, y = (urlsafe_b64decode(f"{jwk[name]}=") for name in ("x", "y"))
    if (base64url(x), base64url(y)) != (jwk["x"], jwk["y"]):
        raise ValueError("the coordinates are not in their one spelling")
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(x, "big"), int.from_bytes(y, "big"), _CURVE
    )
    return numbers.public_key()


def jwk_thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the SHA-256 thumbprint of a JWK that holds exactly its required members.

    Returns:
        base64url without padding, 43 characters (RFC 7638 §3).
    """
    return base64url(sha256(_json(dict(sorted(jwk.items())))).digest())


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def base64url(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
