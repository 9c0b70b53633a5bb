"""Secrets that somebody else carries: made here, kept as a hash.

They have 256 random bits, so a plain SHA-256 is enough: there is nothing to guess.
"""

import secrets
from hashlib import sha256

_BYTES = 32


def new_secret() -> str:
    """Return a secret for a cookie or a link: base64url, 43 characters."""
    return secrets.token_urlsafe(_BYTES)


def digest_of(secret: str) -> str:
    """Return the lower-case hex under which a secret is kept."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
