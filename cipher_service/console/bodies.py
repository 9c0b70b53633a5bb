"""What a page of the approval origin posts: a JSON object of exactly the texts that belong there.

Whatever else stands beside them is refused, the secret (PRF) that a browser may add above all.
"""

import json
from typing import Any, Final

from starlette.requests import Request

from cipher_service.errors import ServiceError

_MOST: Final = 80 * 1024


async def members_of(request: Request, *names: str) -> dict[str, str]:
    """Return the members. Raises ServiceError FORM_REFUSED, BODY_TOO_LARGE."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ServiceError("FORM_REFUSED")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST:
            raise ServiceError("BODY_TOO_LARGE", limit=_MOST)
    try:
        value: Any = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ServiceError("FORM_REFUSED") from error
    if not isinstance(value, dict) or set(value) != set(names):
        raise ServiceError("FORM_REFUSED")
    if not all(isinstance(member, str) for member in value.values()):
        raise ServiceError("FORM_REFUSED")
    return value
