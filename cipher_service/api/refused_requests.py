"""Gives each refusal at the border its entry in the log, without letting anybody fill the log.

What the registrar refuses has its entry already. A recognised post's other refusals are entered one
by one, before the answer leaves, up to `EACH` in a period; what exceeds that, and what nobody can
be named for, is counted and entered once a period, by code.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request

from cipher_service.api.ministry import CALLER
from cipher_service.api.problems import status_of
from cipher_service.api.refusals import named
from cipher_service.audit.recorder import REQUEST
from cipher_service.errors import ServiceError
from cipher_service.identity.gatekeeper import Caller

log = logging.getLogger(__name__)

PERIOD_SECONDS: Final = 10.0
EACH: Final = 20
_SERVER_FAULTS: Final = HTTPStatus.INTERNAL_SERVER_ERROR

Tell = Callable[[str, dict[str, Any]], Awaitable[Any]]


class RefusedRequests:
    """The refusals of one API process.

    Args:
        tell: has the registrar run a command (`Ministry.ask`).
        period: seconds between two counts.
    """

    def __init__(self, tell: Tell, period: float = PERIOD_SECONDS) -> None:
        self._tell = tell
        self._period = period
        self._counted: Counter[tuple[str | None, str]] = Counter()
        self._entered: Counter[str] = Counter()
        self._counting: asyncio.Task[None] | None = None

    async def note(self, request: Request, error: Exception) -> None:
        """Enter a refusal, or count it. Never raises: the caller is refused either way."""
        refusal = named(error)
        if refusal is None or refusal.recorded or status_of(refusal.code) >= _SERVER_FAULTS:
            return
        caller: Caller | None = request.scope.get(CALLER)
        if caller is None or self._entered[caller.post] >= EACH:
            self._count(None if caller is None else caller.post, refusal.code)
            return
        self._entered[caller.post] += 1
        self._begin()
        told = {"client": caller.client, "route": _route(request)}
        if not await self._enter(refusal.code, {"post": caller.post, **told}):
            self._count(caller.post, refusal.code)

    async def finish(self) -> None:
        """Enter what was counted; at the end of the process."""
        if self._counting is not None:
            self._counting.cancel()
        await self._flush()

    def _count(self, post: str | None, code: str) -> None:
        self._counted[post, code] += 1
        self._begin()

    def _begin(self) -> None:
        if self._counting is None:
            self._counting = asyncio.create_task(self._after_period())

    async def _after_period(self) -> None:
        await asyncio.sleep(self._period)
        self._counting = None
        await self._flush()

    async def _flush(self) -> None:
        self._entered.clear()
        counted, self._counted = self._counted, Counter()
        for (post, code), count in counted.items():
            named_post = {} if post is None else {"post": post}
            if not await self._enter(code, {**named_post, "count": count}):
                self._counted[post, code] += count
        if self._counted:
            self._begin()

    async def _enter(self, code: str, about: dict[str, Any]) -> bool:
        """Have the registrar refuse it by name; says whether that is on record."""
        try:
            await self._tell(REQUEST, {"code": code, **about})
        except ServiceError as refusal:
            return refusal.recorded and refusal.code == code
        return False


def _route(request: Request) -> str:
    """Name the address by its pattern, never by what the caller put into it."""
    route = request.scope.get("route")
    return f"{request.method} {getattr(route, 'path', None) or '/v1/dispatches'}"
