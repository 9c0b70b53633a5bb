"""What the console refuses by itself has its entry in the log, under the officer's name.

An officer who asks for what they may not see is told that it does not exist; the log says that they
asked. Who is not signed in, or no longer, is shown where to sign in: that is no refusal.
"""

from http import HTTPStatus
from typing import Any, Final

from cipher_service.audit.refused import PERIOD_SECONDS, Refused, Tell
from cipher_service.console.refusals import named, status_of
from cipher_service.console.visit import Visit

_SERVER_FAULTS: Final = HTTPStatus.INTERNAL_SERVER_ERROR


class RefusedVisits(Refused):
    """The refusals of one console process.

    Args:
        tell: has the registrar run a command (`Office.ask`).
        period: seconds between two counts.
    """

    def __init__(self, tell: Tell, period: float = PERIOD_SECONDS) -> None:
        super().__init__(tell, "officer", period)

    async def told(self, visit: Visit, error: Exception) -> None:
        """Enter what a visit was refused for, or count it. Never raises."""
        refusal = named(error)
        if refusal is None:
            return
        status = status_of(refusal)
        if status >= _SERVER_FAULTS or status == HTTPStatus.UNAUTHORIZED:
            return
        person = visit.known
        if person is None:
            await self.note(refusal, None, {})
            return
        about: dict[str, Any] = {"route": _route(visit), "session": person.token}
        if "policies" in refusal.facts:
            about["policies"] = refusal.facts["policies"]
        await self.note(refusal, person.number, about)


def _route(visit: Visit) -> str:
    """Name the address by its pattern, never by what somebody put into it."""
    scope = visit.request.scope
    return f"{scope['method']} {getattr(scope.get('route'), 'path', None) or '-'}"
