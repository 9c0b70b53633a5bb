"""Gives each refused request its entry in the log, without letting anybody fill the log.

What the registrar refuses has its entry already. What a surface refuses by itself, a reading above
all, is entered one by one while somebody can be named for it, before the answer leaves, up to
`EACH` in a period; what exceeds that, and what nobody can be named for, is counted and entered once
a period, by code.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from cipher_service.audit.recorder import REQUEST
from cipher_service.errors import ServiceError

PERIOD_SECONDS: Final = 10.0
EACH: Final = 20

Tell = Callable[[str, dict[str, Any]], Awaitable[Any]]


class Refused:
    """The refused requests of one process.

    Args:
        tell: has the registrar run a command.
        member: how an entry's payload names who was refused: `post` or `officer`.
        period: seconds between two counts.
    """

    def __init__(self, tell: Tell, member: str, period: float = PERIOD_SECONDS) -> None:
        self.tell = tell
        self._member = member
        self._period = period
        self._counted: Counter[tuple[str | None, str]] = Counter()
        self._entered: Counter[str] = Counter()
        self.counting: asyncio.Task[None] | None = None

    async def note(self, refusal: ServiceError, who: str | None, about: Mapping[str, Any]) -> None:
        """Enter a refusal, or count it. Never raises: the caller is refused either way.

        Args:
            refusal: that nobody entered yet.
            who: was refused; None for who is not known.
            about: what else the entry says: `route`, `client`, `session`.
        """
        if refusal.recorded:
            return
        if who is None or self._entered[who] >= EACH:
            self._count(who, refusal.code)
            return
        self._entered[who] += 1
        self._begin()
        if not await self._enter(refusal.code, {self._member: who, **about}):
            self._count(who, refusal.code)

    async def finish(self) -> None:
        """Enter what was counted; at the end of the process."""
        if self.counting is not None:
            self.counting.cancel()
        await self._flush()

    def _count(self, who: str | None, code: str) -> None:
        self._counted[who, code] += 1
        self._begin()

    def _begin(self) -> None:
        if self.counting is None:
            self.counting = asyncio.create_task(self._after_period())

    async def _after_period(self) -> None:
        await asyncio.sleep(self._period)
        self.counting = None
        await self._flush()

    async def _flush(self) -> None:
        self._entered.clear()
        counted, self._counted = self._counted, Counter()
        for (who, code), count in counted.items():
            named = {} if who is None else {self._member: who}
            if not await self._enter(code, {**named, "count": count}):
                self._counted[who, code] += count
        if self._counted:
            self._begin()

    async def _enter(self, code: str, about: dict[str, Any]) -> bool:
        """Have the registrar refuse it by name; says whether that is on record."""
        try:
            await self.tell(REQUEST, {"code": code, **about})
        except ServiceError as refusal:
            return refusal.recorded and refusal.code == code
        return False
