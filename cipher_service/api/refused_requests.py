"""What the border of the API refuses has its entry in the log, under the name of the post."""

from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from cipher_service.api.ministry import CALLER
from cipher_service.api.problems import status_of
from cipher_service.api.refusals import named
from cipher_service.audit.refused import PERIOD_SECONDS, Refused, Tell
from cipher_service.identity.gatekeeper import Caller

_SERVER_FAULTS: Final = HTTPStatus.INTERNAL_SERVER_ERROR


class RefusedRequests(Refused):
    """The refusals of one API process.

    Args:
        tell: has the registrar run a command (`Ministry.ask`).
        period: seconds between two counts.
    """

    def __init__(self, tell: Tell, period: float = PERIOD_SECONDS) -> None:
        super().__init__(tell, "post", period)

    async def told(self, request: Request, error: Exception) -> None:
        """Enter what a request was refused for, or count it. Never raises."""
        refusal = named(error)
        if refusal is None or status_of(refusal.code) >= _SERVER_FAULTS:
            return
        caller: Caller | None = request.scope.get(CALLER)
        if caller is None:
            await self.note(refusal, None, {})
        else:
            about = {"client": caller.client, "route": _route(request)}
            await self.note(refusal, caller.post, about)


def _route(request: Request) -> str:
    """Name the address by its pattern, never by what the caller put into it."""
    route = request.scope.get("route")
    return f"{request.method} {getattr(route, 'path', None) or '/v1/dispatches'}"
