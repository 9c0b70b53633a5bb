"""Handing over what waits in the outbox, once each, whatever happens in between.

A dispatch is acknowledged only by the ministry's receipt, verified against the pinned service key
and against the slip: a server that lies leaves everything where it was. Up to `ONE_REQUEST` bytes
go in one request, which is simply repeated; more goes in spans that the ministry keeps, so that a
broken line costs at most a span.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import file_digest
from time import sleep
from typing import Final

from cipher_service import clock
from cipher_service.client.enciphering import settle
from cipher_service.client.log_book import LogBook
from cipher_service.client.messages import explain
from cipher_service.client.numbers import Outgoing
from cipher_service.client.numbers import Status as NumberStatus
from cipher_service.client.online_continuity import meet_ministry
from cipher_service.client.online_refusals import MinistryRefused, Unreachable
from cipher_service.client.online_service_keys import read_receipt
from cipher_service.client.online_session import Session
from cipher_service.client.outbox import KEPT
from cipher_service.client.outbox_entries import Claim, Entry, Note, Status
from cipher_service.client.sdk import canonical_bytes
from cipher_service.client.terminal import Advance
from cipher_service.references import new_id
from keys.receipts import head_carried, read_submitted_receipt
from keys.service_messages import (
    CANCELLED,
    SeriesReference,
    ServiceMessage,
    make_service_message,
)
from keys.signing import SERVICE_MESSAGE
from keys.slips import LENGTH_BYTES, Slip, read_head

ONE_REQUEST: Final = 8 * 1024 * 1024
SPAN: Final = 64 * 1024 * 1024
_TRIES: Final = 5
_BUSY_PAUSE: Final = 1.0
_UNAUTHENTICATED: Final = 401
_FORBIDDEN: Final = 403
_GONE: Final = 404
_LOST_PLACE: Final = frozenset({"UPLOAD_OFFSET", "UPLOAD_BUSY"})
# The ministry says no to this request, not to this dispatch: it stays in the outbox.
_NOT_FINAL: Final = _LOST_PLACE | {
    "BODY_INCOMPLETE",
    "NOT_FOUND",
    "HEAD_REFUSED",
    "ENVELOPE_MISMATCH",
    "UPLOADS_MANY",
}
OUTBOX_DAMAGED: Final = "OUTBOX_DAMAGED"


@dataclass(frozen=True, slots=True)
class Handover:
    """What a delivery could not do; what it could was told as it happened.

    Attributes:
        refused: dispatches that the ministry refused for good now.
        troubles: refusals of a request, not of a dispatch: those dispatches wait.
    """

    refused: tuple[Entry, ...]
    troubles: tuple[MinistryRefused, ...]


def settle_all(session: Session) -> None:
    """Settle numbers and outbox after commands that died, in the order that both agree on."""
    with session.state.exclusive(lambda: session.terminal.say("waiting")):
        settle(session.state)
        session.outbox.settle()


def deliver(session: Session, own: str | None = None) -> Handover:
    """Hand over everything that waits, the most urgent first, then the notes.

    Args:
        session: of this post.
        own: id of the dispatch whose end the caller will show by itself.

    Raises:
        Unreachable: the network is gone; what was not sent waits.
        Distrusted, Refusal: the ministry's answer does not hold; the dispatch waits.
        MinistryRefused: this post is not recognised.
    """
    settle_all(session)
    meet_ministry(session)
    refused: list[Entry] = []
    troubles: list[MinistryRefused] = []
    for entry in session.outbox.pending():
        with session.outbox.claim(entry.dispatch_id) as claim:
            if claim is None:
                session.terminal.say("taken_elsewhere", dispatch_id=entry.dispatch_id)
                continue
            if not claim.entry.pending:  # another command has just sent it
                continue
            try:
                end = _deliver_one(session, claim)
            except MinistryRefused as refusal:
                if _concerns_us(session, refusal):
                    raise
                troubles.append(refusal)
                continue
        if end.status is Status.REFUSED:
            refused.append(end)
        if end.dispatch_id != own:
            tell_end(session, end)
    announce_cancelled(session)
    post_notes(session)
    return Handover(tuple(refused), tuple(troubles))


def resume(session: Session) -> None:
    """Hand over what waits on the way to something else: only what concerns that is an error.

    Raises:
        Unreachable, Distrusted, Refusal, MinistryRefused: as `deliver`.
    """
    for refusal in deliver(session).troubles:
        session.terminal.tell(f"{refusal.code}: {refusal.words and refusal.words.cause}")


def tell_end(session: Session, entry: Entry) -> None:
    """Tell the end of a dispatch; typed again from now on, the same act is another one."""
    if entry.receipt is not None:
        statement = read_submitted_receipt(entry.receipt, session.pin.receipt_keys)
        session.terminal.say(
            "sent",
            dispatch_id=entry.dispatch_id,
            register=statement.register,
            numbers=numbers_of(signed_slip(entry)),
        )
    session.outbox.show(entry.dispatch_id)


def signed_slip(entry: Entry) -> Slip:
    """Return the slip of a dispatch in the outbox."""
    return read_head(entry.slip[LENGTH_BYTES:]).slip


def numbers_of(slip: Slip) -> str:
    """Return the numbers a dispatch bears, as people cite them: `MINREX 412, LOME 99`."""
    return ", ".join(
        f"{each.post} {each.series.number}" for each in slip.addressees if each.series is not None
    )


def post_notes(session: Session) -> None:
    """Post the small signed acts that wait.

    Raises:
        Unreachable, Distrusted, MinistryRefused: as `deliver`.
    """
    for note in session.outbox.pending_notes():
        try:
            session.ministry.post(note.path, note.body)
        except MinistryRefused as refusal:
            if _concerns_us(session, refusal):
                raise
            if _waits_for_another(note, refusal):
                continue
            session.outbox.note_refused(note.name, refusal.code)
            session.terminal.say("note_refused", note=note.name, code=refusal.code)
        else:
            session.outbox.note_posted(note.name)


def _waits_for_another(note: Note, refusal: MinistryRefused) -> bool:
    """Tell whether a restored ministry does not have again yet what this note is about."""
    since = clock.text(clock.now() - KEPT)
    return refusal.http_status == _GONE and note.posted_at is not None and note.posted_at > since


def announce_cancelled(session: Session) -> None:
    """Tell each addressee which numbers will never come, so that nobody chases them (ACP 127 ZFR).

    Each is told once: the note's name says which number it is about.
    """
    for number in _cancelled(session.state.numbers.entries()):
        series = SeriesReference(session.post, number.addressee, number.epoch, number.number)
        name = f"cancelled/{number.addressee}/{number.epoch}/{number.number}"
        queue_once(session, name, CANCELLED, to=number.addressee, series=series)


def queue_once(
    session: Session,
    name: str,
    kind: str,
    *,
    to: str,
    series: SeriesReference | None = None,
    dispatch_id: str | None = None,
) -> bool:
    """Let a routine service message wait, unless one of this name ever did."""
    if session.outbox.knows_note(name):
        return False
    now = clock.now()
    message = ServiceMessage(
        id=new_id(now),
        kind=kind,
        sender=session.post,
        sender_card=session.identity.card.fingerprint,
        to=to,
        precedence="ROUTINE",
        created=now.replace(microsecond=0),
        series=series,
        dispatch_id=dispatch_id,
    )
    return queue_service_message(session, name, message)


def queue_service_message(session: Session, name: str, message: ServiceMessage) -> bool:
    """Sign a service message and let it wait in the outbox; False when `name` already did."""
    body = make_service_message(
        message, lambda statement: session.identity.sign(SERVICE_MESSAGE, statement)
    )
    return session.outbox.post(Note(name, "/v1/service-messages", body))


def _cancelled(numbers: Iterable[Outgoing]) -> list[Outgoing]:
    return [number for number in numbers if number.status is NumberStatus.CANCELLED]


# -- one dispatch ------------------------------------------------------------------------------


def _deliver_one(session: Session, claim: Claim) -> Entry:
    """Hand over one dispatch and return its end: acknowledged, or refused for good."""
    entry = claim.entry
    try:
        if len(entry.slip) + entry.size <= ONE_REQUEST:
            with session.terminal.progress("sending", entry.size) as advance:
                receipt = session.ministry.submit(entry.slip, claim.file, entry.size, advance)
        else:
            receipt = _upload(session, claim)
    except MinistryRefused as refusal:
        concerns_us = _concerns_us(session, refusal)
        # What it had acknowledged before a restore is not refused for good: its number is out.
        code = None if concerns_us or entry.earlier else _final_code(claim, refusal)
        if code is None:
            raise
        _refuse(session, entry, code, refusal)
    else:
        statement = read_receipt(session, receipt)
        statement.require_for(signed_slip(entry))
        with LogBook(session.pins.folder) as book:
            book.hear(session.pin.headquarters, head_carried(receipt), entry.dispatch_id)
        session.outbox.acknowledge(entry.dispatch_id, receipt, statement.register)
    return session.outbox.entry(entry.dispatch_id)


def _final_code(claim: Claim, refusal: MinistryRefused) -> str | None:
    """Return the code under which a dispatch is refused for good, None when it only waits."""
    if refusal.code == "ENVELOPE_MISMATCH":
        # On the way, or on our own disk: only the second will never heal.
        claim.file.seek(0)
        if file_digest(claim.file, "sha256").hexdigest() != claim.entry.sha256:
            return OUTBOX_DAMAGED
        return None
    return None if refusal.code in _NOT_FINAL else refusal.code


def _concerns_us(session: Session, refusal: MinistryRefused) -> bool:
    """Tell whether the ministry does not recognise this post, whatever it would send.

    An addressee that is not in service is refused under the same name, and concerns one dispatch.
    """
    if refusal.http_status == _FORBIDDEN:
        return refusal.facts.get("post", session.post) == session.post
    return refusal.http_status == _UNAUTHENTICATED


def _refuse(session: Session, entry: Entry, code: str, refusal: MinistryRefused) -> None:
    # The number first: a crash between the two asks the ministry again, and it refuses again.
    session.state.numbers.cancel(entry.dispatch_id, code)
    session.outbox.refuse(entry.dispatch_id, code)
    words = refusal.words
    if code == OUTBOX_DAMAGED:
        words = explain(code, {"dispatch_id": entry.dispatch_id}, session.terminal.language)
    session.terminal.say(
        "refused_entry",
        dispatch_id=entry.dispatch_id,
        code=code,
        cause=words.cause if words else "",
        remedy=words.remedy if words else "",
    )


# -- large envelopes ---------------------------------------------------------------------------


def _upload(session: Session, claim: Claim) -> bytes:
    """Upload an envelope from wherever it stands, and return the ministry's receipt."""
    if claim.entry.upload is not None:
        receipt = _upload_at(session, claim, claim.entry.upload)
        if receipt is not None:
            return receipt
    opened = session.ministry.open_upload(claim.entry.slip)
    if isinstance(opened, bytes):
        return opened
    session.outbox.start_upload(claim.entry.dispatch_id, opened)
    receipt = _upload_at(session, claim, opened)
    if receipt is None:
        raise Unreachable("UPLOAD_FORGOTTEN", wait=None)
    return receipt


