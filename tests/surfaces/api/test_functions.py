"""Gate 9 over the API: every kind of caller at every address, and ids that are not theirs.

What is expected is what policies and books say of the caller and the thing, asked here once more,
apart from the API. An address that stands in no row turns the first test red.
"""

import asyncio
import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import httpx
import pytest

from cipher_service import clock
from cipher_service.api.application import create_application
from cipher_service.pouches import makeup
from pouch.facts import Prepared
from tests.conftest import DATABASES
from tests.surfaces.api.addresses import NOWHERE, OPEN, ROWS, Ids, Scene, request_of, scene
from tests.surfaces.api.bags import bureau, fresh
from tests.surfaces.api.callers import books_of, every_caller
from tests.surfaces.api.live import Post, Service
from tests.surfaces.api.test_log import _heard, _next

REFUSED: Final = {
    *("TOKEN_MISSING", "TOKEN_REFUSED", "POST_NOT_ACTIVE", "NOT_ALLOWED", "NOT_FOUND"),
    *("DOOR_UNKNOWN", "AUDITOR_UNKNOWN", "OFFICER_NEEDED", "ORIGIN_NOT_CALLER", "WRONG_PLACE"),
    *("CARD_NOT_CURRENT", "UNKNOWN_POST"),
}
"""Codes by which a caller learns that this is not for them; none says that something is there."""
# What decides is tried on both databases elsewhere (`app/test_posts`): one serves the short form.
SERVICES: Final = DATABASES if os.environ.get("GATES") == "full" else DATABASES[:1]
pytestmark = pytest.mark.parametrize("service", SERVICES, indirect=True)
PIECE: Final = "PATCH /v1/uploads/{upload}"
_AT_ONCE: Final = 4
_EACH_TIME: Final = {"date", "content-length", "connection"}


@dataclass(frozen=True)
class Told:
    """An answer, without what differs each time: its reference, and what was asked for."""

    status: int
    code: str
    rest: tuple[Any, ...] = ()


@pytest.fixture(scope="module")
def callers(service: Service, posts: list[Post]) -> Mapping[str, Post]:
    return every_caller(service, *posts)


@pytest.fixture(scope="module")
def made(service: Service, callers: Mapping[str, Post]) -> Scene:
    return scene(service, callers["origin"], callers["addressee"])


def asked(made: Scene, operation: str, caller: Post | None, ids: Ids) -> Told:
    """Ask as a caller; as nobody, the same without token and proof."""
    by = made.paris if caller is None else caller
    method, path, more = request_of(made, operation, by, ids)
    headers = dict(more.pop("headers", {}))
    if caller is not None:
        headers |= caller.authorised(method, path.partition("?")[0])
    # The stream of arrivals has no end: its head is enough.
    with made.service.http.stream(method, path, headers=headers, **more) as answer:
        problem = answer.headers.get("content-type") == "application/problem+json"
        body = {} if not problem else {"code": "", **_read(answer)}
    body.pop("reference", None)
    named = {ids[name] for name in ROWS[operation].ids}
    shown = {name: _without(value, named) for name, value in body.items()}
    heads = {
        name: _without(value, named)
        for name, value in answer.headers.items()
        if name not in _EACH_TIME
    }
    rest = (sorted(heads.items()), sorted(shown.items(), key=str))
    code = str(body.get("code", "")) or _spoken(method, answer.status_code)
    return Told(answer.status_code, code, (str(rest),))


def _read(answer: Any) -> dict[str, Any]:
    answer.read()
    document: dict[str, Any] = answer.json() if answer.content else {}
    return document


def _spoken(method: str, status: int) -> str:
    """Name what an answer to HEAD leaves out: it has no body."""
    by_status = {401: "TOKEN_REFUSED", 403: "NOT_ALLOWED", 404: "NOT_FOUND"}
    return by_status.get(status, "") if method == "HEAD" else ""


def _without(value: Any, named: set[str]) -> str:
    text = str(value)
    for name in named:
        text = text.replace(name, "…")
    return text


def test_every_address_has_its_row(service: Service) -> None:
    """A new one is decided by something that is written down here."""
    document = service.http.get("/v1/openapi.json").json()
    known = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert set(ROWS) | OPEN == known
    assert not set(ROWS) & OPEN
    for operation, row in ROWS.items():
        named = {name for name in NOWHERE if f"{{{name}}}" in operation}
        assert named <= set(row.ids), operation


def test_nobody_is_let_in_anywhere_without_a_token(made: Scene) -> None:
    told = {operation: asked(made, operation, None, made.real) for operation in ROWS}
    wrong = {name: each for name, each in told.items() if each.status != 401}
    assert wrong == {}


def test_every_caller_is_let_in_exactly_where_the_policies_say(
    service: Service, made: Scene, callers: Mapping[str, Post]
) -> None:
    pairs = [(operation, name) for operation in ROWS for name in callers]
    with books_of(service) as books:
        expected = [ROWS[operation].may(books, callers[name]) for operation, name in pairs]
    assert {True, False} == set(expected)

    def ask(pair: tuple[str, str]) -> Told:
        return asked(made, pair[0], callers[pair[1]], made.real)

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        answers = list(threads.map(ask, pairs))
    wrong = [
        f"{name} {operation}: {told.status} {told.code}"
        for (operation, name), may, told in zip(pairs, expected, answers, strict=True)
        if not _as_expected(may, told, ROWS[operation].beyond)
    ]
    assert wrong == []


