"""Giving an envelope: whole or from where a transfer broke off (RFC 9110 §14), strongly tagged.

One range is served; several, or a spelling that is not a byte range, are ignored and the whole is
given, as the RFC allows. A file is read ahead in a thread while the piece before it is sent, and
the disk is told what comes after that: a large envelope is not in memory, since its upload let go
of it.
"""

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from cipher_service.errors import ServiceError
from cipher_service.wire.dispatches import ENVELOPE_MEDIA_TYPE

log = logging.getLogger(__name__)

PIECE: Final = 1024 * 1024
AHEAD: Final = 4 * PIECE
"""What the disk is asked to have ready; the kernel's own guess is a fraction of it."""
_RANGE: Final = re.compile(r"bytes=([0-9]{0,16})-([0-9]{0,16})", re.ASCII)


def span_of(request: Request, sha256: str, size: int) -> range | None:
    """Return which bytes are asked for, None for all.

    Raises:
        ServiceError: RANGE_NOT_SATISFIABLE.
    """
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None or request.headers.get("if-range", f'"{sha256}"') != f'"{sha256}"':
        return None
    first, last = asked.groups()
    if first:
        start, stop = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < int(first):
            return None
    elif last:
        start, stop = max(size - int(last), 0), size
    else:
        return None
    if start >= stop:
        raise ServiceError("RANGE_NOT_SATISFIABLE", size=size)
    return range(start, stop)


def give_small(request: Request, body: bytes, sha256: str) -> Response:
    """Give an envelope that is in memory."""
    span = span_of(request, sha256, len(body))
    headers = _headers(sha256, span, len(body))
    if span is None:
        return Response(body, headers=headers, media_type=ENVELOPE_MEDIA_TYPE)
    piece = body[span.start : span.stop]
    return Response(piece, 206, headers=headers, media_type=ENVELOPE_MEDIA_TYPE)


def give_file(request: Request, path: Path, sha256: str, size: int, executor: Executor) -> Response:
    """Give an envelope that is a file; opened here, so that an absent file is an error at once.

    Raises:
        ServiceError: RANGE_NOT_SATISFIABLE; ENVELOPE_LOST where the file is gone, as after a
            restored database whose bodies were not.
        OSError: it cannot be opened.
    """
    span = span_of(request, sha256, size)
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError as error:
        # The caller is refused calmly; whoever operates must hear of it.
        log.error("envelope %s is recorded, but its file is gone", sha256)  # noqa: TRY400 - a trace adds nothing
        raise ServiceError("ENVELOPE_LOST") from error
    headers = _headers(sha256, span, size)
    bounds = span or range(size)
    headers["Content-Length"] = str(len(bounds))
    return StreamingResponse(
        _read_ahead(descriptor, bounds, executor),
        200 if span is None else 206,
        headers=headers,
        media_type=ENVELOPE_MEDIA_TYPE,
    )


def _headers(sha256: str, span: range | None, size: int) -> dict[str, str]:
    headers = {"ETag": f'"{sha256}"', "Accept-Ranges": "bytes"}
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    return headers


async def _read_ahead(descriptor: int, bounds: range, executor: Executor) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    coming: asyncio.Future[bytes] | None = None
    try:
        place = bounds.start
        while place < bounds.stop:
            if coming is None:
                coming = _read(loop, executor, descriptor, place, bounds.stop)
            piece = await coming
            if not piece:
                raise OSError("the stored envelope ends early")
            place += len(piece)
            coming = (
                _read(loop, executor, descriptor, place, bounds.stop)
                if place < bounds.stop
                else None
            )
            yield piece
    finally:
        if coming is not None:
            await asyncio.wait([coming])  # a thread may still read from the descriptor
        os.close(descriptor)


def _read(
    loop: asyncio.AbstractEventLoop, executor: Executor, descriptor: int, place: int, stop: int
) -> asyncio.Future[bytes]:
    return loop.run_in_executor(executor, _take, descriptor, place, min(PIECE, stop - place))


def _take(descriptor: int, place: int, size: int) -> bytes:
    if place % AHEAD < PIECE:
        os.posix_fadvise(descriptor, place + PIECE, 2 * AHEAD, os.POSIX_FADV_WILLNEED)
    return os.pread(descriptor, size, place)
