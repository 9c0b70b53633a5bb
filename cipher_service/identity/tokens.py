"""Every token that enters, read strictly; the only module that imports `jose`.

Three kinds, never interchangeable because each pins its `typ`:

* an access token (`at+jwt`, RFC 9068), signed by the registrar's key of the day and bound to a
  key of the caller by `cnf.jkt` (RFC 9449 §6.1), or to its certificate by `cnf.x5t#S256`
  (RFC 8705 §3.1), never to both;
* a client assertion (`client-authentication+jwt`, RFC 7523bis), signed by the post's API key;
* a proof of possession (`dpop+jwt`, RFC 9449 §4), carrying its key in the header.

The library checks one thing here: an ES256 signature under a key object that this module built.
All that it takes on trust otherwise (an absent `exp` or `aud`, `algorithms` given as a text,
unknown `crit`, duplicate names, junk in base64, raw bytes as an HMAC key) is decided before it is
called: exact header members, exact claims, strict types, one spelling, bounded life. `jose.jws`,
`jose.jwt` and `jose.jwe` are not imported here, so neither another algorithm, nor HMAC, nor
decompression can be reached.

Whoever reads an assertion or a proof must still claim its `jti` once (`storage.replay`): ES256
signatures are malleable, so the bytes of a token identify nothing.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, Literal

from jose import jwk
from jose.backends.base import Key

from cipher_service.identity.compact import (
    Compact,
    TokenMalformed,
    decode_segment,
    encode_segment,
    read_object,
    split,
)
from keys.jws import ApiKey

ACCESS_LIFETIME: Final = 300
ASSERTION_LIFETIME: Final = 60
PROOF_LIFETIME: Final = 60
LEEWAY: Final = 30

_ALGORITHM: Final = "ES256"
_POST: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{1,15}", re.ASCII)
_JTI: Final = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_METHOD: Final = re.compile(r"[A-Z]{3,7}", re.ASCII)
_ADDRESS: Final = re.compile(r"https?://[!-~]{1,2000}", re.ASCII)
_DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_JWK_MEMBERS: Final = frozenset({"kty", "crv", "x", "y"})

BY_PROOF: Final = "jkt"
BY_CERTIFICATE: Final = "x5t#S256"

Reason = Literal["malformed", "key", "signature", "claims", "clock"]


class TokenRefused(Exception):
    """The one way in which a token fails.

    `reason` is for logs and for telling a wrong clock from a wrong key; `clock` is only ever said
    of a token whose signature holds.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A validated P-256 public key. Build it with `read_jwk`."""

    x: str
    y: str
    thumbprint: str
    _key: Key = field(repr=False, compare=False)

    def jwk(self) -> dict[str, str]:
        """Return the key as a JWK with exactly kty, crv, x and y."""
        return {"kty": "EC", "crv": "P-256", "x": self.x, "y": self.y}


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a valid access token says.

    Attributes:
        post: code of the post.
        client: thumbprint of the API key that the post authenticated with.
        bound_by: what the caller shows with it, `BY_PROOF` or `BY_CERTIFICATE`.
        bound_to: thumbprint of the key that signs its proofs, or SHA-256 of its certificate.
        jti: the token's own name.
        expires: seconds since 1970, UTC.
        digest: SHA-256 of its text in base64url, which a proof with it names (`ath`).
    """

    post: str
    client: str
    bound_by: str
    bound_to: str
    jti: str
    expires: int
    digest: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a valid client assertion says; its `jti` is still to be claimed until `expires`."""

    post: str
    jti: str
    expires: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What a valid proof says; its `jti` is still to be claimed until `expires`.

    `method`, `url` and `token_hash` are still to be compared with the request
    (`identity.dpop.check`).
    """

    jkt: str
    key: PublicKey
    method: str
    url: str
    token_hash: str | None
    jti: str
    expires: int


def read_jwk(value: object) -> PublicKey:
    """Validate a JWK as a P-256 public key: exactly kty, crv, x, y, canonical, on the curve.

    Raises:
        TokenRefused: anything else, a private member included.
    """
    if not isinstance(value, dict) or value.keys() != _JWK_MEMBERS:
        raise TokenRefused("key")
    x, y = value["x"], value["y"]
    if value["kty"] != "EC" or value["crv"] != "P-256":
        raise TokenRefused("key")
    if not (_matches(_DIGEST, x) and _matches(_DIGEST, y)):
        raise TokenRefused("key")
    return _public_key(x, y)


