"""The outermost layer of the API: what every request must satisfy and every answer carries.

1. Only HTTP; a path in its one spelling (no percent signs, no empty parts).
2. The headers that decide anything occur at most once; what only the proxy may say, it proves.
3. The hot paths go straight to their endpoint; everything else goes through FastAPI.
4. Whatever is raised becomes a problem document; nothing escapes to the server.
5. Every answer carries the security headers and is never cached.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cipher_service.api.forwarding import CERTIFICATE, PROXY, Forwarding
from cipher_service.api.refusals import answer_to
from cipher_service.errors import ServiceError

Endpoint = Callable[[Request], Awaitable[Response]]
Note = Callable[[Request, Exception], Awaitable[None]]

_PATH: Final = re.compile(rb"(?:/[A-Za-z0-9._-]+)+", re.ASCII)
_SINGLE: Final = frozenset(
    {
        b"authorization",
        b"dpop",
        b"content-type",
        b"content-length",
        b"upload-offset",
        b"range",
        b"if-range",
        b"last-event-id",
        b"host",
        PROXY,
        CERTIFICATE,
    }
)
_FORWARDED: Final = frozenset({PROXY, CERTIFICATE})
SECURITY_HEADERS: Final = [
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cache-control", b"no-store"),
]


class Border:
    """The ASGI application that the server runs.

    Args:
        inner: the FastAPI application.
        hot: endpoints by (method, path) that skip it.
        note: told what is refused here, before it is answered.
        forwarding: judges what the proxy in front says of a caller.
    """

    def __init__(
        self,
        inner: ASGIApp,
        hot: Mapping[tuple[str, str], Endpoint],
        note: Note,
        forwarding: Forwarding,
    ) -> None:
        self._inner = inner
        self._hot = hot
        self._note = note
        self._forwarding = forwarding

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *SECURITY_HEADERS]
            await send(message)

        try:
            await self._pass(scope, receive, send_guarded)
        except Exception as error:  # noqa: BLE001 - a process boundary: answered and logged
            request = Request(scope)
            await self._note(request, error)
            response = answer_to(request, error)
            if not started:
                await response(scope, receive, send_guarded)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _PATH.fullmatch(scope["raw_path"]) is None:
            raise ServiceError("NOT_FOUND")
        if not _FORWARDED.isdisjoint(_require_single(scope["headers"])):
            self._forwarding.take(scope)
        endpoint = self._hot.get((scope["method"], scope["path"]))
        if endpoint is None:
            await self._inner(scope, receive, send)
            return
        response = await endpoint(Request(scope, receive))
        await response(scope, receive, send)


def _require_single(headers: list[tuple[bytes, bytes]]) -> set[bytes]:
    """Return which of the deciding headers there are."""
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in _SINGLE:
            if name in seen:
                raise ServiceError("HEADER_INVALID")
            seen.add(name)
    return seen
