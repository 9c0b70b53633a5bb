"""Every refusal has its entry: a post's one by one, nobody's by the count."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from starlette.requests import Request

from cipher_service.api.ministry import CALLER
from cipher_service.api.refused_requests import RefusedRequests
from cipher_service.audit.commands import LogDesk
from cipher_service.audit.questions import Wanted, every
from cipher_service.audit.recorder import REQUEST, Recorder
from cipher_service.audit.refused import EACH
from cipher_service.errors import ServiceError
from cipher_service.identity.gatekeeper import Caller
from cipher_service.storage.batch import Batches
from cipher_service.storage.batch import Request as Command
from cipher_service.storage.unit_of_work import reading
from tests.support.ministry import Ministry
from tests.surfaces.api.callers import declared
from tests.surfaces.api.live import Service, problem

PARIS = Caller("PARIS", "thumbprint", 0, ())
Tell = Callable[[str, dict[str, Any]], Awaitable[Any]]


@pytest.fixture
def ministry(engine: Engine, tmp_path: Path) -> Ministry:
    return Ministry(engine, tmp_path)


def told_to(ministry: Ministry) -> Tell:
    """What the registrar does with what an API process tells it."""
    recorder = Recorder("minrex.example/audit")
    batches = Batches(ministry.engine, LogDesk().handlers(), recorder.before_commit)

    async def tell(command: str, payload: dict[str, Any]) -> None:
        (outcome,) = batches.run([Command(command, payload)])
        assert outcome.refusal is not None
        outcome.refusal.recorded = True
        raise outcome.refusal

    return tell


def request(caller: Caller | None) -> Request:
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/x", "headers": []}
    return Request(scope if caller is None else {**scope, CALLER: caller})


def entries(ministry: Ministry) -> list[tuple[Any, ...]]:
    with reading(ministry.engine) as connection:
        found = every(connection, Wanted(actions=(REQUEST,)), 1000)
    return [
        (entry.said["actor"], entry.said["reason"], entry.said.get("count", 1)) for entry in found
    ]


def test_a_posts_refusals_are_entered_each_until_it_floods(ministry: Ministry) -> None:
    async def play() -> None:
        refused = RefusedRequests(told_to(ministry), period=3600)
        for _ in range(EACH + 30):
            await refused.told(request(PARIS), ServiceError("NOT_FOUND"))
        assert len(entries(ministry)) == EACH
        await refused.finish()

    asyncio.run(play())
    assert entries(ministry)[0] == ("PARIS", "NOT_FOUND", 30)
    assert len(entries(ministry)) == EACH + 1


def test_what_nobody_can_be_named_for_is_one_entry_a_period(ministry: Ministry) -> None:
    async def play() -> None:
        refused = RefusedRequests(told_to(ministry), period=0.05)
        for _ in range(500):
            await refused.told(request(None), ServiceError("TOKEN_MISSING"))
        assert refused.counting is not None
        await refused.counting
        assert entries(ministry) == [("-", "TOKEN_MISSING", 500)]
        await refused.finish()

    asyncio.run(play())
    assert len(entries(ministry)) == 1


def test_what_is_recorded_or_no_refusal_is_not_entered_twice(ministry: Ministry) -> None:
    recorded = ServiceError("POST_NOT_ACTIVE")
    recorded.recorded = True

    async def play() -> None:
        refused = RefusedRequests(told_to(ministry))
        for error in (recorded, ServiceError("UNAVAILABLE"), ValueError("a defect")):
            await refused.told(request(PARIS), error)
        await refused.finish()

    asyncio.run(play())
    assert entries(ministry) == []


def test_while_the_registrar_is_away_they_are_counted_and_kept(ministry: Ministry) -> None:
    async def away(_command: str, _payload: dict[str, Any]) -> None:
        raise ServiceError("UNAVAILABLE")

    async def play() -> None:
        refused = RefusedRequests(away, period=3600)
        await refused.told(request(PARIS), ServiceError("NOT_FOUND"))
        await refused.told(request(None), ServiceError("TOKEN_MISSING"))
        await refused.finish()
        refused.tell = told_to(ministry)  # it is back
        await refused.finish()

    asyncio.run(play())
    assert sorted(entries(ministry)) == [("-", "TOKEN_MISSING", 1), ("PARIS", "NOT_FOUND", 1)]


def test_the_live_border_enters_them(service: Service) -> None:
    """A post that no other test knows is refused once, and has one entry."""
    unknown = declared(service, "NOBODYS")
    entered = text(
        "SELECT resource, outcome FROM audit_entry WHERE action = 'request' AND actor = 'NOBODYS'"
    )
    assert problem(unknown.get("/v1/dispatches/01KAMV6R8P3ZDFWQ5XJ9T2C4EN"))["code"] == "NOT_FOUND"
    with service.administration() as connection:
        found = [tuple(row) for row in connection.execute(entered)]
    assert found == [("GET /v1/dispatches/{dispatch}", "refused")]
