"""A post's session with the service: its token, a proof for each request, and plain requests."""

from pathlib import Path

import httpx

from cipher_service import clock
from cipher_service.client.transport_tokens import assertion, proof
from cipher_service.wire.tokens import ASSERTION_TYPE
from keys.identity import Identity, load_identity
from keys.jws import ApiKey


class Caller:
    """One post that has just signed in; a token lives five minutes.

    Args:
        folder: the post's identity, made without a passphrase.
        issuer: the service's address.
    """

    def __init__(self, folder: str, issuer: str) -> None:
        self.identity: Identity = load_identity(Path(folder), bytes)
        self.issuer = issuer
        self.key = ApiKey.generate()
        self.token = self._sign_in()

    def headers(self, method: str, path: str) -> dict[str, str]:
        """Return the two headers that authenticate one request."""
        fresh = proof(
            self.key, method=method, url=self.issuer + path, at=clock.now(), token=self.token
        )
        return {"Authorization": f"DPoP {self.token}", "DPoP": fresh}

    def post(self, path: str, body: bytes, media_type: str) -> httpx.Response:
        """POST a small body."""
        headers = {**self.headers("POST", path), "Content-Type": media_type}
        url = self.issuer + path
        answer = httpx.post(url, content=body, headers=headers, trust_env=False, timeout=60)
        return answer.raise_for_status()

    def _sign_in(self) -> str:
        now, path = clock.now(), "/v1/token"
        answer = httpx.post(
            self.issuer + path,
            data={
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion(
                    self.identity.api_key,
                    post=self.identity.card.post,
                    issuer=self.issuer,
                    at=now,
                ),
            },
            headers={
                "DPoP": proof(self.key, method="POST", url=self.issuer + path, at=now, token=None)
            },
            trust_env=False,
            timeout=60,
        )
        return str(answer.raise_for_status().json()["access_token"])
