"""Who gets in: a post with its keys, once for each proof, and only as far as its own mail."""

import secrets
from base64 import urlsafe_b64decode
from datetime import datetime, timedelta

import httpx
import pytest

from cipher_service import clock
from keys.jws import ApiKey
from tests.support.ministry import PostKeys
from tests.surfaces.api.live import Post, Service, problem
from tests.surfaces.api.test_receiving import filed, receipt_of


def refused(answer: httpx.Response | None, status: int, code: str) -> None:
    assert answer is not None
    document = problem(answer)
    assert (document["status"], document["code"]) == (status, code), document


def in_the_past(seconds: int) -> datetime:
    return clock.now() - timedelta(seconds=seconds)


# -- enrolment -----------------------------------------------------------------------------------


def test_a_post_is_pending_until_headquarters_compared_its_fingerprint(service: Service) -> None:
    post = Post(service, PostKeys("BRUXELLES"))
    body = post.enrolment_body(service.issue_code("BRUXELLES"))
    answer = service.http.post("/v1/enrolments", json=body)
    assert answer.status_code == 201
    expected = {
        "post": "BRUXELLES",
        "state": "pending",
        "fingerprint": post.own.card.fingerprint,
    }
    assert answer.json() == expected
    refused(post.ask_token(), 403, "POST_NOT_ACTIVE")
    again = service.http.post("/v1/enrolments", json=body)
    assert (again.status_code, again.json()) == (201, expected)  # a lost answer costs nothing
    service.activate(post.own.card)
    assert service.http.get("/v1/enrolments/BRUXELLES").json()["state"] == "active"
    assert post.ask_token().status_code == 200


def test_an_enrolment_code_works_once_for_one_post(service: Service) -> None:
    code = service.issue_code("ADDIS")
    refused(Post(service, PostKeys("PEKIN")).enrol(code), 403, "ENROLMENT_REFUSED")
    assert Post(service, PostKeys("ADDIS")).enrol(code).status_code == 201
    refused(Post(service, PostKeys("ADDIS")).enrol(code), 403, "ENROLMENT_REFUSED")
    made_up = "0000-0000-0000-0000-0000"
    refused(Post(service, PostKeys("ADDIS")).enrol(made_up), 403, "ENROLMENT_REFUSED")


def test_an_enrolment_whose_proof_is_not_of_its_card_is_refused(service: Service) -> None:
    code = service.issue_code("BERLIN")
    honest, other = Post(service, PostKeys("BERLIN")), Post(service, PostKeys("BERLIN"))
    body = honest.enrolment_body(code)
    stolen_proof = {**other.enrolment_body(code), "proof": body["proof"]}
    refused(service.http.post("/v1/enrolments", json=stolen_proof), 422, "SIGNATURE_INVALID")
    other_key = {**body, "jwk": ApiKey.generate().public_jwk()}
    refused(service.http.post("/v1/enrolments", json=other_key), 422, "SIGNATURE_INVALID")
    altered = {**body, "card": {**body["card"], "edition": 2}}
    refused(service.http.post("/v1/enrolments", json=altered), 422, "CARD_INVALID")


# -- tokens --------------------------------------------------------------------------------------


def test_a_token_is_short_and_bound(paris: Post) -> None:
    answer = paris.ask_token()
    assert answer.json()["token_type"] == "DPoP"
    assert answer.json()["expires_in"] == 300
    claims = answer.json()["access_token"].split(".")[1]
    assert paris.run_key.thumbprint().encode() in urlsafe_b64decode(claims + "==")


def test_an_assertion_works_once(paris: Post) -> None:
    written = paris.assertion()
    assert paris.ask_token(written).status_code == 200
    refused(paris.ask_token(written), 401, "PROOF_REPLAYED")


def test_a_proof_at_the_token_endpoint_works_once(paris: Post) -> None:
    written = paris.proof("POST", "/v1/token")
    assert paris.ask_token(None, written).status_code == 200
    refused(paris.ask_token(None, written), 401, "PROOF_REPLAYED")


