"""What the gatekeeper remembers of a token it never believes for longer than the token says."""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import quote

import pytest

from cipher_service import clock
from cipher_service.client.transport_tokens import proof
from cipher_service.errors import ServiceError
from cipher_service.identity.client_certificates import ClientCertificates
from cipher_service.identity.compact import encode_segment
from cipher_service.identity.gatekeeper import Caller, Gatekeeper
from cipher_service.identity.tokens import (
    ACCESS_LIFETIME,
    PublicKey,
    issue_access_token,
    read_jwk,
)
from keys.certificates import ClientKey, pem
from keys.custody.client_authority import ClientAuthority
from keys.jws import ApiKey

ISSUER = "https://chiffre.example"
PATH = "/v1/dispatches"
AUTHORITY = ClientAuthority(bytes(32), "MINREX")
START = datetime(2026, 11, 25, 22, 0, tzinfo=UTC)


class Post:
    """A caller with one token, and the gatekeeper that it comes to again and again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = START
        monkeypatch.setattr(clock, "now", lambda: self.now)
        self.key, self.day_key = ApiKey.generate(), ApiKey.generate()
        self.token = self.token_for({"jkt": self.key.thumbprint()})
        self.asked = 0

        async def ask_keys() -> dict[str, PublicKey]:
            self.asked += 1
            return {self.day_key.thumbprint(): read_jwk(self.day_key.public_jwk())}

        async def ask_authorities() -> bytes:
            return "".join(pem(each.certificate) for each in self.authorities).encode()

        self.authorities = [AUTHORITY]
        self.gatekeeper = Gatekeeper(ISSUER, ask_keys, ClientCertificates(ask_authorities))

    def token_for(self, confirmation: dict[str, str]) -> str:
        return issue_access_token(
            self.day_key,
            issuer=ISSUER,
            post="PARIS",
            client=ApiKey.generate().thumbprint(),
            confirmation=confirmation,
            now=START,
        )

    def shows(self, token: str, certificate: str) -> Caller:
        return asyncio.run(
            self.gatekeeper.recognise(
                f"Bearer {token}", None, certificate, method="POST", path=PATH
            )
        )

    def comes(self, by: ApiKey | None = None) -> Caller:
        fresh = proof(
            by or self.key, method="POST", url=ISSUER + PATH, at=self.now, token=self.token
        )
        return asyncio.run(
            self.gatekeeper.recognise(f"DPoP {self.token}", fresh, method="POST", path=PATH)
        )


def test_a_remembered_token_ends_when_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    post = Post(monkeypatch)
    assert post.comes().post == "PARIS"
    post.now = START + timedelta(seconds=ACCESS_LIFETIME - 1)
    assert post.comes().post == "PARIS"
    assert post.asked == 1

    post.now = START + timedelta(seconds=ACCESS_LIFETIME)
    with pytest.raises(ServiceError) as refused:
        post.comes()
    assert refused.value.code == "TOKEN_REFUSED"


def test_a_remembered_token_still_asks_for_its_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stolen, it is worth nothing, also after its owner has just been there."""
    post = Post(monkeypatch)
    post.comes()

    with pytest.raises(ServiceError) as refused:
        post.comes(by=ApiKey.generate())
    assert refused.value.code == "PROOF_REFUSED"


def test_a_proof_names_the_token_that_it_comes_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two tokens of one key, a proof serves the one whose digest it bears (`ath`)."""
    post = Post(monkeypatch)
    post.comes()
    other = post.token_for({"jkt": post.key.thumbprint()})
    for named in (other, None):
        told = proof(post.key, method="POST", url=ISSUER + PATH, at=post.now, token=named)
        with pytest.raises(ServiceError, match="PROOF_REFUSED"):
            asyncio.run(
                post.gatekeeper.recognise(f"DPoP {post.token}", told, method="POST", path=PATH)
            )


def certified(
    key: ApiKey, life: timedelta = timedelta(days=1), authority: ClientAuthority = AUTHORITY
) -> bytes:
    jwk = key.public_jwk()
    wanted = ClientKey("PARIS", jwk["x"], jwk["y"], START, START + life)
    return authority.certify(wanted.encode(), START)


def test_another_authority_is_learnt_with_the_first_certificate_that_it_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    following = ClientAuthority(b"\x01" * 32, "MINREX")

    def shows(post: Post, authority: ClientAuthority) -> None:
        certificate = certified(post.key, authority=authority)
        bound = {"x5t#S256": encode_segment(sha256(certificate).digest())}
        post.shows(post.token_for(bound), quote(pem(certificate)))

    post = Post(monkeypatch)
    shows(post, AUTHORITY)
    with pytest.raises(ServiceError, match="CERTIFICATE_REFUSED"):
        shows(post, following)
    post.authorities = [following, AUTHORITY]
    for authority in (following, AUTHORITY):
        shows(post, authority)
    later = Post(monkeypatch)
    later.authorities = [following]
    shows(later, following)
    with pytest.raises(ServiceError, match="CERTIFICATE_REFUSED"):
        shows(later, AUTHORITY)


def test_a_remembered_certificate_ends_when_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    post = Post(monkeypatch)
    certificate = certified(post.key, timedelta(seconds=60))
    token = post.token_for({"x5t#S256": encode_segment(sha256(certificate).digest())})
    shown = quote(pem(certificate))
    assert post.shows(token, shown).claims == ()

    post.now = START + timedelta(seconds=61)
    with pytest.raises(ServiceError, match="CERTIFICATE_REFUSED"):
        post.shows(token, shown)


def test_a_token_serves_only_by_the_way_that_it_is_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    post = Post(monkeypatch)
    certificate, other = certified(post.key), certified(post.key)
    token = post.token_for({"x5t#S256": encode_segment(sha256(certificate).digest())})
    post.shows(token, quote(pem(certificate)))

    for wrong, shown in ((token, other), (post.token, certificate)):
        with pytest.raises(ServiceError, match="CERTIFICATE_REFUSED"):
            post.shows(wrong, quote(pem(shown)))
    post.token = token
    with pytest.raises(ServiceError, match="PROOF_REFUSED"):
        post.comes()
