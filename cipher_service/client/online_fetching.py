"""`chiffre fetch`: brings envelopes to this post, gives receipts for them, deciphers them.

An envelope is checked against the slip that its origin signed before it takes its name
(`online_downloads`); only then is the delivered receipt made, which waits in the outbox until the
ministry has it. What deciphering refuses because of the envelope itself is reported to the origin
by a refused receipt; what is lacking on this side (a card not confirmed yet, a disk) is not.
"""

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cipher_service.client.deciphering import Published, Trust, decipher_into
from cipher_service.client.failures import Failure, Misused, Refused
from cipher_service.client.messages import Explanation, explain
from cipher_service.client.online_chase import chase_missing
from cipher_service.client.online_delivery import post_notes, queue_once, resume
from cipher_service.client.online_downloads import download
from cipher_service.client.online_inbox import OPEN, every_item, tell_missing, under_way
from cipher_service.client.online_log import watched_aside
from cipher_service.client.online_prekeys import learn_burnt, warn_when_low
from cipher_service.client.online_refusals import Distrusted, MinistryRefused, Unready
from cipher_service.client.online_resending import resend_asked
from cipher_service.client.online_session import Session, open_session
from cipher_service.client.online_slips import cards_of, every_card, slip_of
from cipher_service.client.receipting import give_receipt
from cipher_service.client.terminal import Terminal
from keys.errors import Refusal
from keys.post_receipts import DECIPHERED, DELIVERED, REFUSED
from keys.prekeys import PrekeyBurnt, PrekeyUsed
from keys.records import ULID
from keys.service_messages import REPEAT_REQUEST
from keys.slip_agreement import SlipMismatch, require_same
from keys.slips import Slip

# What this post lacks, not what the envelope is: no receipt accuses the origin of it.
_OUR_OWN: Final = frozenset({"UNKNOWN_SENDER", "KEY_RETIRED", "CARD_INVALID"})

# What its origin sends again by itself, under the edition key.
_SEND_AGAIN: Final = frozenset({PrekeyUsed.code, PrekeyBurnt.code})


@dataclass(frozen=True, slots=True)
class _Failed:
    """An envelope that was not fetched or not deciphered, with its reason."""

    dispatch_id: str
    error: Failure | Refusal