def _upload_at(session: Session, claim: Claim, address: str) -> bytes | None:
    """Upload at an address; None when the ministry forgot it without taking the dispatch over."""
    try:
        return _continue_upload(session, claim, address)
    except MinistryRefused as refusal:
        if refusal.http_status != _GONE:
            raise
    # The ministry has finished that upload and its answer was lost, or it forgot it.
    session.outbox.forget_upload(claim.entry.dispatch_id)
    return _receipt_already_given(session, claim.entry)


def _continue_upload(session: Session, claim: Claim, address: str) -> bytes:
    size = claim.entry.size
    failures, before = 0, -1
    with session.terminal.progress("sending", size) as advance:
        progress = _Progress(advance)
        while True:
            offset = session.ministry.upload_offset(address)
            progress.stand_at(offset)
            failures = failures + 1 if offset == before else 0
            before = offset
            span = range(offset, min(size, offset + SPAN))
            try:
                answer = session.ministry.upload(address, claim.file, span, size, progress.go)
            except Unreachable:
                if failures == _TRIES:
                    raise
            except MinistryRefused as refusal:
                if refusal.code not in _LOST_PLACE or failures == _TRIES:
                    raise
                sleep(_BUSY_PAUSE)
            else:
                if answer is not None:
                    return answer


class _Progress:
    """How far an upload is; a broken span takes back what it had shown."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._place = 0

    def go(self, count: int) -> None:
        self._place += count
        self._advance(count)

    def stand_at(self, offset: int) -> None:
        self.go(offset - self._place)


def _receipt_already_given(session: Session, entry: Entry) -> bytes | None:
    try:
        items = session.ministry.receipts(entry.dispatch_id).items
    except MinistryRefused as refusal:
        if refusal.http_status != _GONE:
            raise
        return None
    found = next((item.receipt for item in items if item.kind == "submitted"), None)
    return None if found is None else canonical_bytes(found)
