"""What the gatekeeper remembers of a token it never believes for longer than the token says."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from cipher_service import clock
from cipher_service.client.transport_tokens import proof
from cipher_service.errors import ServiceError
from cipher_service.identity.gatekeeper import Caller, Gatekeeper
from cipher_service.identity.tokens import (
    ACCESS_LIFETIME,
    PublicKey,
    issue_access_token,
    read_jwk,
)
from keys.jws import ApiKey

ISSUER = "https://chiffre.example"
PATH = "/v1/dispatches"
START = datetime(2026, 11, 25, 22, 0, tzinfo=UTC)


class Post:
    """A caller with one token, and the gatekeeper that it comes to again and again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = START
        monkeypatch.setattr(clock, "now", lambda: self.now)
        self.key, day_key = ApiKey.generate(), ApiKey.generate()
        self.token = issue_access_token(
            day_key,
            issuer=ISSUER,
            post="PARIS",
            client=ApiKey.generate().thumbprint(),
            jkt=self.key.thumbprint(),
            now=START,
        )
        self.asked = 0

        async def ask_keys() -> dict[str, PublicKey]:
            self.asked += 1
            return {day_key.thumbprint(): read_jwk(day_key.public_jwk())}

        self.gatekeeper = Gatekeeper(ISSUER, ask_keys)

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
