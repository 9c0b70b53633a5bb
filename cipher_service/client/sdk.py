"""The ministry's API as a post uses it: one method per act, typed, nothing believed by itself.

    with Transport("https://chiffre.example") as transport:
        ministry = Ministry(transport)
        page = ministry.inbox()

A method gives what the server said in the shapes of `cipher_service.wire`. Proofs (receipts, cards,
service messages) come back as the canonical bytes that were signed, for `keys/` to judge.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

import httpx

from cipher_service.client.online_refusals import Distrusted
from cipher_service.client.terminal import Advance
from cipher_service.client.transport import Transport
from cipher_service.client.transport_answers import Answer
from cipher_service.wire.audit import CosignatureRequest
from cipher_service.wire.continuity import Continuity, NumberProved
from cipher_service.wire.counter import (
    DifferencesAnswer,
    DifferencesRequest,
    PhotographRecorded,
)
from cipher_service.wire.directory import Cards, Directory, Health, ServiceCard
from cipher_service.wire.dispatches import (
    CHUNK_MEDIA_TYPE,
    SUBMISSION_MEDIA_TYPE,
    DispatchPage,
    DispatchRecord,
    ReceiptList,
    ServiceMessagePage,
)
from cipher_service.wire.enrolment import EnrolmentRequest, EnrolmentState
from cipher_service.wire.pouches import DeviceRecorded, EmptiesRecorded, EventsAnswer
from cipher_service.wire.prekeys import BurntPrekeys, PrekeyOffers, PrekeyRequest, PrekeyStock
from cipher_service.wire.tokens import CertificateAnswer
from keys import canonical

_PIECE: Final = 256 * 1024
_UPLOAD_ADDRESS: Final = re.compile(r"/v1/uploads/[0-9a-f]{32}")
_OFFSET: Final = re.compile(r"[0-9]{1,16}")
_JSON: Final = {"Content-Type": "application/json"}


class Ministry:
    """The acts of a post at its ministry.

    Every method raises `Unreachable`, `MinistryRefused` and `Distrusted` as `Transport.call` does.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    # -- before enrolment ----------------------------------------------------------------------

    def health(self) -> Health:
        """Ask whether the server and its registrar answer."""
        return self._transport.call("GET", "/v1/health").read(Health)

    def service_card(self) -> ServiceCard:
        """Ask the server who it says it is."""
        return self._transport.call("GET", "/v1/service-card").read(ServiceCard)

    def enrol(self, request: EnrolmentRequest) -> EnrolmentState:
        """Ask to be known under a card and an API key."""
        body = request.model_dump_json().encode()
        return self._transport.call("POST", "/v1/enrolments", content=body, headers=_JSON).read(
            EnrolmentState
        )

    def enrolment(self, post: str) -> EnrolmentState:
        """Ask where a post's enrolment stands."""
        return self._transport.call("GET", f"/v1/enrolments/{post}").read(EnrolmentState)

    # -- the directory -------------------------------------------------------------------------

    def directory(self) -> Directory:
        """Ask for every post and service."""
        return self._transport.call("GET", "/v1/directory").read(Directory)

    def cards(self, post: str) -> list[tuple[bytes, bytes | None]]:
        """Ask for the editions of a post's card, newest first, each with the root's endorsement.

        Both are canonical bytes, for `keys.cards` and `keys.endorsement` to judge.
        """
        found = self._transport.call("GET", f"/v1/cards/{post}").read(Cards)
        if len(found.cards) != len(found.endorsements):
            raise Distrusted("ANSWER_MALFORMED", message="Cards")
        return [
            (canonical_bytes(card), None if said is None else canonical_bytes(said))
            for card, said in zip(found.cards, found.endorsements, strict=True)
        ]

    def sync_pack(self) -> bytes:
        """Ask for this post's sync pack, made anew if things changed; for `pouch.pack` to judge."""
        return self._transport.call("GET", "/v1/pouches/pack").body

    def take_in_device(self, ed25519: str) -> str:
        """Take a device of this post into service by its public key, base64; give its id."""
        body = json.dumps({"ed25519": ed25519}).encode()
        answer = self._transport.call("POST", "/v1/pouches/devices", content=body, headers=_JSON)
        return answer.read(DeviceRecorded).device

    def tell_events(self, events: list[dict[str, Any]]) -> EventsAnswer:
        """Hand in events of bags as their devices signed them. Repeating it is harmless."""
        body = json.dumps({"clock": None, "events": events}).encode()
        return self._transport.call("POST", "/v1/pouches/events", content=body, headers=_JSON).read(
            EventsAnswer
        )

    def announce_empties(self, notice: bytes) -> EmptiesRecorded:
        """Announce empty bags that this post sends home. Repeating it is harmless."""
        return self._transport.call(
            "POST", "/v1/pouches/empties", content=notice, headers=_JSON
        ).read(EmptiesRecorded)

    def tell_differences(self, seal: str, request: DifferencesRequest) -> DifferencesAnswer:
        """Tell what was found in a bag against its bordereau. Repeating it is harmless."""
        body = request.model_dump_json().encode()
        path = f"/v1/pouches/{seal}/differences"
        return self._transport.call("POST", path, content=body, headers=_JSON).read(
            DifferencesAnswer
        )

    def add_photograph(
        self, seal: str, picture: BinaryIO, size: int, *, officer: str, subject: str
    ) -> str:
        """Hand in a photograph of a bag; return its id. The same file again is the same one."""
        answer = self._transport.call(
            "POST",
            f"/v1/pouches/{seal}/photographs",
            content=lambda: _pieces(picture, 0, size, lambda _bytes: None),
            headers={"Content-Type": "application/octet-stream", "Content-Length": str(size)},
            params={"officer": officer, "subject": subject},
        )
        return answer.read(PhotographRecorded).photograph

    def certify(self) -> CertificateAnswer:
        """Ask for a certificate of this post's API key; each asking makes a new one."""
        return self._transport.call("POST", "/v1/certificates").read(CertificateAnswer)

    # -- prekeys -------------------------------------------------------------------------------

    def hand_in_prekeys(self, bundle: bytes) -> PrekeyStock:
        """Hand in a bundle of this post's prekeys. Repeating it is harmless."""
        return self._transport.call("POST", "/v1/prekeys", content=bundle, headers=_JSON).read(
            PrekeyStock
        )

    def prekeys(self) -> PrekeyStock:
        """Ask how many of this post's prekeys can still be given out."""
        return self._transport.call("GET", "/v1/prekeys").read(PrekeyStock)

    def burnt_prekeys(self) -> BurntPrekeys:
        """Ask which of this post's prekeys were given out and compromised on their way."""
        return self._transport.call("GET", "/v1/prekeys/burnt").read(BurntPrekeys)

    def take_prekeys(self, request: PrekeyRequest) -> PrekeyOffers:
        """Ask once for a prekey of each addressee: a dispatch can leave without."""
        body = request.model_dump_json().encode()
        return self._transport.attempt(
            "POST", "/v1/prekeys/taken", content=body, headers=_JSON
        ).read(PrekeyOffers)

    # -- sending -------------------------------------------------------------------------------

    def submit(self, head: bytes, envelope: BinaryIO, size: int, advance: Advance) -> bytes:
        """Hand over a dispatch in one request and return the ministry's receipt.

        Args:
            head: of the submission, length included (`keys.slips.SignedSlip.head`).
            envelope: read from its beginning.
            size: of the envelope, bytes.
            advance: told how many bytes went, for a progress line.
        """

        def body() -> Iterator[bytes]:
            yield head
            yield from _pieces(envelope, 0, size, advance)

        headers = {"Content-Type": SUBMISSION_MEDIA_TYPE, "Content-Length": str(len(head) + size)}
        answer = self._transport.call("POST", "/v1/dispatches", content=body, headers=headers)
        return _receipt(answer)

    def open_upload(self, head: bytes) -> str | bytes:
        """Announce a large dispatch.

        Returns:
            The address at which it is uploaded, or the receipt of a dispatch handed over before.
        """
        headers = {"Content-Type": SUBMISSION_MEDIA_TYPE}
        answer = self._transport.call("POST", "/v1/uploads", content=head, headers=headers)
        if answer.status == httpx.codes.OK:
            return _receipt(answer)
        address = httpx.URL(answer.headers.get("location", "")).path
        if _UPLOAD_ADDRESS.fullmatch(address) is None:
            raise Distrusted("ANSWER_MALFORMED", header="Location")
        return address

    def upload_offset(self, address: str) -> int:
        """Ask how many bytes of an upload the ministry holds durably."""
        offset = self._transport.call("HEAD", address).headers.get("upload-offset", "")
        if _OFFSET.fullmatch(offset) is None:
            raise Distrusted("ANSWER_MALFORMED", header="Upload-Offset")
        return int(offset)

    def upload(
        self, address: str, envelope: BinaryIO, span: range, size: int, advance: Advance
    ) -> bytes | None:
        """Send one span of an envelope, once: whether it arrived, `upload_offset` says.

        Args:
            address: from `open_upload`.
            envelope: the file.
            span: which bytes; it begins where the ministry's offset is.
            size: of the envelope, bytes.
            advance: told how many bytes went.

        Returns:
            The ministry's receipt when the span was the last.
        """
        headers = {
            "Content-Type": CHUNK_MEDIA_TYPE,
            "Content-Length": str(len(span)),
            "Upload-Offset": str(span.start),
        }
        answer = self._transport.attempt(
            "PATCH",
            address,
            content=lambda: _pieces(envelope, span.start, span.stop, advance),
            headers=headers,
        )
        return _receipt(answer) if span.stop == size else None

    # -- receiving -----------------------------------------------------------------------------

    def inbox(
        self, *, after: str | None = None, state: str | None = None, delivery: str | None = None
    ) -> DispatchPage:
        """Ask for a page of what is addressed to this post: urgent first, then by arrival."""
        params = {"after": after, "state": state, "delivery": delivery}
        given = {name: value for name, value in params.items() if value is not None}
        return self._transport.call("GET", "/v1/dispatches", params=given).read(DispatchPage)

    def dispatch(self, dispatch_id: str) -> DispatchRecord:
        """Ask for a dispatch's slip and its place in the register."""
        return self._transport.call("GET", f"/v1/dispatches/{dispatch_id}").read(DispatchRecord)

    @contextmanager
    def envelope(self, dispatch_id: str, offset: int, sha256: str) -> Iterator[httpx.Response]:
        """Open an envelope for reading from `offset`.

        The answer's status says what comes: 206 from `offset`, 200 from the beginning.
        """
        headers = {"Range": f"bytes={offset}-", "If-Range": f'"{sha256}"'} if offset else {}
        path = f"/v1/dispatches/{dispatch_id}/envelope"
        with self._transport.stream(path, headers=headers) as response:
            yield response

    @contextmanager
    def arrivals(self, after: str | None, silence: float) -> Iterator[httpx.Response]:
        """Open the stream of arrivals (server-sent events) from a cursor on."""
        headers = {"Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = after
        with self._transport.stream("/v1/arrivals", headers=headers, silence=silence) as response:
            yield response

    # -- receipts and service messages ---------------------------------------------------------

    def receipts(self, dispatch_id: str) -> ReceiptList:
        """Ask for every receipt of a dispatch."""
        return self._transport.call("GET", f"/v1/dispatches/{dispatch_id}/receipts").read(
            ReceiptList
        )

    def post(self, path: str, body: bytes) -> None:
        """Post a small signed act: a receipt or a service message. Repeating it is harmless."""
        self._transport.call("POST", path, content=body, headers=_JSON)

    def service_messages(self, after: str | None = None) -> ServiceMessagePage:
        """Ask for the service messages addressed to this post, in order of arrival."""
        params = {} if after is None else {"after": after}
        return self._transport.call("GET", "/v1/service-messages", params=params).read(
            ServiceMessagePage
        )

    # -- backups and restores ------------------------------------------------------------------

    def continuity(self) -> Continuity:
        """Ask how far the ministry's backup reaches, and which numbers restores cancelled."""
        return self._transport.call("GET", "/v1/continuity").read(Continuity)

    def prove_number(self, receipt: bytes) -> bool:
        """Show a receipt of the time before a restore, so that its number is not given again."""
        return (
            self._transport.call("POST", "/v1/continuity/receipts", content=receipt, headers=_JSON)
            .read(NumberProved)
            .raised
        )

    # -- the log -------------------------------------------------------------------------------

    def log_head(self) -> bytes:
        """Ask for the log's last signed head, as it is."""
        return self._transport.call("GET", "/v1/audit/checkpoint").body

    def log_tile(self, path: str) -> bytes:
        """Ask for a tile by its C2SP path, `tile/...`."""
        return self._transport.call("GET", f"/v1/audit/{path}").body

    def cosign(self, request: CosignatureRequest) -> None:
        """Hand over this post's cosignature of a head. Repeating it is harmless."""
        body = request.model_dump_json().encode()
        self._transport.call("POST", "/v1/audit/cosignatures", content=body, headers=_JSON)


def canonical_bytes(document: object) -> bytes:
    """Return the signed bytes of a document that travelled as JSON. Raises Distrusted."""
    try:
        return canonical.encode(document)
    except ValueError as error:
        raise Distrusted("ANSWER_MALFORMED") from error


def _receipt(answer: Answer) -> bytes:
    try:
        return canonical_bytes(json.loads(answer.body))
    except ValueError as error:
        raise Distrusted("ANSWER_MALFORMED", message="receipt") from error


def _pieces(envelope: BinaryIO, start: int, stop: int, advance: Advance) -> Iterator[bytes]:
    envelope.seek(start)
    left = stop - start
    while left:
        piece = envelope.read(min(_PIECE, left))
        if not piece:
            raise OSError(f"{envelope.name} ends {left} bytes early")
        left -= len(piece)
        yield piece
        advance(len(piece))