def fetch(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre fetch`."""
    if bool(arguments.ids) == arguments.all:
        raise Misused("FETCH_UNCLEAR")
    for given in arguments.ids:
        if ULID.fullmatch(given) is None:
            raise Misused("ID_MALFORMED", given=given[:80])
    out = Path(arguments.out)
    with open_session(arguments, terminal) as session:
        resume(session)
        learn_burnt(session)
        wanted = list(dict.fromkeys(arguments.ids)) or _new_ids(session)
        if not wanted:
            terminal.say("nothing_to_fetch")
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        records, failed = _fetch_each(session, wanted, out, decipher=arguments.decipher)
        post_notes(session)
        resend_asked(session)
        warn_when_low(session)
        if arguments.chase:
            chase_missing(session)
        elif arguments.decipher:
            tell_missing(session, under_way(session))
        contradicted = watched_aside(session)
    if terminal.as_json and not (failed and len(wanted) == 1):
        terminal.show_json(records)
    if failed:
        raise _failure(failed, len(wanted))
    if contradicted is not None:
        raise contradicted


def _new_ids(session: Session) -> list[str]:
    # The whole list first: receipts given on the way would change what the next page is.
    items = list(every_item(session, OPEN))
    return [item.dispatch_id for item in items if item.origin != session.post]


def _fetch_each(
    session: Session, wanted: list[str], out: Path, *, decipher: bool
) -> tuple[list[dict[str, Any]], list[_Failed]]:
    """Go through the envelopes; one that is refused does not keep the others waiting."""
    records: list[dict[str, Any]] = []
    failed: list[_Failed] = []
    for dispatch_id in wanted:
        record: dict[str, Any] = {"id": dispatch_id, "status": "refused"}
        records.append(record)
        try:
            _fetch_one(session, out, record, decipher=decipher)
        except (Distrusted, MinistryRefused, Unready, Refusal) as error:
            record["refusal"] = error.code
            failed.append(_Failed(dispatch_id, error))
            if len(wanted) > 1:
                words = _words(session.terminal, error)
                session.terminal.say(
                    "decipher_refused", dispatch_id=dispatch_id, code=error.code, cause=words.cause
                )
    return records, failed


def _fetch_one(session: Session, out: Path, record: dict[str, Any], *, decipher: bool) -> None:
    dispatch_id = record["id"]
    slip = slip_of(session, dispatch_id)
    path = out / f"{dispatch_id}.age"
    fresh = download(session, slip, path)
    record |= {"status": "fetched", "origin": slip.origin, "file": str(path)}
    _give_receipt(session, slip, DELIVERED)
    if not (session.terminal.as_json or decipher):
        session.terminal.say(
            "fetched" if fresh else "fetched_before",
            dispatch_id=dispatch_id,
            origin=slip.origin,
            path=str(path),
        )
    if decipher:
        record["status"] = "refused"
        folder = out / dispatch_id
        _decipher(session, slip, path, folder)
        record |= {"status": "deciphered", "folder": str(folder)}
        if not session.terminal.as_json:
            session.terminal.show(f"{dispatch_id}  {slip.origin}  {folder}")


def _decipher(session: Session, slip: Slip, path: Path, folder: Path) -> None:
    """Decipher an envelope and report how it went."""
    if folder.is_dir() and any(folder.iterdir()):
        # Deciphered by an earlier command, which may have died before it could say so.
        session.terminal.say("deciphered_before", path=str(folder))
        return
    try:
        published = decipher_into(
            path,
            folder,
            identity=session.identity,
            # What is rerouted was signed by another than who carries it.
            trust=Trust(
                session.identity.card,
                every_card(session),
                cards_of(session, session.pins.ministry().headquarters),
            ),
            state=session.state,
            terminal=session.terminal,
            carried_by=slip.origin,
        )
    except Refusal as refusal:
        if refusal.code not in _OUR_OWN:
            _give_receipt(session, slip, REFUSED, reason=refusal.code)
        if refusal.code in _SEND_AGAIN:
            name = f"repeat-request/{slip.origin}/{slip.dispatch_id}"
            queue_once(session, name, REPEAT_REQUEST, to=slip.origin, dispatch_id=slip.dispatch_id)
        raise
    _give_receipt(session, slip, DECIPHERED, manifest_hash=published.manifest.hash)
    _compare(session, slip, published)


def _compare(session: Session, slip: Slip, published: Published) -> None:
    """Say when the outside told something else than the signed inside."""
    try:
        addenda = [each.addendum for each in published.reroutings]
        require_same(slip, published.manifest, addenda)
    except SlipMismatch as mismatch:
        session.terminal.say(
            "slip_differs", dispatch_id=slip.dispatch_id, origin=slip.origin, detail=str(mismatch)
        )


def _give_receipt(
    session: Session,
    slip: Slip,
    kind: str,
    *,
    manifest_hash: str | None = None,
    reason: str | None = None,
) -> None:
    """Receipt what a slip announced and the ministry gave, byte for byte."""
    give_receipt(
        session.pins.folder,
        session.identity,
        session.outbox,
        kind,
        dispatch_id=slip.dispatch_id,
        envelope_sha256=slip.envelope_sha256,
        manifest_hash=manifest_hash,
        reason=reason,
    )


def _words(terminal: Terminal, error: Failure | Refusal) -> Explanation:
    if isinstance(error, Failure):
        words = error.words or explain(error.code, error.facts, terminal.language)
    else:
        words = explain(error.code, {}, terminal.language)
    return words or Explanation(str(error), "", "")


def _failure(failed: list[_Failed], wanted: int) -> Failure | Refusal:
    if wanted == 1:
        return failed[0].error
    listed = ", ".join(f"{each.dispatch_id} ({each.error.code})" for each in failed)
    return Refused("ENVELOPES_REFUSED", count=len(failed), listed=listed)
