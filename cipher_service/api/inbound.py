"""Reading what arrives: bodies up to a limit, queries and headers in one spelling."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Final, TypeVar
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request

from cipher_service.api.strict_json import parse
from cipher_service.errors import ServiceError
from cipher_service.wire.fields import WireModel

SMALL_BODY: Final = 64 * 1024
SMALL_BODY_SECONDS: Final = 30.0
_QUERY: Final = re.compile(r"[A-Za-z0-9_.=&~-]{0,300}", re.ASCII)
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)

Model = TypeVar("Model", bound=WireModel)


def header(request: Request, name: bytes) -> str | None:
    """Return a header's value, None when it was not sent.

    What `request.headers` does, without an object of its own for each request.

    Args:
        request: behind the border, which lets the headers that decide anything in only once.
        name: in lower case, as ASGI gives it.
    """
    for given, value in request.scope["headers"]:
        if given == name:
            return str(value, "latin-1")  # as HTTP spells it: any byte is a character
    return None


async def read_body(
    request: Request, limit: int = SMALL_BODY, seconds: float = SMALL_BODY_SECONDS
) -> bytes:
    """Read a whole small body; a caller needs no token to begin one.

    Raises:
        ServiceError: BODY_TOO_LARGE (before reading, when it declares its length),
            BODY_INCOMPLETE (also when the rest does not come in time).
    """
    declared = content_length(request)
    if declared is not None and declared > limit:
        raise ServiceError("BODY_TOO_LARGE", limit=limit)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for piece in pieces(request):
                body += piece
                if len(body) > limit:
                    raise ServiceError("BODY_TOO_LARGE", limit=limit)
    except TimeoutError as error:
        raise ServiceError("BODY_INCOMPLETE") from error
    return bytes(body)


async def pieces(request: Request) -> AsyncIterator[bytes]:
    """Give the body as it arrives.

    Raises:
        ServiceError: BODY_INCOMPLETE when the connection ends first.
    """
    try:
        async for piece in request.stream():
            if piece:  # the framework ends a body with an empty piece
                yield piece
    except ClientDisconnect as error:
        raise ServiceError("BODY_INCOMPLETE") from error


async def read_json(request: Request, model: type[Model]) -> Model:
    """Read a small JSON body strictly, as one of the shapes of `wire/`.

    Raises:
        ServiceError: MEDIA_TYPE_REFUSED, BODY_TOO_LARGE, BODY_INCOMPLETE.
        BodyRefused: not strict JSON.
        ValidationError: another shape.
    """
    require_media_type(request, "application/json")
    return model.model_validate(parse(await read_body(request)))


def read_form(body: bytes, model: type[Model]) -> Model:
    """Read an `application/x-www-form-urlencoded` body: each field once, none unknown.

    Raises:
        ServiceError: FORM_REFUSED.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=len(model.model_fields) + 1,
        )
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise ServiceError("FORM_REFUSED")
        return model.model_validate(fields)
    except (ValueError, ValidationError) as error:
        raise ServiceError("FORM_REFUSED") from error


def require_media_type(request: Request, expected: str) -> None:
    """Demand a content type, its parameters aside.

    Raises:
        ServiceError: MEDIA_TYPE_REFUSED.
    """
    given = (header(request, b"content-type") or "").partition(";")[0].strip().lower()
    if given != expected:
        raise ServiceError("MEDIA_TYPE_REFUSED", expected=expected)


def content_length(request: Request) -> int | None:
    """Return the declared length of the body, None when it is sent in chunks.

    Raises:
        ServiceError: HEADER_INVALID.
    """
    text = header(request, b"content-length")
    return None if text is None else decimal(text)


def decimal(text: str) -> int:
    """Read a header's whole number in its one spelling.

    Raises:
        ServiceError: HEADER_INVALID.
    """
    if _DECIMAL.fullmatch(text) is None:
        raise ServiceError("HEADER_INVALID")
    return int(text)


def read_query(request: Request, **patterns: str) -> dict[str, str]:
    """Read the query: each parameter known, given once, and spelled as its pattern says.

    Raises:
        ServiceError: QUERY_INVALID.
    """
    raw = request.scope["query_string"]
    if not raw:
        return {}
    try:
        text = raw.decode("ascii")
        # No percent sign is accepted: it would give one value many spellings.
        if _QUERY.fullmatch(text) is None:
            raise ServiceError("QUERY_INVALID")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=8)
    except ValueError as error:
        raise ServiceError("QUERY_INVALID") from error
    values = dict(pairs)
    known = all(name in patterns and re.fullmatch(patterns[name], value) for name, value in pairs)
    if len(values) != len(pairs) or not known:
        raise ServiceError("QUERY_INVALID")
    return values


def require_spelling(pattern: str, value: str) -> str:
    """Return a path's part when it is spelled right; else nothing of that name exists.

    Raises:
        ServiceError: NOT_FOUND.
    """
    if re.fullmatch(pattern, value, re.ASCII) is None:
        raise ServiceError("NOT_FOUND")
    return value
