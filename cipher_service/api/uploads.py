"""Handing in a large envelope in pieces: what arrived stays, whatever breaks.

    POST  /v1/uploads         the signed slip alone            -> 201, Location, Upload-Offset
    HEAD  /v1/uploads/{id}                                     -> 200, Upload-Offset, Upload-Length
    PATCH /v1/uploads/{id}    bytes from Upload-Offset on      -> 200 with the new offset, or the
                                                                  receipt once all is there

The slip is judged before the first byte. Opening the same upload again gives the same address, so a
lost answer costs nothing. Bytes that were acknowledged, and those that arrived before a connection
broke, are on disk when `HEAD` counts them. One connection writes at a time.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cipher_service.api.envelopes import PREFIX, check_body, check_header
from cipher_service.api.inbound import (
    content_length,
    decimal,
    pieces,
    require_media_type,
    require_spelling,
)
from cipher_service.api.ministry import Ministry
from cipher_service.api.reception import pour
from cipher_service.api.submissions import Arriving, judge_now, receipt
from cipher_service.dispatches.repository import known_dispatch
from cipher_service.dispatches.shown import upload_of
from cipher_service.dispatches.uploads import Upload
from cipher_service.errors import ServiceError
from cipher_service.identity.gatekeeper import Caller
from cipher_service.storage.blobs import UploadOffsetWrong
from cipher_service.wire import dispatches as wire
from cipher_service.wire.fields import UPLOAD
from keys.slips import SignedSlip, Slip


async def open_upload(ministry: Ministry, request: Request) -> Response:
    """Open an upload, or find the one that was opened for this very slip.

    A dispatch that is recorded already is answered with its receipt (200).
    """
    require_media_type(request, wire.SUBMISSION_MEDIA_TYPE)
    caller = await ministry.recognise(request)
    arriving = Arriving(request)
    submission = await judge_now(ministry, await arriving.head(), caller)
    await arriving.envelope(0)  # the slip alone is taken here
    name: str = await ministry.act(caller, "open_upload", submission.to_payload(None))
    known = await ministry.read(
        lambda connection: known_dispatch(connection, submission.dispatch_id)
    )
    if known is not None and known.receipt is not None:
        return receipt({"receipt": known.receipt, "created": False})
    held = ministry.blobs.held(name)
    state = wire.Upload(
        upload=name, dispatch_id=submission.dispatch_id, offset=held, size=submission.size
    )
    headers = {"Location": f"/v1/uploads/{name}", **_offsets(held, submission.size)}
    return JSONResponse(state.model_dump(), status_code=201, headers=headers)


async def upload_state(ministry: Ministry, request: Request, name: str) -> Response:
    """Tell how many bytes of an upload are held durably."""
    caller = await ministry.admitted(request)
    upload = await _find(ministry, caller, name)
    return Response(headers=_offsets(ministry.blobs.held(upload.upload_id), upload.size))


async def continue_upload(ministry: Ministry, request: Request, name: str) -> Response:
    """Take the next bytes of an upload; with the last of them, record the dispatch.

    Raises:
        ServiceError: NOT_FOUND; BODY_TOO_LARGE: beyond the size announced; what a submission is
            refused for.
    """
    require_media_type(request, wire.CHUNK_MEDIA_TYPE)
    offset = decimal(request.headers.get("upload-offset", ""))
    caller = await ministry.admitted(request)
    await _find(ministry, caller, name)  # only its origin may learn that somebody writes now
    with _alone(ministry, name):
        upload = await _find(ministry, caller, name)
        declared = content_length(request)
        if offset > upload.size or (declared or 0) > upload.size - offset:
            raise ServiceError("BODY_TOO_LARGE", limit=max(upload.size - offset, 0))
        held = await _append(ministry, request, upload, offset)
        if held == upload.size:
            return await _complete(ministry, caller, upload)
    state = wire.Upload(upload=name, dispatch_id=upload.dispatch_id, offset=held, size=upload.size)
    return JSONResponse(state.model_dump(), headers=_offsets(held, upload.size))


async def _find(ministry: Ministry, caller: Caller, name: str) -> Upload:
    require_spelling(UPLOAD, name)
    return await ministry.shown(
        caller, lambda connection, viewer: upload_of(connection, viewer, name)
    )


async def _append(ministry: Ministry, request: Request, upload: Upload, offset: int) -> int:
    """Write what arrives and return how many bytes are then held durably."""
    room = upload.size - offset
    with ExitStack() as opening:
        try:
            piece = opening.enter_context(ministry.blobs.append(upload.upload_id, offset))
        except UploadOffsetWrong as error:
            raise ServiceError("UPLOAD_OFFSET", offset=error.held) from error
        opened = opening.pop_all()
    try:
        received = await pour(pieces(request), piece.write, ministry.threads, limit=room)
    finally:
        await ministry.in_thread(opened.close)  # flushes to the disk
    if received > room:
        raise ServiceError("BODY_TOO_LARGE", limit=room)
    return offset + received


async def _complete(ministry: Ministry, caller: Caller, upload: Upload) -> Response:
    """Check the whole envelope as if it had come at once, and record its dispatch."""
    slip = Slip.parse(upload.slip)
    submission = await judge_now(ministry, SignedSlip(slip, upload.signature), caller)
    body = await ministry.in_thread(lambda: ministry.blobs.complete(upload.upload_id))
    check_body(slip, body.sha256, body.size)

    def prefix() -> bytes:
        with ministry.blobs.path(body.sha256).open("rb") as file:
            return file.read(PREFIX)

    check_header(slip, await ministry.in_thread(prefix))
    payload = submission.to_payload(None)
    return receipt(await ministry.act(caller, "submit_upload", payload, patiently=True))


@contextmanager
def _alone(ministry: Ministry, name: str) -> Iterator[None]:
    """Keep other connections, of any API process, away from an upload.

    Raises:
        ServiceError: UPLOAD_BUSY.
    """
    folder = ministry.settings.data / "run" / "uploads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServiceError("UPLOAD_BUSY") from error
        # The holder before may have removed the file between our open and our lock.
        if not path.exists() or path.stat().st_ino != os.fstat(descriptor).st_ino:
            raise ServiceError("UPLOAD_BUSY")
        try:
            yield
        finally:
            path.unlink()
    finally:
        os.close(descriptor)


def _offsets(held: int, size: int) -> dict[str, str]:
    return {"Upload-Offset": str(held), "Upload-Length": str(size)}
