"""How a post becomes known to the ministry: a one-time code, its card, its API key, one proof."""

import hashlib
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from cipher_service.wire.fields import Base64, PostCode, Sha256, SignedDocument, WireModel
from keys.canonical import encode

Coordinate = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]


class PublicJwk(WireModel):
    """A P-256 public key (RFC 7517, RFC 7518 §6.2): the post's API key."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: Coordinate
    y: Coordinate


class SignaturePair(WireModel):
    """Both signatures of one statement, base64 of the raw values."""

    ed25519: Base64
    mldsa65: Base64


class EnrolmentRequest(WireModel):
    """Body of `POST /v1/enrolments`.

    `code` was handed to the post in person, is usable once and is bound to the post's code.
    `proof` holds both signatures of the card over `enrolment_statement`, context
    `depeche/v1 enrolment`: the holder of the card asks for this API key with this code.
    """

    code: str = Field(pattern=r"^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3,7}$")
    card: SignedDocument
    jwk: PublicJwk
    proof: SignaturePair


class EnrolmentState(WireModel):
    """Where an enrolment stands. `fingerprint` is the one to read over the telephone."""

    post: PostCode
    state: Literal["pending", "active", "suspended"]
    fingerprint: Sha256


def enrolment_statement(*, post: str, fingerprint: str, jkt: str, code: str, issuer: str) -> bytes:
    """Canonical bytes that the enrolling card signs.

    Args:
        post: the post's code.
        fingerprint: the card's fingerprint, hex.
        jkt: RFC 7638 thumbprint of the API key, base64url without padding.
        code: the one-time code, as printed; only its SHA-256 enters the statement, so that a
            stored proof does not reveal it.
        issuer: the ministry's issuer URL, so that a proof is worth nothing elsewhere.
    """
    return encode(
        {
            "v": 1,
            "type": "depeche/v1 enrolment",
            "post": post,
            "card": fingerprint,
            "jkt": jkt,
            "code": hashlib.sha256(code.encode("ascii")).hexdigest(),
            "issuer": issuer,
        }
    )
