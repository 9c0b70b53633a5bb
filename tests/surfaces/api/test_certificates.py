"""Posts that show a certificate: of the proxy alone, and for that post, key and token alone."""

import asyncio
from base64 import b64decode
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from cipher_service import clock
from cipher_service.api.application import create_application
from cipher_service.wire.tokens import ASSERTION_TYPE
from keys.certificates import ClientKey, pem, read_client_certificate
from keys.custody.client_authority import ClientAuthority
from tests.surfaces.api.live import PROXY_SECRET, Post, Service
from tests.surfaces.api.test_access import refused
from tests.surfaces.api.test_log import _heard, _next


@dataclass
class Shown:
    """A post that comes through the proxy, as its requests look behind it."""

    post: Post
    certificate: bytes

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Cipher-Proxy": PROXY_SECRET,
            "Cipher-Client-Certificate": quote(pem(self.certificate)),
        }

    def ask_token(self, assertion: str | None = None) -> httpx.Response:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.post.assertion(),
        }
        return self.post.service.http.post("/v1/token", data=form, headers=self.headers)

    def token(self) -> str:
        answer = self.ask_token()
        assert answer.status_code == 200, answer.text
        assert answer.json()["token_type"] == "Bearer"
        token: str = answer.json()["access_token"]
        return token

    def get(self, token: str, **changes: Any) -> httpx.Response:
        headers = {**self.headers, "Authorization": f"Bearer {token}", **changes}
        return self.post.service.http.get("/v1/dispatches", headers=headers)


def certified(post: Post) -> Shown:
    answer = post.call("POST", "/v1/certificates")
    assert answer.status_code == 201, answer.text
    told = {name: b64decode(value) for name, value in answer.json().items()}
    read = read_client_certificate(told["certificate"], told["authority"])
    assert (read.post, read.client) == (post.code, post.own.api.thumbprint())
    read.require_in_force(clock.now())
    assert read.valid_until - clock.now() <= timedelta(days=7)
    return Shown(post, told["certificate"])


def test_a_post_comes_by_its_certificate_without_a_proof(paris: Post) -> None:
    shown = certified(paris)
    token = shown.token()
    for _ in range(3):
        assert shown.get(token).status_code == 200
    renewed = paris.service.http.post(
        "/v1/certificates", headers={**shown.headers, "Authorization": f"Bearer {token}"}
    )
    assert renewed.status_code == 201
    written = paris.assertion()
    assert shown.ask_token(written).status_code == 200
    refused(shown.ask_token(written), 401, "PROOF_REPLAYED")


def test_a_stolen_token_is_worth_nothing_without_its_certificate(paris: Post, lome: Post) -> None:
    shown, thief = certified(paris), certified(lome)
    token = shown.token()
    refused(thief.get(token), 401, "CERTIFICATE_REFUSED")
    refused(certified(paris).get(token), 401, "CERTIFICATE_REFUSED")
    bare = {"Authorization": f"Bearer {token}"}
    refused(paris.service.http.get("/v1/dispatches", headers=bare), 401, "TOKEN_MISSING")
    proof = paris.proof("GET", "/v1/dispatches", token=token)
    by_proof = {"Authorization": f"DPoP {token}", "DPoP": proof}
    refused(paris.service.http.get("/v1/dispatches", headers=by_proof), 401, "PROOF_REFUSED")
    refused(shown.get(paris.token()), 401, "CERTIFICATE_REFUSED")


def test_a_certificate_of_another_post_or_authority_gives_no_token(paris: Post, lome: Post) -> None:
    crossed = Shown(paris, certified(lome).certificate)
    refused(crossed.ask_token(), 401, "CERTIFICATE_REFUSED")
    now = clock.now().replace(microsecond=0)
    jwk = paris.own.api.public_jwk()
    wanted = ClientKey("PARIS", jwk["x"], jwk["y"], now, now + timedelta(days=1))
    forged = ClientAuthority(bytes(32), "MINREX").certify(wanted.encode(), now)
    refused(Shown(paris, forged).ask_token(), 401, "CERTIFICATE_REFUSED")


def test_a_suspended_post_is_refused_at_once_whatever_its_certificate_says(
    service: Service,
) -> None:
    post = service.enrolled("LIBREVILLE")
    shown = certified(post)
    token = shown.token()
    assert shown.get(token).status_code == 200
    service.suspend("LIBREVILLE")
    refused(shown.get(token), 403, "POST_NOT_ACTIVE")
    refused(shown.ask_token(), 403, "POST_NOT_ACTIVE")
    service.resume("LIBREVILLE")
    assert shown.get(token).status_code == 200


def test_a_ministry_that_demands_certificates_hears_nobody_without(paris: Post) -> None:
    """By its proof a post still fetches its first certificate, and does nothing else."""
    shown = certified(paris)
    demanding = create_application(replace(paris.service.settings, certificates_demanded=True))
    bound = shown.token()

    def proved(method: str, path: str) -> dict[str, str]:
        token = paris.token()
        return {
            "Authorization": f"DPoP {token}",
            "DPoP": paris.proof(method, path, token=token),
        }

    async def asked() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=demanding)
        async with httpx.AsyncClient(transport=transport, base_url="http://demanding") as http:
            answers = [
                await http.get(path, headers=proved("GET", path))
                for path in ("/v1/dispatches", "/v1/directory", "/v1/audit/checkpoint")
            ]
            path = "/v1/certificates"
            answers.append(await http.post(path, headers=proved("POST", path)))
            own = {**shown.headers, "Authorization": f"Bearer {bound}"}
            answers.append(await http.get("/v1/dispatches", headers=own))
        events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
        await demanding({"type": "lifespan"}, partial(_next, events), _heard)
        return answers

    *refusals, certificate, listed = asyncio.run(asked())
    for answer in refusals:
        refused(answer, 403, "CERTIFICATE_NEEDED")
        assert "chiffre certificate" in answer.text
    assert (certificate.status_code, listed.status_code) == (201, 200)
    # Elsewhere nothing is demanded.
    assert paris.get("/v1/dispatches").status_code == 200


@pytest.mark.parametrize("secret", [None, "", "x", PROXY_SECRET[:-1], PROXY_SECRET + "x"])
def test_a_certificate_that_the_proxy_did_not_hand_on_is_refused(
    paris: Post, secret: str | None
) -> None:
    shown = certified(paris)
    token = shown.token()
    headers = {**shown.headers, "Authorization": f"Bearer {token}"}
    del headers["Cipher-Proxy"]
    if secret is not None:
        headers["Cipher-Proxy"] = secret
    answer = paris.service.http.get("/v1/dispatches", headers=headers)
    refused(answer, 400, "PROXY_UNPROVED")


def test_the_proxys_headers_occur_once_and_in_one_spelling(paris: Post) -> None:
    shown = certified(paris)
    token = shown.token()
    secret = ("Cipher-Proxy", PROXY_SECRET)
    line = ("Cipher-Client-Certificate", shown.headers["Cipher-Client-Certificate"])
    for lines, status in (
        ([secret, line], 200),
        ([secret, line, line], 400),
        ([secret, secret, line], 400),
        ([secret, (line[0].replace("-", "_"), line[1])], 401),
        ([(secret[0].replace("-", "_"), secret[1]), line], 400),
        ([secret, (line[0], line[1].replace("%", "%25"))], 401),
        ([secret, (line[0], "")], 401),
    ):
        headers = [("Authorization", f"Bearer {token}"), *lines]
        answer = paris.service.http.get("/v1/dispatches", headers=headers)
        assert answer.status_code == status, lines
