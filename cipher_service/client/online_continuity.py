"""The ministry restored from a backup: what it lost is handed in again, by itself.

A restore opens the log under another name. A post that meets it knows by its receipts which
register numbers it was given, and the ministry says from which number on they are cancelled: what
was acknowledged under those is lost there, and kept here. The order, and what a kill leaves:

1. The ministry is asked how it stands.
2. A number that was given beyond the cancelled ones is proved by its receipt, so that nobody is
   given it again.                                                  kill: asked again
3. What was lost waits again, in one commit that also remembers the new log.
                                                                    kill: sent by the next command
Nothing of it needs belief: what is sent again the ministry has seen before, and it takes what it
still has as the same. Only a backup's reach is believed, by the log's proof under the keys that are
pinned here: it lets envelopes go.
"""

from collections.abc import Sequence
from typing import Final

from cipher_service.client.log_book import LogBook
from cipher_service.client.online_refusals import MinistryRefused
from cipher_service.client.online_session import Session
from cipher_service.client.outbox_entries import Entry, Standing, Status
from cipher_service.client.sdk import Ministry, canonical_bytes
from cipher_service.client.terminal import Terminal
from cipher_service.references import parse_register_number, register_number
from cipher_service.wire.continuity import BackupReach
from keys import canonical
from keys.errors import Refusal
from keys.log.leaves import commit
from keys.log.proofs import LogProof

BACKED_UP: Final = "backup_reach"
_DONE: Final = "done"
_GONE: Final = 404

Cancelled = tuple[int, int, int]
"""Year, first and last of numbers that no dispatch will ever bear."""


def meet_ministry(session: Session) -> None:
    """Ask how the ministry stands, and let what it lost wait again.

    Nothing is asked while there is nothing that it could have lost.

    Raises:
        Unreachable, Distrusted, MinistryRefused: as every request.
    """
    known = session.outbox.standing()
    acknowledged = [
        entry for entry in session.outbox.entries() if entry.status is Status.ACKNOWLEDGED
    ]
    if known is not None and not acknowledged:
        return
    try:
        told = session.ministry.continuity()
    except MinistryRefused as refusal:
        if refusal.http_status == _GONE:  # a release of before
            return
        raise
    cancelled = tuple((each.year, each.first, each.last) for each in told.cancelled)
    same = known is not None and known.log == told.log
    covered = _covered(session, told.backup) or (known.covered if known and same else None)
    standing = Standing(told.log, cancelled, covered)
    if same or (known is None and not cancelled):
        if standing != known:
            session.outbox.meet(standing)
        return
    prove(session.ministry, session.terminal, acknowledged, cancelled)
    _begin_again(session, standing, lost_of(acknowledged, known, cancelled))


def _begin_again(session: Session, standing: Standing, lost: list[Entry]) -> None:
    here = [each for each in lost if session.outbox.envelope(each.dispatch_id).exists()]
    session.outbox.begin_again(standing, [each.dispatch_id for each in here])
    session.terminal.say("ministry_restored", log=standing.log, count=len(here))
    for each in lost:
        if each not in here:
            session.terminal.say("envelope_gone", dispatch_id=each.dispatch_id)


def lost_of(
    entries: Sequence[Entry], known: Standing | None, cancelled: tuple[Cancelled, ...]
) -> list[Entry]:
    """Choose what a restored ministry does not have any more, as far as it says.

    Where an edition of before did not note the number, the dispatch is sent again to be sure.

    Args:
        entries: acknowledged.
        known: the ministry as it was before the restore; None when it is met for the first time.
        cancelled: every run of numbers that it counts as cancelled now.
    """
    if known is None:
        return [entry for entry in entries if entry.register is None]
    new = tuple(each for each in cancelled if each not in known.cancelled) or cancelled
    firsts = {year: first for year, first, _ in reversed(new)}
    return [entry for entry in entries if _is_from(entry.register, firsts)]


def _is_from(register: str | None, firsts: dict[int, int]) -> bool:
    if register is None:
        return True
    year, number = parse_register_number(register)
    # A year that the backup knows nothing of had not begun when it was made.
    return number >= firsts.get(year, 1) and year >= min(firsts, default=year)


def prove(
    ministry: Ministry,
    terminal: Terminal,
    entries: Sequence[Entry],
    cancelled: tuple[Cancelled, ...],
) -> None:
    """Show the receipt of the highest number, where it is beyond what the ministry cancelled.

    A receipt that it does not accept is told, and keeps nothing from leaving.
    """
    proofs = {
        parse_register_number(each.register): each.receipt
        for each in entries
        if each.register is not None and each.receipt is not None
    }
    ends = [(year, last) for year, _, last in cancelled]
    if not proofs or max(proofs) <= max(ends, default=(0, 0)):
        return
    highest = max(proofs)
    try:
        ministry.prove_number(proofs[highest])
    except MinistryRefused as refusal:
        register = register_number(*highest)
        terminal.say("proof_refused", register=register, code=refusal.code)


def _covered(session: Session, backup: BackupReach | None) -> str | None:
    """Return how far the backup reaches, when the log that is believed here says so."""
    with LogBook(session.pins.folder) as book:
        pin = book.pin()
    if backup is None or pin is None:
        return None
    try:
        record = canonical_bytes(backup.record)
        proof = LogProof.parse(backup.proof.encode())
        proof.verify(commit(record, canonical.bytes_from_text(backup.salt)), pin.notes)
        pin.read(proof.note)
        register = str(backup.record.get("resource"))
        parse_register_number(register)
    except (Refusal, ValueError):
        return None  # a log that is not believed, or not yet: envelopes are kept the longer
    said = (backup.record.get("action"), backup.record.get("outcome"))
    return register if said == (BACKED_UP, _DONE) else None
