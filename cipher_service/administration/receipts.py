"""`cipher-service bureau receipts`: what became of a dispatch, each receipt verified again."""

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from cipher_service import clock
from cipher_service.administration.installation import opened, receipt_keys
from cipher_service.administration.words import Speaker, phrase
from cipher_service.client.failures import Refused
from cipher_service.client.lines import date_text
from cipher_service.client.terminal import Terminal
from cipher_service.directory.register import Directory, read_directory
from cipher_service.dispatches.lists import ReceiptRecord, dispatch_of, receipts_of
from cipher_service.storage.unit_of_work import reading
from keys.errors import Refusal
from keys.post_receipts import parse_post_receipt, read_post_receipt
from keys.receipts import ReceiptOfAnother, read_submitted_receipt
from keys.slips import Slip
from keys.succession import KeyLine


def receipts(arguments: Namespace, terminal: Terminal) -> None:
    """Show the receipts of a dispatch that headquarters sent or was sent.

    Raises:
        ServiceError: NOT_FOUND.
        Refused: RECEIPTS_UNSOUND: a receipt does not hold; all are shown before.
    """
    dispatch_id = arguments.dispatch
    with opened(arguments) as installation:
        own = installation.settings.headquarters
        with reading(installation.engine) as connection:
            slip = Slip.parse(dispatch_of(connection, own, dispatch_id).slip)
            records = receipts_of(connection, own, dispatch_id)
            directory = read_directory(connection)
        key = receipt_keys(installation)
    judged = [_judge(record, slip, directory, key) for record in records]
    _show(terminal, dispatch_id, judged)
    unsound = [each for each in judged if each["refusal"] is not None]
    if unsound:
        raise Refused("RECEIPTS_UNSOUND", count=len(unsound))


def _judge(record: ReceiptRecord, slip: Slip, directory: Directory, key: KeyLine) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "kind": record.kind,
        "post": record.post,
        "at": record.recorded_at,
        "register": None,
        "reason": None,
        "refusal": None,
    }
    try:
        if record.post is None:
            statement = read_submitted_receipt(record.body, key)
            statement.require_for(slip)
            return shown | {"register": statement.register}
        return shown | _judge_post(record, slip, directory)
    except Refusal as refusal:
        return shown | {"refusal": refusal.code}


def _judge_post(record: ReceiptRecord, slip: Slip, directory: Directory) -> dict[str, Any]:
    stated, _ = parse_post_receipt(record.body)
    found = directory.cards.get(stated.card)
    if (
        found is None
        or (stated.post, stated.kind) != (record.post, record.kind)
        or (stated.dispatch_id, stated.envelope_sha256) != (slip.dispatch_id, slip.envelope_sha256)
    ):
        raise ReceiptOfAnother("the receipt is of another post, dispatch or envelope")
    read_post_receipt(record.body, found.card)
    return {"at": clock.text(stated.at), "reason": stated.reason}


def _show(terminal: Terminal, dispatch_id: str, judged: Sequence[dict[str, Any]]) -> None:
    if terminal.as_json:
        terminal.show_json({"id": dispatch_id, "receipts": list(judged)})
        return
    speaker = Speaker(terminal)
    for each in judged:
        speaker.show(
            "receipt_line" if each["refusal"] is None else "receipt_line_unsound",
            date=date_text(clock.parse(each["at"]), terminal.language),
            kind=phrase(f"receipt_{each['kind']}", terminal.language),
            post=each["post"] or phrase("the_ministry", terminal.language),
            about=each["refusal"] or each["register"] or each["reason"] or "",
        )