def issue_access_token(
    key: ApiKey,
    *,
    issuer: str,
    post: str,
    client: str,
    confirmation: Mapping[str, str],
    now: datetime,
) -> str:
    """Sign a token of 300 seconds.

    Args:
        key: the registrar's token key of the day.
        issuer: the issuer's URL.
        post: code of the post.
        client: thumbprint of the API key that the post authenticated with, so that the token ends
            with that key.
        confirmation: what the token is bound to: one member, `BY_PROOF` or `BY_CERTIFICATE`.
        now: the present instant.
    """
    issued = int(now.timestamp())
    return key.sign_compact(
        {"typ": "at+jwt", "kid": key.thumbprint()},
        {
            "iss": issuer,
            "sub": post,
            "client_id": client,
            "aud": audience(issuer),
            "iat": issued,
            "exp": issued + ACCESS_LIFETIME,
            "jti": secrets.token_urlsafe(24),
            "cnf": dict(confirmation),
        },
    )


def audience(issuer: str) -> str:
    """Return the audience of access tokens: the API of this issuer, and nothing else."""
    return f"{issuer}/v1"


def key_id(token: str, typ: Literal["at+jwt", "client-authentication+jwt"]) -> str:
    """Return the `kid` of a token not yet verified, to find its key in the local allow-list.

    Raises:
        TokenRefused: malformed, another `typ` or `alg`, or other header members.
    """
    try:
        return _kid(split(token).header_segment, typ)
    except TokenMalformed as error:
        raise TokenRefused("malformed") from error


def read_access_token(
    token: str, allowed: Mapping[str, PublicKey], *, issuer: str, now: datetime
) -> AccessToken:
    """Read an access token.

    Args:
        token: the compact form.
        allowed: the token keys of the day by thumbprint, certified by the custodian.
        issuer: the only accepted `iss`; `aud` must be this issuer's API as a single text.
        now: the present instant.

    Raises:
        TokenRefused: anything but a living token of ours.
    """
    claims = _verified(
        token,
        "at+jwt",
        allowed,
        {"iss", "sub", "client_id", "aud", "iat", "exp", "jti", "cnf"},
    )
    post, jti = _subject(claims), _jti(claims)
    bound_by, bound_to = _confirmation(claims["cnf"])
    if (
        claims["iss"] != issuer
        or not _matches(_DIGEST, claims["client_id"])
        or claims["aud"] != audience(issuer)
    ):
        raise TokenRefused("claims")
    expires = _living(claims, lifetime=ACCESS_LIFETIME, grace=0, now=now)
    digest = encode_segment(sha256(token.encode("ascii")).digest())
    return AccessToken(post, claims["client_id"], bound_by, bound_to, jti, expires, digest)


def read_assertion(
    token: str, allowed: Mapping[str, PublicKey], *, issuer: str, now: datetime
) -> Assertion:
    """Read a client assertion.

    Args:
        token: the compact form.
        allowed: API keys by thumbprint; the caller still compares the owner with `post`.
        issuer: the sole value of `aud`, as one text: a list is refused, also of one member
            (RFC 7523bis: audience injection).
        now: the present instant.

    Raises:
        TokenRefused: anything but a living assertion for this issuer.
    """
    claims = _verified(
        token, "client-authentication+jwt", allowed, {"iss", "sub", "aud", "iat", "exp", "jti"}
    )
    post, jti = _subject(claims), _jti(claims)
    if claims["iss"] != post or claims["aud"] != issuer:
        raise TokenRefused("claims")
    expires = _living(claims, lifetime=ASSERTION_LIFETIME, grace=LEEWAY, now=now)
    return Assertion(post, jti, expires + LEEWAY)


