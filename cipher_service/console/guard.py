"""The outermost layer of the console: what every request must satisfy and every answer carries.

1. Only HTTP, only for this origin's host (a foreign name that leads here is refused).
2. What changes something comes from a page of this very origin (`Origin`, `Sec-Fetch-Site`).
3. A body is bounded before anything of it is kept.
4. Each answer has a policy with a nonce of its own and is kept by nobody.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cipher_service.errors import ServiceError

log = logging.getLogger(__name__)

BODY_MOST: Final = 512 * 1024
REPORTS: Final = "/csp"
CAMERA: Final = "camera"
"""Of a request's scope: whether its page reads labels with a camera. What answers it sets it."""
_SAFE: Final = frozenset({"GET", "HEAD"})

Refused = Callable[[Scope, Receive, Send, Exception], Awaitable[None]]


def permissions(*, camera: bool) -> str:
    """Return the Permissions-Policy of a page that opens the camera, or of one that may not."""
    allowed = "(self)" if camera else "()"
    return f"camera={allowed}, microphone=(), geolocation=(), payment=(), usb=()"


def policy(nonce: str, forms: Iterable[str] = (), *, camera: bool = False) -> str:
    """Return the Content-Security-Policy of a page.

    Args:
        nonce: of this answer.
        forms: origins to which a form may lead besides this one.
        camera: whether it reads labels: then it has the worker that decodes what a camera sees.
    """
    workers = "'self'" if camera else "'none'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}'",
            "style-src 'self'",
            "img-src 'self' blob:",
            "font-src 'self'",
            "connect-src 'self'",
            f"worker-src {workers}",
            "manifest-src 'self'",
            "media-src 'self' blob:",
            " ".join(("form-action 'self'", *forms)),
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types app",
            f"report-uri {REPORTS}",
        )
    )


FIXED_HEADERS: Final = (
    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    ("integrity-policy", "blocked-destinations=(script)"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    # Not "no-referrer": with it a form of ours would come from the origin "null".
    ("referrer-policy", "same-origin"),
    ("cache-control", "no-store"),
)


class Guard:
    """The ASGI application that the server runs.

    Args:
        inner: the console.
        origin: its own.
        refused: answers what was raised.
        forms: origins to which its forms may lead.
        most: bytes of a body at most, whatever it is for.
    """

    def __init__(
        self,
        inner: ASGIApp,
        origin: str,
        refused: Refused,
        forms: tuple[str, ...] = (),
        most: int = BODY_MOST,
    ) -> None:
        self._inner = inner
        self._origin = origin
        self._host = urlsplit(origin).netloc
        self._refused = refused
        self._forms = forms
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        # The router raises a wrong method only inside an application; else it answers by itself.
        scope["app"] = self
        scope["nonce"], scope[CAMERA] = secrets.token_urlsafe(16), False
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = self._headers(scope, message["headers"])
            await send(message)

        try:
            self._admit(scope)
            await self._inner(scope, bounded(receive, self._most), send_guarded)
        except Exception as error:  # noqa: BLE001 - a process boundary: answered and logged
            if not started:
                await self._answer(scope, receive, send_guarded, error)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
        try:
            await self._refused(scope, receive, send, error)
        except Exception:  # whatever it is, it is logged and the browser gets an answer
            log.exception("a refusal could not be told")
            await PlainTextResponse("500", 500)(scope, receive, send)

    def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if headers.getlist("host") != [self._host]:
            raise ServiceError("HOST_UNKNOWN")
        if scope["method"] in _SAFE or scope["path"] == REPORTS:
            return
        site = headers.get("sec-fetch-site", "same-origin")
        if headers.getlist("origin") != [self._origin] or site != "same-origin":
            raise ServiceError("ORIGIN_REFUSED")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._most:
            raise ServiceError("BODY_TOO_LARGE", limit=self._most)

    def _headers(self, scope: Scope, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        named, camera = {name for name, _ in given}, scope[CAMERA]
        own = (
            ("content-security-policy", policy(scope["nonce"], self._forms, camera=camera)),
            ("permissions-policy", permissions(camera=camera)),
            *FIXED_HEADERS,
        )
        return given + [
            (name.encode(), value.encode()) for name, value in own if name.encode() not in named
        ]


def bounded(receive: Receive, most: int) -> Receive:
    """Return what receives a body and raises ServiceError BODY_TOO_LARGE beyond `most` bytes."""
    taken = 0

    async def received() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise ServiceError("BODY_TOO_LARGE", limit=most)
        return message

    return received
