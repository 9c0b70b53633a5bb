"""Prekeys over the API: handed in by their post, each given once, to one sender's dispatch."""

import json
import secrets
from datetime import timedelta
from typing import Any

import httpx
import pytest

from cipher_service import clock
from cipher_service.directory import controlled, prekeys
from cipher_service.directory.compromises import compromise
from cipher_service.directory.register import DirectoryReader
from cipher_service.errors import ServiceError
from cipher_service.references import new_id
from keys import canonical
from keys.age.hybrid import HybridKey
from keys.prekeys import Prekey, make_bundle, read_offer
from tests.surfaces.api.live import Post, Service, problem

JSON = {"Content-Type": "application/json"}


def bundle_of(post: Post, count: int, *, days: int = 30, ago: int = 0) -> bytes:
    """A bundle of a post, its secret halves forgotten."""
    created = clock.now().replace(microsecond=0) - timedelta(days=ago)
    made = [Prekey(secrets.token_urlsafe(12), HybridKey.generate().recipient) for _ in range(count)]
    return make_bundle(
        made,
        post.own.card,
        created=created,
        expires=created + timedelta(days=days),
        sign=post.own.signing.sign,
    )


def handed_in(post: Post, bundle: bytes) -> httpx.Response:
    return post.call("POST", "/v1/prekeys", headers=JSON, content=bundle)


def taken(by: Post, *posts: str, dispatch_id: str | None = None) -> list[dict[str, Any]]:
    wanted = {"dispatch_id": dispatch_id or new_id(clock.now()), "posts": list(posts)}
    answer = by.call("POST", "/v1/prekeys/taken", json=wanted)
    assert answer.status_code == 200, answer.text
    offers: list[dict[str, Any]] = answer.json()["offers"]
    return offers


def free(post: Post) -> int:
    return int(post.get("/v1/prekeys").json()["free"])


# Posts that no other file of these tests names: each enrols once with the service of all of them.
NEWCOMER, BURNT = "GENEVE-ONU", "NEWYORK-ONU"


def test_each_prekey_is_given_once_and_the_same_for_the_same_dispatch(
    service: Service, paris: Post, lome: Post
) -> None:
    newcomer = service.enrolled(NEWCOMER)
    bundle = bundle_of(newcomer, 3)
    assert handed_in(newcomer, bundle).json() == {"free": 3}
    assert handed_in(newcomer, bundle).json() == {"free": 3}  # the first answer was lost

    one = new_id(clock.now())
    first = taken(paris, newcomer.code, "NOWHERE", dispatch_id=one)
    assert len(first) == 1
    assert taken(paris, newcomer.code, dispatch_id=one) == first
    others = [*taken(lome, newcomer.code, dispatch_id=one), *taken(paris, newcomer.code)]
    read = {
        read_offer(canonical.encode(offer), newcomer.own.card, clock.now()).id
        for offer in (*first, *others)
    }
    assert len(read) == 3
    assert free(newcomer) == 0
    assert taken(paris, newcomer.code) == []


def test_what_is_handed_in_must_be_the_caller_s_and_in_time(paris: Post, lome: Post) -> None:
    before = free(paris)
    foreign = handed_in(paris, bundle_of(lome, 1))
    assert problem(foreign)["code"] == "PREKEY_NOT_OF_CARD"
    late = bundle_of(paris, 1, days=30, ago=31)
    assert problem(handed_in(paris, late))["code"] == "PREKEY_EXPIRED"
    altered = json.loads(bundle_of(paris, 2))
    altered["prekeys"].pop()
    assert problem(handed_in(paris, canonical.encode(altered)))["code"] == "PREKEY_MALFORMED"
    forged = json.loads(bundle_of(paris, 1))
    forged["statement"]["size"] = 2
    assert problem(handed_in(paris, canonical.encode(forged)))["code"] == "SIGNATURE_INVALID"
    huge = handed_in(paris, b"[" * 300_000)
    assert problem(huge)["code"] == "BODY_TOO_LARGE"
    assert free(paris) == before


@pytest.mark.parametrize(
    "wanted",
    [
        {"dispatch_id": "x", "posts": ["PARIS"]},
        {"dispatch_id": "01JD8ZK3V00000000000000001", "posts": []},
        {"dispatch_id": "01JD8ZK3V00000000000000001", "posts": ["paris"]},
        {"dispatch_id": "01JD8ZK3V00000000000000001", "posts": ["PARIS"] * 600},
        {"posts": ["PARIS"]},
    ],
)
def test_a_request_of_another_shape_takes_nothing(paris: Post, wanted: dict[str, Any]) -> None:
    answer = paris.call("POST", "/v1/prekeys/taken", json=wanted)
    assert problem(answer)["code"] == "INVALID_REQUEST"


def test_nobody_takes_prekeys_without_a_token(service: Service) -> None:
    for method, path in (("GET", ""), ("POST", ""), ("POST", "/taken")):
        answer = service.http.request(method, f"/v1/prekeys{path}", json={})
        assert answer.status_code in {401, 422}, (method, path, answer.text)


def test_there_are_never_too_many(
    service: Service, paris: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process: a full stock takes minutes to make."""
    held = free(paris)
    monkeypatch.setattr(prekeys, "FREE_MOST", held + 1)
    refused = pytest.raises(ServiceError, match="PREKEYS_ENOUGH")
    with refused, service.administration() as connection:
        now = clock.now()
        prekeys.take_in(connection, paris.code, bundle_of(paris, 2), DirectoryReader(), now)
    assert free(paris) == held


def test_a_post_is_told_which_of_its_given_prekeys_were_burnt_and_no_other_is(
    service: Service, paris: Post
) -> None:
    newcomer = service.enrolled(BURNT)
    bundle, now = bundle_of(newcomer, 3), clock.now()
    with service.administration() as connection:
        item = controlled.enter(connection, "key", "Préclés", "GARDE", "PV 1", now)
        read = DirectoryReader()
        assert prekeys.carry(connection, item, bundle, newcomer.code, read, now) == 3
        controlled.send(connection, item, "GARDE", "PAUL", "BR 1", now)
        controlled.receive(connection, item, "PAUL", "BR 1", now)
    assert handed_in(newcomer, bundle).status_code == 201
    (offer,) = taken(paris, newcomer.code)
    assert newcomer.get("/v1/prekeys/burnt").json() == {"burnt": []}
    with service.administration() as connection:
        compromise(connection, item, person="AGENT", reference="CAS", now=now)
    assert newcomer.get("/v1/prekeys/burnt").json() == {"burnt": [offer["prekey"]["id"]]}
    assert paris.get("/v1/prekeys/burnt").json() == {"burnt": []}
    assert service.http.get("/v1/prekeys/burnt").status_code == 401