def test_a_proofs_name_serves_once_whatever_time_stands_beside_it(paris: Post) -> None:
    instant, jti = int(clock.now().timestamp()), secrets.token_urlsafe(24)
    header = {"typ": "dpop+jwt", "jwk": paris.run_key.public_jwk()}
    request = {"htm": "POST", "htu": f"{paris.issuer}/v1/token", "jti": jti}
    first, second = (
        paris.run_key.sign_compact(header, {**request, "iat": at}) for at in (instant, instant - 1)
    )
    assert paris.ask_token(None, first).status_code == 200
    refused(paris.ask_token(None, second), 401, "PROOF_REPLAYED")


@pytest.mark.parametrize("seconds", [100, -100])
def test_a_wrong_clock_is_named_with_the_servers_time(paris: Post, seconds: int) -> None:
    wrong = in_the_past(seconds)
    refused(paris.ask_token(paris.assertion(at=wrong)), 401, "CLOCK_SKEWED")
    answer = paris.ask_token(None, paris.proof("POST", "/v1/token", at=wrong))
    refused(answer, 401, "CLOCK_SKEWED")
    told = clock.parse(answer.json()["facts"]["server_time"])
    assert abs((told - clock.now()).total_seconds()) < 30
    assert answer.headers["www-authenticate"].startswith("DPoP ")


def test_thirty_seconds_of_skew_are_allowed(paris: Post) -> None:
    for seconds in (25, -25):
        at = in_the_past(seconds)
        written = paris.proof("POST", "/v1/token", at=at)
        assert paris.ask_token(paris.assertion(at=at), written).status_code == 200


def test_an_assertion_for_another_audience_is_refused(paris: Post) -> None:
    key = paris.own.api
    instant = int(clock.now().timestamp())
    header = {"typ": "client-authentication+jwt", "kid": key.thumbprint()}
    for audience in (
        [paris.issuer],
        [paris.issuer, "https://other.example"],
        "https://other.example",
        f"{paris.issuer}/v1/token",
    ):
        claims = {
            "iss": "PARIS",
            "sub": "PARIS",
            "aud": audience,
            "iat": instant,
            "exp": instant + 60,
            "jti": secrets.token_urlsafe(24),
        }
        refused(paris.ask_token(key.sign_compact(header, claims)), 401, "ASSERTION_REFUSED")


def test_a_key_that_is_not_enrolled_or_another_posts_is_refused(paris: Post, lome: Post) -> None:
    refused(paris.ask_token(paris.assertion(key=ApiKey.generate())), 401, "ASSERTION_REFUSED")
    # LOME's key saying that it is PARIS.
    refused(paris.ask_token(paris.assertion(key=lome.own.api)), 401, "ASSERTION_REFUSED")


# -- requests ------------------------------------------------------------------------------------


def test_no_token_no_answer(service: Service) -> None:
    for path in ("/v1/directory", "/v1/dispatches", "/v1/arrivals", "/v1/service-messages"):
        refused(service.http.get(path), 401, "TOKEN_MISSING")
    bearer = {"Authorization": "Bearer abc", "DPoP": "x"}
    refused(service.http.get("/v1/dispatches", headers=bearer), 401, "TOKEN_MISSING")


def test_a_proof_works_once_also_across_processes(service: Service, paris: Post) -> None:
    headers = paris.authorised("GET", "/v1/dispatches")
    assert service.http.get("/v1/dispatches", headers=headers).status_code == 200
    for _ in range(6):  # fresh connections land on either API process
        answer = service.http.get("/v1/dispatches", headers={**headers, "Connection": "close"})
        refused(answer, 401, "PROOF_REPLAYED")


def test_a_stolen_token_is_worth_nothing_without_its_key(service: Service, paris: Post) -> None:
    token = paris.token()
    thief = paris.proof("GET", "/v1/dispatches", token=token, key=ApiKey.generate())
    headers = {"Authorization": f"DPoP {token}", "DPoP": thief}
    refused(service.http.get("/v1/dispatches", headers=headers), 401, "PROOF_REFUSED")


