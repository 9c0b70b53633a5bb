"""The addresses that a post calls with its token. What each does is in the module it names."""

from fastapi import APIRouter, Request, Response

from cipher_service.api import inbox, notices, submissions, uploads
from cipher_service.api.arrivals import MEDIA_TYPE, Pulse, arrivals
from cipher_service.api.directory_answers import cards_of, directory_page, post_named
from cipher_service.api.documentation import (
    bytes_answer,
    bytes_body,
    document_answer,
    document_body,
    model_answer,
    parameter,
    with_token,
)
from cipher_service.api.ministry import Ministry
from cipher_service.wire import dispatches as wire
from cipher_service.wire.directory import Cards, Directory, Post

_HEAD = "4-byte big-endian length, then the signed slip as canonical JSON"
_RECEIPT = "The ministry's receipt, proof included."
_AGAIN = "Recorded before: the same receipt."
_PAGE = (
    parameter("after", "query", inbox.CURSOR, "the `next` of the page before"),
    parameter("limit", "query", inbox.LIMIT, "lines at most, up to 200; 50 by default"),
)
_OFFSET = parameter("Upload-Offset", "header", r"0|[1-9][0-9]*", "where these bytes begin")


def directory_routes(ministry: Ministry) -> APIRouter:
    """Return the directory's addresses."""
    router = APIRouter(prefix="/v1", tags=["directory"])

    @router.get("/directory", openapi_extra=with_token())
    async def directory(request: Request) -> Directory:
        """Give every post, and the services of the ministry."""
        return await directory_page(ministry, request)

    @router.get("/directory/posts/{code}", openapi_extra=with_token())
    async def post(request: Request, code: str) -> Post:
        """Give one post."""
        return await post_named(ministry, request, code)

    @router.get("/cards/{code}", openapi_extra=with_token())
    async def cards(request: Request, code: str) -> Cards:
        """Give the editions of a post's card that may be used, newest first."""
        return await cards_of(ministry, request, code)

    return router


def sending_routes(ministry: Ministry) -> APIRouter:
    """Return the addresses for handing in."""
    router = APIRouter(prefix="/v1", tags=["sending"])

    @router.post(
        "/dispatches",
        status_code=201,
        response_class=Response,
        responses={201: document_answer(_RECEIPT), 200: document_answer(_AGAIN)},
        openapi_extra=with_token(
            bytes_body(wire.SUBMISSION_MEDIA_TYPE, f"{_HEAD}, then the envelope to the end")
        ),
    )
    async def submit(request: Request) -> Response:
        """Hand in a dispatch: signed slip and envelope in one body, of any size.

        The receipt leaves after the dispatch is on disk. Repeating the identical request gives the
        same receipt; another content under the same id or number is refused by name.
        """
        return await submissions.submit(ministry, request)

    _add_uploads(router, ministry)
    return router


def _add_uploads(router: APIRouter, ministry: Ministry) -> None:
    @router.post(
        "/uploads",
        status_code=201,
        response_class=Response,
        responses={201: model_answer("Opened.", wire.Upload), 200: document_answer(_AGAIN)},
        openapi_extra=with_token(bytes_body(wire.SUBMISSION_MEDIA_TYPE, _HEAD)),
    )
    async def open_upload(request: Request) -> Response:
        """Open a resumable upload; `Location` is its address. Opening it again finds it."""
        return await uploads.open_upload(ministry, request)

    @router.head("/uploads/{upload}", response_class=Response, openapi_extra=with_token())
    async def upload_state(request: Request, upload: str) -> Response:
        """Tell how many bytes are held durably (`Upload-Offset`), of how many."""
        return await uploads.upload_state(ministry, request, upload)

    @router.patch(
        "/uploads/{upload}",
        response_class=Response,
        responses={
            200: model_answer("More is to come.", wire.Upload),
            201: document_answer(f"All is there. {_RECEIPT}"),
        },
        openapi_extra=with_token(_OFFSET, bytes_body(wire.CHUNK_MEDIA_TYPE, "the next bytes")),
    )
    async def continue_upload(request: Request, upload: str) -> Response:
        """Send the next bytes; with the last of them the dispatch is recorded."""
        return await uploads.continue_upload(ministry, request, upload)


