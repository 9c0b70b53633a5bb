"""`chiffre receipt`: everything that proves what became of a dispatch, verified one by one.

The order of what is checked for each receipt:

1. the ministry's: the pinned service key, and that it is the receipt of this very slip;
2. a post's: the post is an addressee, the envelope is the slip's, and both signatures are those of
   a card that is confirmed here. A card that is not is said so: the receipt is shown, unverified.

With `--out` the ministry's receipt that the outbox keeps is written out: what a restore is given so
that its number is not given again (`cipher-service restore --receipt`).
"""

from argparse import Namespace
from pathlib import Path
from typing import Any

from cipher_service import clock
from cipher_service.client.copies import require_new
from cipher_service.client.durable import write_durably
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.log_book import LogBook
from cipher_service.client.messages import phrase
from cipher_service.client.online_delivery import resume, signed_slip
from cipher_service.client.online_log import watched_aside
from cipher_service.client.online_refusals import Distrusted, Unreachable
from cipher_service.client.online_service_keys import read_receipt
from cipher_service.client.online_session import Session, open_session
from cipher_service.client.online_slips import slip_of
from cipher_service.client.sdk import canonical_bytes
from cipher_service.client.terminal import Terminal
from cipher_service.wire.dispatches import ReceiptItem
from keys.errors import Refusal
from keys.post_receipts import parse_post_receipt, read_post_receipt
from keys.receipts import ReceiptOfAnother, head_carried
from keys.records import ULID
from keys.slips import Slip


def receipt(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre receipt`."""
    dispatch_id = arguments.id
    if ULID.fullmatch(dispatch_id) is None:
        raise Misused("ID_MALFORMED", given=dispatch_id[:80])
    with open_session(arguments, terminal) as session:
        if arguments.out is not None:
            _write_kept(session, dispatch_id, Path(arguments.out))
            return
        try:
            resume(session)
            items = session.ministry.receipts(dispatch_id).items
            slip = _slip(session, dispatch_id)
        except Unreachable:
            _show_kept(session, dispatch_id)
            raise
        judged = [_judge(session, slip, item) for item in items]
        contradicted = watched_aside(session)
    _show(terminal, dispatch_id, judged)
    unsound = [each for each in judged if "refusal" in each]
    if unsound:
        listed = ", ".join(f"{each['post'] or '-'} {each['refusal']}" for each in unsound)
        raise Refused(
            "RECEIPTS_UNSOUND", dispatch_id=dispatch_id, count=len(unsound), listed=listed
        )
    if contradicted is not None:
        raise contradicted


def _write_kept(session: Session, dispatch_id: str, out: Path) -> None:
    entry = session.outbox.find(dispatch_id)
    if entry is None or entry.receipt is None:
        raise Refused("RECEIPT_NOT_KEPT", dispatch_id=dispatch_id)
    register = _judge_ministry(session, signed_slip(entry), entry.receipt)["register"]
    require_new(out)
    write_durably(out, entry.receipt)
    if session.terminal.as_json:
        session.terminal.show_json({"register": register, "path": str(out)})
        return
    line = phrase("receipt_written", session.terminal.language, register=register, path=str(out))
    session.terminal.show(line)


def _slip(session: Session, dispatch_id: str) -> Slip:
    """Return the slip that receipts are held against: one's own, else what the ministry gives."""
    entry = session.outbox.find(dispatch_id)
    return signed_slip(entry) if entry is not None else slip_of(session, dispatch_id)


def _judge(session: Session, slip: Slip, item: ReceiptItem) -> dict[str, Any]:
    data = canonical_bytes(item.receipt)
    record: dict[str, Any] = {"kind": item.kind, "post": item.post, "verified": False}
    try:
        if item.kind == "submitted":
            record |= _judge_ministry(session, slip, data)
        else:
            record |= _judge_post(session, slip, item, data)
    except (Refusal, Distrusted) as refusal:
        record["refusal"] = refusal.code
    return record


def _judge_ministry(session: Session, slip: Slip, data: bytes) -> dict[str, Any]:
    statement = read_receipt(session, data)
    statement.require_for(slip)
    with LogBook(session.pins.folder) as book:
        book.hear(session.pin.headquarters, head_carried(data), statement.dispatch_id)
    return {
        "verified": True,
        "register": statement.register,
        "at": clock.text(statement.received_at),
    }


def _judge_post(session: Session, slip: Slip, item: ReceiptItem, data: bytes) -> dict[str, Any]:
    stated, _ = parse_post_receipt(data)
    if (
        (stated.post, stated.kind) != (item.post, item.kind)
        or (stated.dispatch_id, stated.envelope_sha256) != (slip.dispatch_id, slip.envelope_sha256)
        or stated.post not in {entry.post for entry in slip.addressees}
    ):
        raise ReceiptOfAnother("the receipt is of another post, dispatch or envelope")
    own = session.identity.card
    card = own if stated.card == own.fingerprint else session.pins.find(stated.card)
    if card is not None:
        read_post_receipt(data, card)
        with LogBook(session.pins.folder) as book:
            book.hear(stated.post, stated.checkpoint, stated.dispatch_id)
    return {
        "verified": card is not None,
        "at": clock.text(stated.at),
        "reason": stated.reason,
        "manifest_hash": stated.manifest_hash,
    }


def _show_kept(session: Session, dispatch_id: str) -> None:
    """Without a line, show the ministry's receipt that the outbox keeps."""
    entry = session.outbox.find(dispatch_id)
    if entry is None or entry.receipt is None or session.terminal.as_json:
        return
    record = _judge_ministry(session, signed_slip(entry), entry.receipt)
    session.terminal.say("receipt_stored_only")
    _show(session.terminal, dispatch_id, [{"kind": "submitted", "post": None, **record}])


def _show(terminal: Terminal, dispatch_id: str, judged: list[dict[str, Any]]) -> None:
    if terminal.as_json:
        terminal.show_json({"id": dispatch_id, "receipts": judged})
        return
    if not judged:
        terminal.say("no_receipts")
    for each in judged:
        standing = each.get("refusal") or phrase(
            "verified" if each["verified"] else "unverified", terminal.language
        )
        about = each.get("register") or each.get("reason") or ""
        post = each["post"] or phrase("the_ministry", terminal.language)
        line = f"{each.get('at', '-'):<20}  {each['kind']:<10}  {post:<16}  {about:<14}  {standing}"
        terminal.show(line)
