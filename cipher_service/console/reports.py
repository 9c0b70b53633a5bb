"""What browsers report against the policy: counted and named in the log, nothing of it kept."""

import json
import logging
import re
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

log = logging.getLogger(__name__)

_MOST: Final = 16 * 1024
_LOGGED_MOST: Final = 100
_DIRECTIVE: Final = re.compile(r"[a-z-]{1,40}")


class Counted:
    """Counts the reports of one process."""

    def __init__(self) -> None:
        self.count = 0

    async def take(self, request: Request) -> Response:
        """Take one report; its addresses may tell what somebody reads and are not logged."""
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > _MOST:
                return Response(status_code=413)
        self.count += 1
        if self.count <= _LOGGED_MOST:
            log.warning("CSP report %d: %s", self.count, _directive(body))
        return Response(status_code=204)


def _directive(body: bytes) -> str:
    try:
        report = json.loads(body)
        named = report["csp-report"]["effective-directive"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "unreadable"
    return named if isinstance(named, str) and _DIRECTIVE.fullmatch(named) else "unreadable"