def test_a_proof_made_for_another_request_is_refused(service: Service, paris: Post) -> None:
    token = paris.token()
    other_token = paris.ask_token().json()["access_token"]
    for written in (
        paris.proof("POST", "/v1/dispatches", token=token),
        paris.proof("GET", "/v1/directory", token=token),
        paris.proof("GET", "/v1/dispatches", token=other_token),
        paris.proof("GET", "/v1/dispatches", token=None),
        paris.proof("GET", "/v1/dispatches?limit=1", token=token),
    ):
        headers = {"Authorization": f"DPoP {token}", "DPoP": written}
        refused(service.http.get("/v1/dispatches", headers=headers), 401, "PROOF_REFUSED")


def test_a_token_altered_or_of_another_ministry_is_refused(service: Service, paris: Post) -> None:
    token = paris.token()
    header, claims, signature = token.split(".")
    for other in (
        f"{header}.{claims}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}",
        f"{header}.{claims}",
        token + "A",
        paris.assertion(),
        "A" * 5000,
    ):
        headers = {
            "Authorization": f"DPoP {other}",
            "DPoP": paris.proof("GET", "/v1/dispatches", token=other),
        }
        refused(service.http.get("/v1/dispatches", headers=headers), 401, "TOKEN_REFUSED")


def test_a_suspended_post_is_stopped_at_its_next_request(
    service: Service, washington: Post, lome: Post
) -> None:
    assert washington.get("/v1/dispatches").status_code == 200
    sent = washington.make([lome])
    service.suspend("WASHINGTON")
    try:
        for _ in range(4):
            refused(washington.get("/v1/dispatches"), 403, "POST_NOT_ACTIVE")
        refused(washington.submit(sent.signed.head, sent.body), 403, "POST_NOT_ACTIVE")
        refused(washington.ask_token(), 403, "POST_NOT_ACTIVE")
        refused(lome.send([washington]).answer, 403, "POST_NOT_ACTIVE")
    finally:
        service.resume("WASHINGTON")
    assert washington.submit(sent.signed.head, sent.body).status_code == 201


def test_a_new_edition_of_a_card_ends_the_key_of_the_one_before(
    service: Service, paris: Post
) -> None:
    before = service.enrolled("ABUJA")
    assert before.get("/v1/dispatches").status_code == 200
    sent = paris.send([before])
    after = Post(service, PostKeys("ABUJA", 2, before.own.card.fingerprint))
    assert after.enrol(service.issue_code("ABUJA")).status_code == 201
    service.activate(after.own.card)
    assert after.get("/v1/dispatches").status_code == 200
    refused(before.get("/v1/dispatches"), 401, "TOKEN_REFUSED")
    refused(before.ask_token(), 401, "TOKEN_REFUSED")
    # The old card still signs receipts for what was enciphered to it; its key hands in nothing.
    document = receipt_of(before, sent)
    refused(filed(before, "/v1/receipts", document), 401, "TOKEN_REFUSED")
    assert filed(after, "/v1/receipts", document).status_code == 201


# -- other posts' mail ---------------------------------------------------------------------------


def test_a_dispatch_between_others_does_not_exist(
    paris: Post, lome: Post, washington: Post
) -> None:
    sent = paris.send([lome])
    for path in ("", "/envelope", "/receipts"):
        address = f"/v1/dispatches/{sent.id}{path}"
        assert paris.get(address).status_code == 200
        assert lome.get(address).status_code == 200
        refused(washington.get(address), 404, "NOT_FOUND")
    listed = washington.get("/v1/dispatches").json()["items"]
    assert sent.id not in [item["dispatch_id"] for item in listed]


@pytest.mark.parametrize("name", ["x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "..", "%2e%2e", "01arz3"])
def test_a_dispatch_that_is_nowhere_is_not_found(paris: Post, name: str) -> None:
    refused(paris.get(f"/v1/dispatches/{name}"), 404, "NOT_FOUND")
