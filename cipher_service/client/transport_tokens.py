"""The two tokens a post signs: its client assertion and its proofs of possession."""

import secrets
from base64 import urlsafe_b64encode
from datetime import datetime
from hashlib import sha256
from typing import Final

from cipher_service.wire.tokens import ASSERTION_TYP, PROOF_TYP
from keys.jws import ApiKey

_ASSERTION_SECONDS: Final = 60


def assertion(key: ApiKey, *, post: str, issuer: str, at: datetime) -> str:
    """Sign a client assertion that lives 60 seconds and can be used once (RFC 7523bis).

    Args:
        key: the post's API key, enrolled with the ministry.
        post: the post's code, both `iss` and `sub`.
        issuer: the ministry's issuer, the sole value of `aud`.
        at: the present instant by the ministry's clock.
    """
    issued = int(at.timestamp())
    return key.sign_compact(
        {"typ": ASSERTION_TYP, "kid": key.thumbprint()},
        {
            "iss": post,
            "sub": post,
            "aud": issuer,
            "iat": issued,
            "exp": issued + _ASSERTION_SECONDS,
            "jti": _name(at),
        },
    )


def proof(key: ApiKey, *, method: str, url: str, at: datetime, token: str | None) -> str:
    """Sign a proof for one request (RFC 9449 §4.2).

    Args:
        key: made for this run; the access token is bound to it.
        method: of the request, in capitals.
        url: of the request, without query, as the issuer spells it.
        at: the present instant by the ministry's clock.
        token: the access token it accompanies; None at the token endpoint.
    """
    claims: dict[str, object] = {
        "jti": _name(at),
        "htm": method,
        "htu": url,
        "iat": int(at.timestamp()),
    }
    if token is not None:
        digest = sha256(token.encode("ascii")).digest()
        claims["ath"] = urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
    return key.sign_compact({"typ": PROOF_TYP, "jwk": key.public_jwk()}, claims)


def _name(at: datetime) -> str:
    """A token's name: its time in milliseconds, then 144 random bits.

    The ministry remembers names by that time, where they cost it least (`storage.replay`).
    """
    return f"{int(at.timestamp() * 1000):012x}-{secrets.token_urlsafe(18)}"
