"""The acts on dispatches. Each runs inside its caller's unit of work and never commits.

The registrar runs them as commands (`commands`), administration may run them directly. What a post
signed is verified before, in `judge` functions that need no writing connection.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from cipher_service import clock
from cipher_service.directory.register import Directory
from cipher_service.dispatches import repository, rules
from cipher_service.dispatches.submission import Line, Submission
from cipher_service.errors import ServiceError
from cipher_service.references import register_number
from cipher_service.storage import counters
from cipher_service.storage.batch import NotTogether
from cipher_service.storage.tables import dispatches as tables
from keys.receipts import Submitted


@dataclass(frozen=True, slots=True)
class Recorded:
    """What `submit` did; `sealing` turns it into the origin's receipt before the COMMIT.

    Attributes:
        seq: order of arrival.
        statement: what the ministry will state.
        created: False when the very same submission was recorded before.
        receipt: the receipt given then; None for a new one.
    """

    seq: int
    statement: Submitted
    created: bool
    receipt: bytes | None


def submit(
    connection: Connection,
    submission: Submission,
    body: bytes | None,
    *,
    directory: Directory,
    service: str,
    stored: Callable[[str], int | None],
    now: datetime,
) -> Recorded:
    """Record a submission under the next register number, or find that it is recorded already.

    Args:
        connection: inside a unit of work.
        submission: judged (`submission.judge`).
        body: the envelope if small, its hash verified; None when the blob store holds it.
        directory: as this transaction sees it.
        service: fingerprint of the key that will sign the receipt.
        stored: the blob store's `size`.
        now: when it was received.

    Raises:
        ServiceError: UNKNOWN_POST, POST_NOT_ACTIVE, CARD_NOT_CURRENT, ADDRESSEE_CARD_NOT_CURRENT,
            ENVELOPE_MISMATCH, DUPLICATE_ID (another content under this id), DUPLICATE_NUMBER,
            NUMBER_CANCELLED. Nothing is then left: the register number is given back.
    """
    now = now.replace(microsecond=0)
    at = clock.text(now)
    counter = f"register/{now.year}"
    # First of all: whoever holds this row is the only one recording, also on PostgreSQL.
    number = counters.advance(connection, counter)
    seq = repository.insert_dispatch(connection, submission, year=now.year, number=number, at=at)
    if seq is None:
        counters.give_back(connection, counter)
        return _repeated(connection, submission, service)
    _check_posts(submission, directory)
    _check_held(submission, body, stored)
    repository.insert_envelope(connection, seq, submission, body)
    refused = repository.insert_lines(connection, seq, submission, at)
    if refused is not None:
        raise _number_refusal(connection, submission, refused)
    register = register_number(now.year, number)
    return Recorded(seq, _statement(submission, register, now, service), created=True, receipt=None)


def submit_together(
    connection: Connection,
    submissions: Sequence[tuple[Submission, bytes | None]],
    *,
    directory: Directory,
    service: str,
    stored: Callable[[str], int | None],
    now: datetime,
) -> list[Recorded]:
    """Record several new submissions, a statement for each table instead of one for each of them.

    Args:
        connection: inside a unit of work.
        submissions: each with its envelope, as for `submit`.
        directory: as there.
        service: as there.
        stored: as there.
        now: as there.

    Raises:
        ServiceError: as `submit`.
        NotTogether: an id is known, or a number is taken or cancelled; `submit` says which and why.
            The caller undoes what was written.
    """
    now = now.replace(microsecond=0)
    for submission, body in submissions:
        _check_posts(submission, directory)
        _check_held(submission, body, stored)
    last = counters.advance(connection, f"register/{now.year}", len(submissions))
    first = last - len(submissions) + 1
    at = clock.text(now)
    seqs = repository.insert_together(connection, submissions, year=now.year, first=first, at=at)
    if seqs is None:
        raise NotTogether
    return [
        Recorded(
            seq,
            _statement(submission, register_number(now.year, number), now, service),
            created=True,
            receipt=None,
        )
        for (submission, _), seq, number in zip(
            submissions, seqs, range(first, last + 1), strict=True
        )
    ]


def dispatch_for(connection: Connection, caller: str, dispatch_id: str) -> tuple[int, str]:
    """Return (order of arrival, envelope hash) of a dispatch that is addressed to the caller.

    Raises:
        ServiceError: NOT_FOUND, also when it exists but not for the caller.
    """
    row = connection.execute(
        select(tables.dispatch.c.seq, tables.dispatch.c.sha256)
        .join(tables.addressee, tables.addressee.c.dispatch == tables.dispatch.c.seq)
        .where(
            tables.dispatch.c.dispatch_id == dispatch_id,
            tables.addressee.c.post == caller,
            tables.addressee.c.role != "copy",
        )
    ).one_or_none()
    if row is None:
        raise ServiceError("NOT_FOUND")
    return int(row.seq), str(row.sha256)


def mark_fetched(connection: Connection, caller: str, dispatch_id: str, now: datetime) -> None:
    """Note that an addressee has taken the whole envelope. Raises ServiceError NOT_FOUND."""
    seq, _ = dispatch_for(connection, caller, dispatch_id)
    repository.advance_line(connection, seq, caller, rules.FETCHED, now)


def _check_posts(submission: Submission, directory: Directory) -> None:
    directory.active_post(submission.origin)
    card = directory.cards.get(submission.origin_card)
    if card is None or card.post != submission.origin or card.state != "active":
        raise ServiceError(
            "CARD_NOT_CURRENT", post=submission.origin, fingerprint=submission.origin_card
        )
    for line in submission.lines:
        directory.active_post(line.post)
        theirs = directory.cards.get(line.fingerprint)
        # A superseded card still opens: its holder keeps the archive key. A withdrawn one is
        # doubted, and nothing more goes to it.
        usable = theirs is not None and theirs.state in ("active", "superseded")
        if theirs is None or theirs.post != line.post or not usable:
            raise ServiceError(
                "ADDRESSEE_CARD_NOT_CURRENT", post=line.post, fingerprint=line.fingerprint
            )


def _check_held(
    submission: Submission, body: bytes | None, stored: Callable[[str], int | None]
) -> None:
    held = stored(submission.sha256) if body is None else len(body)
    if held != submission.size:
        raise ServiceError("ENVELOPE_MISMATCH", dispatch_id=submission.dispatch_id)


def _repeated(connection: Connection, submission: Submission, service: str) -> Recorded:
    known = repository.known_dispatch(connection, submission.dispatch_id)
    if known is None or known.slip != submission.slip:
        raise ServiceError("DUPLICATE_ID", dispatch_id=submission.dispatch_id)
    register = register_number(known.register_year, known.register_number)
    received = clock.parse(known.received_at)
    statement = _statement(submission, register, received, service)
    return Recorded(known.seq, statement, created=False, receipt=known.receipt)


def _statement(
    submission: Submission, register: str, received: datetime, service: str
) -> Submitted:
    return Submitted(
        dispatch_id=submission.dispatch_id,
        origin=submission.origin,
        register=register,
        received_at=received,
        envelope_sha256=submission.sha256,
        envelope_size=submission.size,
        addressees=tuple(line.post for line in submission.lines),
        service=service,
    )


def _number_refusal(connection: Connection, submission: Submission, line: Line) -> ServiceError:
    facts: dict[str, str | int] = {
        "post": line.post,
        "epoch": line.epoch or 0,
        "number": line.number or 0,
    }
    holder = repository.holder_of_number(connection, submission.origin, line)
    if holder is None:
        return ServiceError("NUMBER_CANCELLED", **facts)
    return ServiceError("DUPLICATE_NUMBER", dispatch_id=holder, **facts)
