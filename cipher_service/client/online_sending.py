"""`chiffre send` and `chiffre outbox`: from a text to the ministry's receipt.

The steps, and what a kill at any of them leaves:

1. What an earlier command left is settled.
2. The same act that still waits is resumed instead of made again.
3. The dispatch is numbered and enciphered into the outbox.    kill: its numbers are cancelled
4. It enters, by one rename.                                   kill: any online command sends it
5. It is handed over, and the receipt verified and kept.       kill: likewise, with the same bytes
6. The receipt is shown.                                       kill: typed again, it is shown again
"""

import hmac
import io
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from hashlib import file_digest
from pathlib import Path
from sqlite3 import Error as SqliteError
from typing import Any, Final, cast

from cipher_service import clock
from cipher_service.client.drafting import Draft, attachment_paths, draft, read_card_file
from cipher_service.client.enciphering import encipher_numbered, opened_text, settle
from cipher_service.client.failures import Misused, Refused, Unavailable
from cipher_service.client.log_book import LogBook
from cipher_service.client.messages import phrase
from cipher_service.client.online_continuity import meet_ministry
from cipher_service.client.online_delivery import deliver, numbers_of, signed_slip
from cipher_service.client.online_pins import Pins
from cipher_service.client.online_prekeys import with_prekeys
from cipher_service.client.online_refusals import Unready
from cipher_service.client.online_session import Session, open_session
from cipher_service.client.outbox import Outbox
from cipher_service.client.outbox_entries import Entry, Status
from cipher_service.client.terminal import Terminal
from cipher_service.labels.scheme import default_scheme
from keys import canonical
from keys.cards import Card
from keys.dispatch import Enciphered
from keys.identity import Identity
from keys.manifest import COPY
from keys.receipts import read_submitted_receipt
from keys.records import POST
from keys.signing import SLIP
from keys.slip_agreement import slip_for
from keys.slips import sign_slip
from keys.succession import KeyLine

_MARK_KEY: Final = b"chiffre outbox mark\0"


