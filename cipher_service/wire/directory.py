"""The directory, the posts and their cards, as the API gives them."""

from typing import Literal

from pydantic import Field

from cipher_service.wire.audit import LogKeys
from cipher_service.wire.enrolment import SignaturePair
from cipher_service.wire.fields import (
    Base64,
    Line,
    Marking,
    PostCode,
    Sha256,
    SignedDocument,
    Timestamp,
    WireModel,
)


class Health(WireModel):
    """`GET /v1/health`: the server answers and its registrar too."""

    status: Literal["ok"]
    time: Timestamp = Field(description="the server's clock; posts compare theirs")
    log: str = Field(
        pattern=r"^[A-Z][A-Z0-9_]{1,39}$|^ok$",
        description="`ok`, or the name of why the log's head is not signed any more",
    )
    custodian: Literal["open", "sealed", "away"] = Field(
        description="whether the bureau's keys open and sign; `away` when nobody answers"
    )
    trial: bool = Field(description="whether the custodian has no officers, and demands nothing")


class ServiceKey(WireModel):
    """The public half of the key that signs receipts."""

    ed25519: Base64
    mldsa65: Base64
    fingerprint: Sha256


class TokenKeyCertificate(WireModel):
    """The day's token key, certified by the custodian (context `depeche/v1 token-key`)."""

    statement: SignedDocument
    signatures: SignaturePair


class ServiceCard(WireModel):
    """`GET /v1/service-card`: what a post pins at enrolment, after comparing fingerprints."""

    issuer: Line
    headquarters: PostCode
    card: SignedDocument = Field(description="the headquarters bureau's own card")
    service_key: ServiceKey
    token_key: TokenKeyCertificate
    log: LogKeys
    root: SignedDocument | None = Field(
        description="the root, introduced by the bureau's card; null until its keys "
        "were open once under it, and while the root's key is suspended or compromised"
    )
    successions: list[SignedDocument] = Field(
        description="what the root said of each key of receipts that took another's place, the "
        "oldest first; a post follows them from the key that it confirmed"
    )


class LocalisedName(WireModel):
    """One name in the two official languages."""

    fr: Line
    en: Line


class Post(WireModel):
    """A post of the network. `fingerprint` is its current card's, null before it has one."""

    code: PostCode
    kind: Line
    name: LocalisedName
    city: Line
    country: str = Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")
    channels: list[Marking] = Field(description="mediums; the first is tried first")
    state: Literal["absent", "pending", "active", "suspended"]
    fingerprint: Sha256 | None


class Service(WireModel):
    """A service or bureau of the ministry (decree 2013/112, articles 8-16)."""

    code: str = Field(pattern=r"^[A-Z0-9][A-Z0-9./-]{0,39}$")
    parent: str | None
    article: int = Field(ge=1, le=200)
    kind: Line
    name: LocalisedName


class Directory(WireModel):
    """`GET /v1/directory`: every post, and the services of the ministry."""

    headquarters: PostCode
    posts: list[Post]
    services: list[Service]


class Cards(WireModel):
    """`GET /v1/cards/{post}`: the editions of a post's card, newest first."""

    post: PostCode
    cards: list[SignedDocument]
    endorsements: list[SignedDocument | None] = Field(
        description="what the ministry's root says of each of them, in their order"
    )
