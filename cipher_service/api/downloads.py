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
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from cipher_service.errors import ServiceError
from cipher_service.storage.held import Held
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
    """Give an envelope that is in memory.

    Raises:
        ServiceError: RANGE_NOT_SATISFIABLE.
    """
    span = span_of(request, sha256, len(body))
    headers = _headers(sha256, span, len(body))
    if span is None:
        return Response(body, headers=headers, media_type=ENVELOPE_MEDIA_TYPE)
    piece = body[span.start : span.stop]
    return Response(piece, 206, headers=headers, media_type=ENVELOPE_MEDIA_TYPE)


@dataclass(frozen=True, slots=True)
class Given:
    """An envelope to be given, of which a file holds the payload at least.

    Attributes:
        path: of that file.
        sha256: of the whole envelope.
        size: of the whole envelope.
        held: what comes before the file's bytes, and from which of them on.
    """

    path: Path
    sha256: str
    size: int
    held: Held


def give_file(request: Request, given: Given, executor: Executor) -> Response:
    """Give an envelope that is a file; opened here, so that an absent file is an error at once.

    Raises:
        ServiceError: RANGE_NOT_SATISFIABLE; ENVELOPE_LOST where the file is gone, as after a
            restored database whose bodies were not.
        OSError: it cannot be opened.
    """
    span = span_of(request, given.sha256, given.size)
    try:
        descriptor = os.open(given.path, os.O_RDONLY)
    except FileNotFoundError as error:
        # The caller is refused calmly; whoever operates must hear of it.
        log.error("envelope %s is recorded, but its file is gone", given.sha256)  # noqa: TRY400 - a trace adds nothing
        raise ServiceError("ENVELOPE_LOST") from error
    headers = _headers(given.sha256, span, given.size)
    bounds = span or range(given.size)
    headers["Content-Length"] = str(len(bounds))
    return StreamingResponse(
        _read_ahead(_Source(descriptor, given.held.head, given.held.starts), bounds, executor),
        200 if span is None else 206,
        headers=headers,
        media_type=ENVELOPE_MEDIA_TYPE,
    )


def _headers(sha256: str, span: range | None, size: int) -> dict[str, str]:
    headers = {"ETag": f'"{sha256}"', "Accept-Ranges": "bytes"}
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    return headers


@dataclass(frozen=True, slots=True)
class _Source:
    """An open file, what is given before it, and how many of its first bytes are not."""

    descriptor: int
    head: bytes
    starts: int

    def take(self, place: int, size: int) -> bytes:
        """Return some of the `size` bytes from a place on; none only where they end."""
        before = len(self.head)
        if place < before:
            return self.head[place : place + size]
        at = self.starts + place - before
        if at % AHEAD < PIECE:
            os.posix_fadvise(self.descriptor, at + PIECE, 2 * AHEAD, os.POSIX_FADV_WILLNEED)
        return os.pread(self.descriptor, size, at)


async def _read_ahead(source: _Source, bounds: range, executor: Executor) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    coming: asyncio.Future[bytes] | None = None
    try:
        place = bounds.start
        while place < bounds.stop:
            if coming is None:
                coming = _read(loop, executor, source, place, bounds.stop)
            piece = await coming
            if not piece:
                raise OSError("the stored envelope ends early")
            place += len(piece)
            coming = (
                _read(loop, executor, source, place, bounds.stop) if place < bounds.stop else None
            )
            yield piece
    finally:
        if coming is not None:
            await asyncio.wait([coming])  # a thread may still read from the descriptor
        os.close(source.descriptor)


def _read(
    loop: asyncio.AbstractEventLoop, executor: Executor, source: _Source, place: int, stop: int
) -> asyncio.Future[bytes]:
    return loop.run_in_executor(executor, source.take, place, min(PIECE, stop - place))
