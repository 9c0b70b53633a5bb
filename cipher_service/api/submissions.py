"""Handing in a dispatch in one request: the busiest path of the service.

    body = head (length, signed slip) || envelope

The steps, in order:

1. the caller's token and the proof of this request (`Ministry.recognise`);
2. the head: a canonical slip, signed by the caller's card (`dispatches.submission.judge`);
3. the envelope: hash, size, hybrid stanzas, label (`envelopes`), in memory when it is small, else
   on its way to the disk, in constant memory;
4. the registrar: proof used up, post in service, numbers new, register number, receipt, COMMIT;
5. the receipt leaves: 201, or 200 when this very dispatch was there already.

Whatever fails before 4 leaves no trace; whatever fails in 4 is rolled back.

Between the steps of a small dispatch the event loop is let go (`_abreast`), so that requests which
arrived together take each step together: the same code and tables, in a processor's caches that
are still warm, cost a seventh less of its time than one whole request after the other.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from cipher_service.api.envelopes import PREFIX, check_body, check_header, check_small
from cipher_service.api.inbound import content_length, require_media_type
from cipher_service.api.ministry import Ministry
from cipher_service.api.reception import pour
from cipher_service.dispatches.submission import Submission, judge
from cipher_service.errors import ServiceError
from cipher_service.identity.gatekeeper import Caller
from cipher_service.labels.scheme import default_scheme
from cipher_service.storage.blobs import SMALL
from cipher_service.wire.dispatches import RECEIPT_MEDIA_TYPE, SUBMISSION_MEDIA_TYPE
from keys.slips import LENGTH_BYTES, SignedSlip, Slip, head_length, read_head

LARGEST_ENVELOPE: Final = 64 * 1024**3
"""Bytes; beyond it a disk would fill before anyone could judge what arrives."""
_SCHEME: Final = default_scheme()


class Arriving:
    """A submission's body as it arrives: the head first, then the envelope.

    A small one is there with the first message; no piece is then copied more than once.
    """

    def __init__(self, request: Request) -> None:
        self._receive = request.receive
        self._buffer = bytearray()
        self._ended = False

    async def head(self) -> SignedSlip:
        """Return the signed slip, not yet verified.

        Raises:
            SlipMalformed: see `keys.slips`.
            ServiceError: BODY_INCOMPLETE.
        """
        await self._fill(LENGTH_BYTES)
        end = LENGTH_BYTES + head_length(bytes(self._buffer[:LENGTH_BYTES]))
        await self._fill(end)
        signed = read_head(bytes(self._buffer[LENGTH_BYTES:end]))
        del self._buffer[:end]
        return signed

    async def envelope(self, size: int) -> bytes:
        """Return what follows the head when it is `size` bytes or fewer.

        Raises:
            ServiceError: ENVELOPE_MISMATCH: it is longer; BODY_INCOMPLETE.
        """
        while not self._ended and len(self._buffer) <= size:
            await self._take()
        if len(self._buffer) > size:
            raise ServiceError("ENVELOPE_MISMATCH")
        return bytes(self._buffer)

    async def rest(self) -> AsyncIterator[bytes]:
        """Give what follows the head, piece by piece.

        Raises:
            ServiceError: BODY_INCOMPLETE.
        """
        while True:
            if self._buffer:
                piece, self._buffer = self._buffer, bytearray()
                yield bytes(piece)
            if self._ended:
                return
            await self._take()

    async def _fill(self, size: int) -> None:
        while len(self._buffer) < size:
            if self._ended:
                raise ServiceError("BODY_INCOMPLETE")
            await self._take()

    async def _take(self) -> None:
        message = await self._receive()
        if message["type"] != "http.request":  # the connection ended first
            raise ServiceError("BODY_INCOMPLETE")
        self._buffer += message.get("body", b"")
        self._ended = not message.get("more_body", False)


async def judge_now(ministry: Ministry, signed: SignedSlip, caller: Caller) -> Submission:
    """Judge a slip against the directory in memory, and once more against the present one.

    Raises:
        ServiceError: see `dispatches.submission.judge`.
    """
    if signed.slip.envelope_size > LARGEST_ENVELOPE:
        raise ServiceError("BODY_TOO_LARGE", limit=LARGEST_ENVELOPE)
    try:
        held = ministry.held_directory or await ministry.directory()
        return judge(signed, held, _SCHEME, caller=caller.post)
    except ServiceError as error:
        # A card activated a moment ago is not in the copy that this process holds.
        if error.code != "CARD_NOT_CURRENT":
            raise
    return judge(signed, await ministry.directory(), _SCHEME, caller=caller.post)


async def submit(ministry: Ministry, request: Request) -> Response:
    """Take a dispatch in; see the module's steps."""
    require_media_type(request, SUBMISSION_MEDIA_TYPE)
    declared = content_length(request)
    if declared is not None and declared > LARGEST_ENVELOPE:
        raise ServiceError("BODY_TOO_LARGE", limit=LARGEST_ENVELOPE)
    await _abreast()
    caller = await ministry.recognise(request)
    await _abreast()
    arriving = Arriving(request)
    signed = await arriving.head()
    await _abreast()
    submission = await judge_now(ministry, signed, caller)
    if submission.size <= SMALL:
        await _abreast()
        body = await arriving.envelope(submission.size)
        check_small(signed.slip, body)
        await _abreast()
        return await record(ministry, caller, submission, body)
    await _store_large(ministry, arriving.rest(), signed.slip)
    return await record(ministry, caller, submission, None)


async def record(
    ministry: Ministry, caller: Caller, submission: Submission, body: bytes | None
) -> Response:
    """Have the registrar write a checked submission down, and answer with its receipt."""
    return receipt(await ministry.act(caller, "submit", submission.to_payload(body)))


def receipt(result: dict[str, Any]) -> Response:
    """Answer with a receipt: 201, or 200 when this very dispatch was recorded before."""
    return Response(
        result["receipt"],
        status_code=201 if result["created"] else 200,
        media_type=RECEIPT_MEDIA_TYPE,
    )


async def _abreast() -> None:
    """Let the other requests of this turn of the event loop catch up."""
    await asyncio.sleep(0)


async def _store_large(ministry: Ministry, rest: AsyncIterator[bytes], slip: Slip) -> None:
    """Write a large envelope to the blob store; it stays only when it is the slip's."""
    with ministry.blobs.spool() as spool:
        prefix = bytearray()

        def write(view: memoryview) -> None:
            if len(prefix) < PREFIX:
                prefix.extend(view[: PREFIX - len(prefix)])
            spool.write(view)

        await pour(rest, write, ministry.threads, limit=slip.envelope_size)
        check_body(slip, spool.body.sha256, spool.body.size)
        check_header(slip, bytes(prefix))
        await ministry.in_thread(spool.keep)
