"""Makes tokens of every quality: good ones, and ones that no honest library would write."""

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from cipher_service.identity import tokens
from keys.jws import ApiKey

ISSUER = "https://chiffre.example"
POST = "PARIS"


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def written(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def private_key(key: ApiKey) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(key.private_bytes(), "big"), ec.SECP256R1())


def signed(key: ApiKey, header: bytes, claims: bytes) -> str:
    """A correct ES256 signature over any bytes whatever."""
    signing_input = f"{b64(header)}.{b64(claims)}"
    der = private_key(key).sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(der)
    return f"{signing_input}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@dataclass(frozen=True)
class Workshop:
    """One post, one day key, one instant."""

    day: ApiKey = field(default_factory=ApiKey.generate)
    post: ApiKey = field(default_factory=ApiKey.generate)
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    @property
    def instant(self) -> int:
        return int(self.now.timestamp())

    def header(self, kind: str) -> dict[str, Any]:
        if kind == "proof":
            return {"alg": "ES256", "typ": "dpop+jwt", "jwk": self.post.public_jwk()}
        if kind == "access":
            return {"alg": "ES256", "typ": "at+jwt", "kid": self.day.thumbprint()}
        return {"alg": "ES256", "typ": "client-authentication+jwt", "kid": self.post.thumbprint()}

    def claims(self, kind: str) -> dict[str, Any]:
        jti = "0123456789abcdef-_XY"
        if kind == "proof":
            url = f"{ISSUER}/v1/dispatches"
            return {"jti": jti, "htm": "POST", "htu": url, "iat": self.instant, "ath": "A" * 43}
        if kind == "access":
            return {
                "iss": ISSUER,
                "sub": POST,
                "client_id": self.post.thumbprint(),
                "aud": f"{ISSUER}/v1",
                "iat": self.instant,
                "exp": self.instant + 300,
                "jti": jti,
                "cnf": {"jkt": self.post.thumbprint()},
            }
        return {
            "iss": POST,
            "sub": POST,
            "aud": ISSUER,
            "iat": self.instant,
            "exp": self.instant + 60,
            "jti": jti,
        }

    def key(self, kind: str) -> ApiKey:
        return self.day if kind == "access" else self.post

    def token(
        self,
        kind: str,
        header: dict[str, Any] | None = None,
        claims: dict[str, Any] | None = None,
        key: ApiKey | None = None,
    ) -> str:
        """A token whose members replace or (`...`) remove the right ones, correctly signed."""
        return signed(
            key or self.key(kind),
            written(_changed(self.header(kind), header)),
            written(_changed(self.claims(kind), claims)),
        )

    def accepted(self, kind: str, token: str) -> bool:
        """Our own answer. Any exception but the one type is a failure of the test itself."""
        allowed = {k.thumbprint(): tokens.read_jwk(k.public_jwk()) for k in (self.key(kind),)}
        try:
            if kind == "proof":
                tokens.read_proof(token, now=self.now)
            elif kind == "access":
                tokens.read_access_token(token, allowed, issuer=ISSUER, now=self.now)
            else:
                tokens.read_assertion(token, allowed, issuer=ISSUER, now=self.now)
        except tokens.TokenRefused:
            return False
        return True


def _changed(members: dict[str, Any], changes: dict[str, Any] | None) -> dict[str, Any]:
    merged = {**members, **(changes or {})}
    return {name: value for name, value in merged.items() if value is not ...}
