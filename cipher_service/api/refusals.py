"""What was raised becomes an answer: by name where there is one, `INTERNAL` and a log line else.

Nothing of the caller's input is echoed or logged: FastAPI's own handler of a rejected body repeats
the body, which may hold what must never leave.
"""

import errno
import logging
from typing import Final

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from cipher_service.api.problems import answer, new_reference, status_of
from cipher_service.api.strict_json import BodyRefused
from cipher_service.errors import ServiceError
from keys.errors import KeysError

log = logging.getLogger(__name__)

_BY_STATUS = {
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "BODY_TOO_LARGE",
    415: "MEDIA_TYPE_REFUSED",
}
_MEMBER_LETTERS: Final = 40  # more than the longest member of ours has
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_SERVER_ERROR = 500


def answer_to(request: Request, error: Exception) -> Response:
    """Turn any exception into a problem document."""
    refusal = named(error)
    reference = new_reference()
    if refusal is None or status_of(refusal.code) == _SERVER_ERROR:
        log.error("reference=%s path=%s", reference, _route(request), exc_info=error)
        refusal = ServiceError("INTERNAL")
    else:
        log.info("reference=%s code=%s path=%s", reference, refusal.code, _route(request))
    headers: dict[str, str] = {}
    if isinstance(error, HTTPException) and error.headers and "Allow" in error.headers:
        headers["Allow"] = error.headers["Allow"]
    if refusal.code == "HEADER_INVALID":
        # What a header says twice could have bounded this request in two ways: nothing that came
        # behind it on this line is heard.
        headers["Connection"] = "close"
    if refusal.code == "UPLOAD_OFFSET":
        headers["Upload-Offset"] = str(refusal.facts["offset"])
    if refusal.code == "RANGE_NOT_SATISFIABLE":
        headers["Content-Range"] = f"bytes */{refusal.facts['size']}"
    return answer(
        refusal,
        accept_language=request.headers.get("accept-language", ""),
        reference=reference,
        headers=headers,
    )


def named(error: Exception) -> ServiceError | None:
    """Return the refusal that an exception means, None for what nobody foresaw."""
    found: ServiceError | None = None
    if isinstance(error, ServiceError):
        found = error
    elif isinstance(error, KeysError):
        found = ServiceError(error.code)
    elif isinstance(error, BodyRefused):
        found = ServiceError("BODY_REFUSED")
    elif isinstance(error, (ValidationError, RequestValidationError)):
        found = ServiceError("INVALID_REQUEST", fields=_fields(error))
    elif isinstance(error, HTTPException):
        found = ServiceError(_BY_STATUS.get(error.status_code, "HEADER_INVALID"))
    elif isinstance(error, ClientDisconnect):
        found = ServiceError("BODY_INCOMPLETE")
    elif isinstance(error, OperationalError):
        found = ServiceError("UNAVAILABLE")
    elif isinstance(error, OSError) and error.errno in _DISK_FULL:
        found = ServiceError("STORAGE_FULL")
    return found


def _fields(error: ValidationError | RequestValidationError) -> str:
    """Name the members at fault, by the shape's own names only: never a name the caller sent."""
    names = []
    for fault in error.errors()[:5]:
        place = fault["loc"]
        known = place[:-1] if fault["type"] == "extra_forbidden" else place
        names.append(".".join(str(part) for part in known if _is_ours(part)) or "body")
    return ", ".join(dict.fromkeys(names))


def _is_ours(part: int | str) -> bool:
    return isinstance(part, int) or (
        part.isidentifier() and part.isascii() and len(part) < _MEMBER_LETTERS
    )


def _route(request: Request) -> str:
    """Name the route without what the caller put into it."""
    parts = str(request.scope["path"]).split("/")
    return "/".join(
        part if part.isascii() and part.islower() else "*" for part in parts[:4] if part
    )