def receiving_routes(ministry: Ministry, pulse: Pulse) -> APIRouter:
    """Return the addresses for receiving."""
    router = APIRouter(prefix="/v1", tags=["receiving"])

    @router.get(
        "/dispatches",
        response_class=Response,
        responses={200: model_answer("A page.", wire.DispatchPage)},
        openapi_extra=with_token(
            *_PAGE,
            parameter("state", "query", inbox.STATE, "`all` (default), `open`, or one state"),
            parameter("delivery", "query", inbox.DELIVERY, "`cipher` (default), or `pouch`"),
        ),
    )
    async def list_dispatches(request: Request) -> Response:
        """List what is addressed to the caller: highest precedence first, then by arrival."""
        return await inbox.list_dispatches(ministry, request)

    _add_envelopes(router, ministry)

    @router.get(
        "/arrivals",
        response_class=Response,
        responses={200: bytes_answer("Server-sent events `arrival`.", MEDIA_TYPE)},
        openapi_extra=with_token(
            parameter("Last-Event-ID", "header", r"0|[1-9][0-9]*", "resume after this id")
        ),
    )
    async def stream(request: Request) -> Response:
        """Tell of each arrival as it happens; resumable, ends with the token."""
        return await arrivals(ministry, pulse, request)

    return router


def _add_envelopes(router: APIRouter, ministry: Ministry) -> None:
    @router.get("/dispatches/{dispatch}", openapi_extra=with_token())
    async def dispatch(request: Request, dispatch: str) -> wire.DispatchRecord:
        """Give a dispatch's slip as its origin signed it, and its place in the register."""
        return await inbox.dispatch_record(ministry, request, dispatch)

    @router.get(
        "/dispatches/{dispatch}/envelope",
        response_class=Response,
        responses={
            200: bytes_answer("The envelope.", wire.ENVELOPE_MEDIA_TYPE),
            206: bytes_answer("The range asked for.", wire.ENVELOPE_MEDIA_TYPE),
        },
        openapi_extra=with_token(
            parameter("Range", "header", "bytes=[0-9]*-[0-9]*", "one range (RFC 9110)"),
            parameter("If-Range", "header", '"[0-9a-f]{64}"', "the ETag: the envelope's SHA-256"),
        ),
    )
    async def envelope(request: Request, dispatch: str) -> Response:
        """Give the envelope, whole or from where a transfer broke off."""
        return await inbox.envelope(ministry, request, dispatch)

    @router.get("/dispatches/{dispatch}/receipts", openapi_extra=with_token())
    async def receipts(request: Request, dispatch: str) -> wire.ReceiptList:
        """Give the receipts of a dispatch: all to its origin, to an addressee its own."""
        return await inbox.receipts(ministry, request, dispatch)


def notice_routes(ministry: Ministry) -> APIRouter:
    """Return the addresses for receipts and service messages."""
    router = APIRouter(prefix="/v1", tags=["notices"])

    @router.post(
        "/receipts",
        status_code=201,
        response_class=Response,
        responses={
            201: model_answer("Filed.", wire.ReceiptRecorded),
            200: model_answer("One of this kind was filed before.", wire.ReceiptRecorded),
        },
        openapi_extra=with_token(document_body("a receipt file of `keys/post_receipts`")),
    )
    async def receipt(request: Request) -> Response:
        """File a receipt: delivered, deciphered or refused, signed by the caller's card."""
        return await notices.file_receipt(ministry, request)

    @router.post(
        "/service-messages",
        status_code=201,
        response_class=Response,
        responses={
            201: model_answer("Filed.", wire.ServiceMessageRecorded),
            200: model_answer("The very same was filed before.", wire.ServiceMessageRecorded),
        },
        openapi_extra=with_token(document_body("a file of `keys/service_messages`")),
    )
    async def service_message(request: Request) -> Response:
        """File a service message for the post that it speaks to."""
        return await notices.file_service_message(ministry, request)

    @router.get(
        "/service-messages",
        response_class=Response,
        responses={200: model_answer("A page.", wire.ServiceMessagePage)},
        openapi_extra=with_token(*_PAGE),
    )
    async def service_messages(request: Request) -> Response:
        """List the service messages spoken to the caller, in order of arrival."""
        return await notices.list_service_messages(ministry, request)

    return router
