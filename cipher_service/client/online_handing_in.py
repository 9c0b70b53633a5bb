"""`chiffre hand-in`: what this post rerouted goes to the ministry, for those whom it added.

The envelope of `chiffre reroute` is what travels, under a slip of this post's own that refers to
the dispatch inside. Its numbers were taken by the rerouting; handing it in twice is once.
"""

import shutil
from argparse import Namespace
from contextlib import nullcontext
from hashlib import file_digest
from pathlib import Path

from cipher_service import clock
from cipher_service.client.failures import Refused
from cipher_service.client.online_delivery import settle_all
from cipher_service.client.online_sending import hand_over
from cipher_service.client.online_session import Session, open_session
from cipher_service.client.online_slips import every_card
from cipher_service.client.outbox_entries import Entry
from cipher_service.client.terminal import Terminal
from cipher_service.client.watching import require_file
from cipher_service.labels.scheme import default_scheme
from cipher_service.references import new_id
from keys.heads import Head, open_head
from keys.opening import read_parts
from keys.rerouting import Addendum
from keys.signing import SLIP
from keys.slip_agreement import slip_for_rerouting
from keys.slips import sign_slip


def hand_in(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre hand-in`."""
    source = Path(arguments.file)
    require_file(source)
    with open_session(arguments, terminal) as session:
        hand_over(session, _queued(session, source))


def _queued(session: Session, source: Path) -> Entry:
    """Let the envelope enter the outbox, or find it there."""
    head = _opened(session, source)
    last = head.reroutings[-1].addendum if head.reroutings else None
    if last is None or last.sender.fingerprint != session.identity.card.fingerprint:
        raise Refused("NOT_REROUTED_HERE", path=str(source))
    mark, outbox = f"rerouted/{last.hash}", session.outbox
    settle_all(session)
    with session.state.exclusive(lambda: session.terminal.say("waiting")):
        known = outbox.find_marked(mark)
        if known is not None:
            return known
        dispatch_id = new_id(clock.now())
        partial = outbox.partial(dispatch_id)
        shutil.copyfile(source, partial)
        with partial.open("rb") as file:
            digest, size = file_digest(file, "sha256").hexdigest(), file.seek(0, 2)
        slip = slip_for_rerouting(
            head.manifest,
            last,
            dispatch_id=dispatch_id,
            envelope_sha256=digest,
            envelope_size=size,
        )
        key = session.identity.signing_key
        signed = sign_slip(slip, lambda statement: key.sign_ed25519(SLIP, statement))
        outbox.draft(
            dispatch_id,
            slip=signed.head,
            mark=mark,
            urgency=_urgency(last),
            sha256=digest,
            size=size,
        )
        return outbox.enter(dispatch_id)


def _opened(session: Session, source: Path) -> Head:
    """Read the envelope to its end, keeping nothing: a copy cut short would travel for nothing."""
    with source.open("rb") as file:
        head = open_head(
            file,
            opener=session.identity,
            find_sender=every_card(session).get,
            # Who may reroute is for those to judge who receive it.
            may_reroute=lambda *_: True,
        )
        read_parts(head, lambda _part: nullcontext(lambda _piece: None))
    return head


def _urgency(addendum: Addendum) -> int:
    scheme = default_scheme()
    return max(scheme.precedence(entry.precedence).rank for entry in addendum.to)
