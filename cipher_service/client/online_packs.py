"""`chiffre pack`: the sync pack by which this post's devices judge bags without network.

It is believed only when the ministry's confirmed card signed it and it is no older than the last
one, which lies in the identity folder as `sync.pack`. `valise verify --pack` reads it.
"""

from argparse import Namespace
from datetime import datetime
from pathlib import Path
from typing import Final

from cipher_service import clock
from cipher_service.client.copies import require_new
from cipher_service.client.durable import write_durably
from cipher_service.client.lines import date_text
from cipher_service.client.messages import phrase
from cipher_service.client.online_refusals import Unready
from cipher_service.client.online_session import Session, open_session
from cipher_service.client.terminal import Terminal
from keys.cards import Card
from keys.errors import Refusal
from pouch.pack import read_pack

KEPT: Final = "sync.pack"


def pack(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre pack`."""
    out = None if arguments.out is None else Path(arguments.out)
    if out is not None:
        require_new(out)
    kept = Path(arguments.identity) / KEPT
    with open_session(arguments, terminal) as session:
        root = _root(session)
        data = session.ministry.sync_pack()
        now = clock.now()
        held = read_pack(data, root.verifying_key, least_version=_version(kept, root, now), at=now)
    for target in (kept, *(() if out is None else (out,))):
        write_durably(target, data)
    path = str(out or kept)
    if terminal.as_json:
        terminal.show_json(
            {
                "version": held.version,
                "path": path,
                "issued": clock.text(held.issued),
                "expires": clock.text(held.expires),
                "announced": len(held.announced),
                "cards": len(held.cards),
            }
        )
        return
    expires = date_text(held.expires, terminal.language)
    facts: dict[str, str | int] = {"path": path, "expires": expires, "bags": len(held.announced)}
    terminal.show(phrase("pack_written", terminal.language, version=held.version, **facts))


def _root(session: Session) -> Card:
    """Return the card that signs packs: the ministry's, as it was confirmed here."""
    card = session.pins.current(session.pin.headquarters)
    if card is None:
        raise Unready("CARD_ABSENT", post=session.pin.headquarters)
    return card


def _version(kept: Path, root: Card, now: datetime) -> int:
    """Return the version of the pack that is here, 0 for none that this card signed."""
    try:
        data = kept.read_bytes()
        return read_pack(data, root.verifying_key, least_version=0, at=now).version
    except (FileNotFoundError, Refusal):
        return 0