def _as_expected(may: bool, told: Told, beyond: frozenset[str]) -> bool:
    if may:
        return told.status < 300 or told.code in beyond
    return told.code in REFUSED


def test_a_token_that_is_for_certificates_alone_is_let_in_nowhere_else(
    service: Service, made: Scene, callers: Mapping[str, Post]
) -> None:
    """Where certificates are demanded: at every address, by who may do most."""
    demanding = create_application(replace(service.settings, certificates_demanded=True))
    origin = callers["origin"]

    async def ask() -> dict[str, Told]:
        transport = httpx.ASGITransport(app=demanding)
        told = {}
        async with httpx.AsyncClient(transport=transport, base_url="http://demanding") as http:
            for operation in ROWS:
                method, path, more = request_of(made, operation, origin, made.real)
                headers = {
                    **more.pop("headers", {}),
                    **origin.authorised(method, path.partition("?")[0]),
                }
                answer = await http.request(method, path, headers=headers, **more)
                told[operation] = Told(answer.status_code, _code_of(answer))
        events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
        await demanding({"type": "lifespan"}, partial(_next, events), _heard)
        return told

    told = asyncio.run(ask())
    assert told.pop("POST /v1/certificates").status == 201
    needed = (Told(403, "CERTIFICATE_NEEDED"), Told(403, ""))  # without a body, to HEAD
    assert {name: each for name, each in told.items() if each not in needed} == {}


def _code_of(answer: httpx.Response) -> str:
    return str(answer.json()["code"]) if answer.status_code >= 400 and answer.content else ""


def test_an_id_that_one_may_not_see_is_answered_like_one_that_is_nowhere(
    service: Service, made: Scene, callers: Mapping[str, Post]
) -> None:
    """Status, headers and every word but the id itself, for what is read and what is changed."""
    with books_of(service) as books:
        pairs = [
            (operation, name)
            for operation, row in ROWS.items()
            for name in callers
            if row.ids and not row.may(books, callers[name])
        ]
    assert set(NOWHERE) == {name for each, _ in pairs for name in ROWS[each].ids}

    def ask(pair: tuple[str, str], ids: Ids) -> Told:
        return asked(made, pair[0], callers[pair[1]], ids)

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        real = list(threads.map(lambda pair: ask(pair, made.real), pairs))
        none = list(threads.map(lambda pair: ask(pair, NOWHERE), pairs))
    wrong = [
        f"{name} {operation}: {told}, not {nothing}"
        for (operation, name), told, nothing in zip(pairs, real, none, strict=True)
        if told != nothing or told.status < 300
    ]
    assert wrong == []


def test_a_door_learns_not_who_there_is(made: Scene, callers: Mapping[str, Post]) -> None:
    """Whoever has no access to its place is answered as somebody who is nowhere."""
    for person in (made.officer, NOWHERE["officer"]):
        answer = callers["door"].call("POST", "/v1/entries", json={"officer": person})
        assert answer.json() == {"may_enter": False, "reason": "NO_ACCESS"}


def test_only_its_origin_learns_that_an_upload_is_being_written(
    service: Service, made: Scene, callers: Mapping[str, Post]
) -> None:
    lock = service.settings.data / "run" / "uploads" / made.upload
    with lock.open("w") as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        own = asked(made, PIECE, callers["origin"], made.real)
        foreign = asked(made, PIECE, callers["other"], made.real)
        lock.unlink()
    assert own.code == "UPLOAD_BUSY"
    assert foreign == asked(made, PIECE, callers["other"], NOWHERE)


def test_a_bag_is_begun_for_no_departure_of_another_post(
    service: Service, made: Scene, callers: Mapping[str, Post]
) -> None:
    """One that leaves elsewhere is answered like one that is nowhere, and nothing is begun."""
    lome = callers["addressee"]
    device, bag, seal = fresh(), f"{secrets.randbelow(10**22):022d}", secrets.token_hex(16)
    pouches = bureau(service)
    setattr(pouches, f"device_{device.name}", device)
    pouches.enrol(device, "LOME")
    with service.administration() as connection:
        makeup.add_bag(connection, bag, place="LOME", now=clock.now())
    event = device.tell(Prepared(), officer="ABENA", place="LOME", seal=seal, bag=bag)
    document = json.loads(pouches.signed(event))
    told = []
    for departure in (made.book.departure, "D-NOWHERE"):
        body = {"event": document, "departure": departure, "bag_class": "SECRET"}
        problem = lome.call("POST", "/v1/pouches", json=body).json()
        problem.pop("reference", None)
        told.append(json.dumps(problem).replace(departure, "…"))
    assert told[0] == told[1]
    assert "DEPARTURE_UNKNOWN" in told[0]
    assert lome.get(f"/v1/pouches/{seal}").status_code == 404
