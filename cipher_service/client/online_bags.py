"""`chiffre bag`: the envelope of a dispatch of this post, written out for the diplomatic pouch.

It comes from the outbox, else from the ministry, which gives it back to its origin. Either way it
is the envelope of the signed slip, byte for byte, or nothing is written. A dispatch that is handed
over nowhere is made by `chiffre encipher` instead, which needs no ministry.
"""

from argparse import Namespace
from pathlib import Path

from cipher_service.client.copies import copy_exactly, require_new
from cipher_service.client.failures import Misused
from cipher_service.client.messages import phrase
from cipher_service.client.online_delivery import signed_slip
from cipher_service.client.online_downloads import download
from cipher_service.client.online_session import Session, open_session
from cipher_service.client.online_slips import slip_of
from cipher_service.client.terminal import Terminal
from keys.records import ULID
from keys.slips import Slip


def bag(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre bag`."""
    dispatch_id, out = arguments.id, Path(arguments.out)
    if ULID.fullmatch(dispatch_id) is None:
        raise Misused("ID_MALFORMED", given=dispatch_id[:80])
    with open_session(arguments, terminal) as session:
        slip = _write(session, dispatch_id, out)
    facts = {"dispatch_id": dispatch_id, "path": str(out), "sha256": slip.envelope_sha256}
    if terminal.as_json:
        terminal.show_json({**facts, "size": slip.envelope_size})
    else:
        terminal.show(phrase("bag_written", terminal.language, **facts))


def _write(session: Session, dispatch_id: str, out: Path) -> Slip:
    entry = session.outbox.find(dispatch_id)
    kept = session.outbox.envelope(dispatch_id)
    if entry is not None and kept.exists():
        with kept.open("rb") as source:
            if copy_exactly(source, entry.sha256, out):
                return signed_slip(entry)
    slip = slip_of(session, dispatch_id)
    require_new(out)
    download(session, slip, out)
    return slip