def send(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre send`."""
    if arguments.pending:
        _send_pending(arguments, terminal)
        return
    if not arguments.to or arguments.level is None or arguments.file is None:
        raise Misused("SEND_INCOMPLETE")
    with open_session(arguments, terminal) as session:
        hand_over(session, _queue(session, arguments))


def hand_over(session: Session, entry: Entry) -> None:
    """Deliver what waits, and show the end of this dispatch.

    Raises:
        Refused: DISPATCHES_REFUSED.
        Unavailable: SENT_ELSEWHERE.
        Unreachable, MinistryRefused, Distrusted, Refusal: as `deliver`; the dispatch waits.
    """
    try:
        handover = deliver(session, own=entry.dispatch_id)
    finally:
        entry = session.outbox.entry(entry.dispatch_id)
        if entry.pending:
            numbers = numbers_of(signed_slip(entry))
            session.terminal.say("queued", dispatch_id=entry.dispatch_id, numbers=numbers)
    _end(session, entry)
    if entry.pending and handover.troubles:
        raise handover.troubles[0]
    if entry.pending:
        raise Unavailable("SENT_ELSEWHERE", dispatch_id=entry.dispatch_id)


def show_outbox(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre outbox`: what entered and where each stands. Nothing is sent."""
    folder = Path(arguments.identity)
    keys = Pins(folder).ministry().receipt_keys
    with Outbox(folder) as outbox:
        entries = outbox.entries()
    if terminal.as_json:
        terminal.show_json([entry_record(entry, keys) for entry in entries])
        return
    if not entries:
        terminal.say("outbox_empty")
    for entry in entries:
        end = entry.refusal or _register(entry, keys) or ""
        numbers = numbers_of(signed_slip(entry))
        status = phrase(f"outbox_{entry.status}", terminal.language)
        terminal.show(f"{entry.dispatch_id}  {status:<16}  {numbers}  {end}".rstrip())


def entry_record(entry: Entry, keys: KeyLine) -> dict[str, Any]:
    """Return what a script reads of a dispatch in the outbox."""
    slip = signed_slip(entry)
    return {
        "id": entry.dispatch_id,
        "status": entry.status.value,
        "queued_at": entry.queued_at,
        "register": _register(entry, keys),
        "refusal": entry.refusal,
        "registers_before": [read_submitted_receipt(each, keys).register for each in entry.earlier],
        "envelope": {"sha256": entry.sha256, "size": entry.size},
        "numbers": [
            {"post": each.post, "epoch": each.series.epoch, "number": each.series.number}
            for each in slip.addressees
            if each.series is not None
        ],
    }


def _register(entry: Entry, keys: KeyLine) -> str | None:
    if entry.receipt is None:
        return None
    return read_submitted_receipt(entry.receipt, keys).register


def _send_pending(arguments: Namespace, terminal: Terminal) -> None:
    with open_session(arguments, terminal) as session:
        meet_ministry(session)
        waiting = [entry.dispatch_id for entry in session.outbox.pending()]
        if not waiting:
            terminal.say("nothing_pending")
        handover = deliver(session)
        if terminal.as_json:
            terminal.show_json(
                [
                    entry_record(session.outbox.entry(each), session.pin.receipt_keys)
                    for each in waiting
                ]
            )
        if handover.refused:
            raise _refused(handover.refused)
        if handover.troubles:
            raise handover.troubles[0]


def _end(session: Session, entry: Entry) -> None:
    """Show the end of the dispatch that was typed, then let the same words mean another one."""
    if entry.pending:
        return
    record = entry_record(entry, session.pin.receipt_keys)
    if session.terminal.as_json and entry.status is Status.ACKNOWLEDGED:
        session.terminal.show_json(record)
    elif entry.status is Status.ACKNOWLEDGED:
        session.terminal.show(
            phrase(
                "sent",
                session.terminal.language,
                dispatch_id=entry.dispatch_id,
                register=record["register"],
                numbers=numbers_of(signed_slip(entry)),
            )
        )
    session.outbox.show(entry.dispatch_id)
    if entry.status is Status.REFUSED:
        raise _refused([entry])


def _refused(entries: Sequence[Entry]) -> Refused:
    listed = ", ".join(f"{entry.dispatch_id} ({entry.refusal})" for entry in entries)
    return Refused("DISPATCHES_REFUSED", listed=listed)


# -- into the outbox ---------------------------------------------------------------------------


def _queue(session: Session, arguments: Namespace) -> Entry:
    """Number, encipher and let enter; or find the same act that entered before."""
    folder = Path(arguments.identity)
    attachments = attachment_paths(arguments.attach)
    with LogBook(folder) as book:
        decided = draft(
            arguments,
            session.identity.card,
            lambda given: _find_card(session.pins, given),
            book.carried(),
        )
    terminal, state, outbox = session.terminal, session.state, session.outbox
    with (
        opened_text(arguments.file, folder) as text,
        state.exclusive(lambda: terminal.say("waiting")),
    ):
        settle(state)
        outbox.settle()
        mark = _mark(session.identity, decided, text, attachments)
        same = None if arguments.again else outbox.find_unshown(mark)
        if same is not None:
            terminal.say("resumed_same", dispatch_id=same.dispatch_id)
            return same
        decided = with_prekeys(session, decided)
        partial = outbox.partial(decided.heading.id)
        enciphered = encipher_numbered(
            decided,
            text,
            attachments,
            identity=session.identity,
            state=state,
            partial=partial,
            terminal=terminal,
        )
        try:
            _draft(session, decided, enciphered, mark)
        except BaseException:
            # What cannot be undone here, the next command undoes.
            with suppress(OSError, SqliteError):
                partial.unlink(missing_ok=True)
                state.numbers.cancel(decided.heading.id, "interrupted")
            raise
        entry = outbox.enter(decided.heading.id)
        state.numbers.issue(decided.heading.id, enciphered.manifest_hash)
    return entry


def _draft(session: Session, decided: Draft, enciphered: Enciphered, mark: str) -> None:
    """Sign the slip of the finished envelope, and record what will be submitted with it."""
    with session.outbox.partial(decided.heading.id).open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    slip = sign_slip(
        slip_for(enciphered.manifest, envelope_sha256=digest, envelope_size=enciphered.size),
        lambda statement: session.identity.signing_key.sign_ed25519(SLIP, statement),
    )
    session.outbox.draft(
        decided.heading.id,
        slip=slip.head,
        mark=mark,
        urgency=_urgency(decided),
        sha256=digest,
        size=enciphered.size,
    )


def _find_card(pins: Pins, given: str) -> Card:
    """Return the card meant: the confirmed one of a post, else that of a file as it was typed."""
    if POST.fullmatch(given) is not None:
        card = pins.current(given)
        if card is not None:
            return card
        if not Path(given).is_file():
            raise Unready("CARD_UNKNOWN", post=given)
    return read_card_file(given)


def _urgency(decided: Draft) -> int:
    scheme = default_scheme()
    return max(scheme.precedence(each.precedence).rank for each in decided.destinations)


def _mark(
    identity: Identity, decided: Draft, text: io.RawIOBase, attachments: Sequence[Path]
) -> str:
    """Return what recognises the same act of sending, typed again.

    Keyed by the post's secret: whoever reads the outbox alone cannot test guesses of a text.
    """
    heading = decided.heading
    contents: list[str | list[str]] = [_digest(text)]
    for path in attachments:
        with path.open("rb", buffering=0) as file:
            contents.append([path.name, _digest(file)])
    act = canonical.encode(
        {
            "kind": heading.kind,
            "label": asdict(heading.label),
            "expires": None if heading.expires is None else clock.text(heading.expires),
            "subject": heading.subject,
            "references": heading.references,
            "in_reply_to": heading.in_reply_to,
            "destinations": [
                [each.card.fingerprint, each.role, each.precedence, each.delivery]
                for each in decided.destinations
                if each.role != COPY
            ],
            "contents": contents,
        }
    )
    return hmac.digest(_MARK_KEY + identity.age_identity.encode(), act, "sha256").hex()


def _digest(file: io.RawIOBase) -> str:
    file.seek(0)
    # A raw file is what file_digest reads fastest; its type asks for less than it needs.
    return file_digest(cast("io.BufferedReader", file), "sha256").hexdigest()