def read_proof(token: str, *, now: datetime) -> Proof:
    """Read a proof of possession; its key is whatever its header carries.

    Raises:
        TokenRefused: anything but a proof signed within the last minute (30 s of skew allowed).
    """
    try:
        parts = split(token)
        key = _proof_key(parts.header_segment)
        claims = read_object(parts.claims)
    except TokenMalformed as error:
        raise TokenRefused("malformed") from error
    _verify_signature(parts, key)
    required = {"jti", "htm", "htu", "iat"}
    token_hash = claims.get("ath")
    if claims.keys() != (required if token_hash is None else required | {"ath"}):
        raise TokenRefused("claims")
    method, url, issued = claims["htm"], claims["htu"], claims["iat"]
    if not _matches(_METHOD, method) or not _matches(_ADDRESS, url) or type(issued) is not int:
        raise TokenRefused("claims")
    if token_hash is not None and not _matches(_DIGEST, token_hash):
        raise TokenRefused("claims")
    jti = _jti(claims)
    expires = issued + PROOF_LIFETIME + LEEWAY
    if not issued - LEEWAY <= now.timestamp() < expires:
        raise TokenRefused("clock")
    return Proof(key.thumbprint, key, method, url, token_hash, jti, expires)


def _verified(
    token: str, typ: str, allowed: Mapping[str, PublicKey], members: set[str]
) -> dict[str, Any]:
    try:
        parts = split(token)
        kid = _kid(parts.header_segment, typ)
        claims = read_object(parts.claims)
    except TokenMalformed as error:
        raise TokenRefused("malformed") from error
    key = allowed.get(kid)
    if key is None:
        raise TokenRefused("key")
    _verify_signature(parts, key)
    if claims.keys() != members:
        raise TokenRefused("claims")
    return claims


def _verify_signature(parts: Compact, key: PublicKey) -> None:
    # The key itself, not `jose.jws`: that would read once more, and less strictly, what was read.
    if not key._key.verify(parts.signed, parts.signature):  # noqa: SLF001 - PublicKey hides it from other modules
        raise TokenRefused("signature")


@lru_cache(maxsize=512)
def _public_key(x: str, y: str) -> PublicKey:
    try:
        decode_segment(x)
        decode_segment(y)
        key = jwk.construct({"kty": "EC", "crv": "P-256", "x": x, "y": y}, _ALGORITHM)
    except Exception as error:
        raise TokenRefused("key") from error
    # RFC 7638 §3: the required members in lexicographic order, no spaces.
    canonical = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'
    return PublicKey(x, y, encode_segment(sha256(canonical.encode("ascii")).digest()), key)


@lru_cache(maxsize=512)
def _proof_key(segment: str) -> PublicKey:
    header = read_object(decode_segment(segment))
    if header.keys() != {"alg", "typ", "jwk"} or header["typ"] != "dpop+jwt":
        raise TokenMalformed("not the header of a proof")
    if header["alg"] != _ALGORITHM:
        raise TokenMalformed("another algorithm")
    return read_jwk(header["jwk"])


@lru_cache(maxsize=1024)
def _kid(segment: str, typ: str) -> str:
    header = read_object(decode_segment(segment))
    if header.keys() != {"alg", "typ", "kid"} or header["typ"] != typ:
        raise TokenMalformed("not the header of this kind of token")
    kid = header["kid"]
    if header["alg"] != _ALGORITHM or not _matches(_DIGEST, kid):
        raise TokenMalformed("another algorithm, or a key id that is no thumbprint")
    return str(kid)


def _subject(claims: Mapping[str, Any]) -> str:
    if not _matches(_POST, claims["sub"]):
        raise TokenRefused("claims")
    return str(claims["sub"])


def _confirmation(value: object) -> tuple[str, str]:
    if isinstance(value, dict) and len(value) == 1:
        ((way, digest),) = value.items()
        if way in (BY_PROOF, BY_CERTIFICATE) and _matches(_DIGEST, digest):
            return way, digest
    raise TokenRefused("claims")


def _jti(claims: Mapping[str, Any]) -> str:
    if not _matches(_JTI, claims["jti"]):
        raise TokenRefused("claims")
    return str(claims["jti"])


def _living(claims: Mapping[str, Any], *, lifetime: int, grace: int, now: datetime) -> int:
    issued, expires = claims["iat"], claims["exp"]
    # bool is an int in Python: the exact type is asked.
    if type(issued) is not int or type(expires) is not int:
        raise TokenRefused("claims")
    if not 0 < expires - issued <= lifetime:
        raise TokenRefused("claims")
    instant = now.timestamp()
    if not issued - LEEWAY <= instant < expires + grace:
        raise TokenRefused("clock")
    return expires


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
