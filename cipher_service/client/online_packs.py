"""`chiffre pack`: the sync pack by which this post's devices judge bags without network.

It is believed only when the ministry's root signed it and it is no older than the last one, which
lies in the identity folder as `sync.pack`, and the root's public keys beside it as `ministry.root`.
`valise verify --pack` reads both.

A pack that proves seals tells a signed head of the ministry's log. That the root speaks for it is
not enough here: it is held against the log that this post follows, as a head that came by mail is
(`chiffre sync`).
"""

from argparse import Namespace
from datetime import datetime
from pathlib import Path

from cipher_service import clock
from cipher_service.client.copies import require_new
from cipher_service.client.durable import write_durably
from cipher_service.client.kept import KEPT, ROOT_KEPT
from cipher_service.client.lines import date_text
from cipher_service.client.log_book import LogBook
from cipher_service.client.messages import phrase
from cipher_service.client.online_log import watched_aside
from cipher_service.client.online_refusals import Distrusted
from cipher_service.client.online_service_keys import root_of
from cipher_service.client.online_session import Session, open_session
from cipher_service.client.terminal import Terminal
from keys.endorsement import root_file, root_fingerprint
from keys.errors import Refusal
from keys.log.checkpoints import Checkpoint
from keys.log.notes import Note
from keys.signing import VerifyingKey
from pouch.errors import PackMalformed
from pouch.pack import Pack, read_pack


def pack(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre pack`."""
    out = None if arguments.out is None else Path(arguments.out)
    if out is not None:
        require_new(out)
    kept = Path(arguments.identity) / KEPT
    with open_session(arguments, terminal) as session:
        root = root_of(session)
        data = session.ministry.sync_pack()
        now = clock.now()
        held = read_pack(data, root, least_version=_version(kept, root, now), at=now)
        contradicted = _held_against_the_log(session, held)
    write_durably(kept.with_name(ROOT_KEPT), root_file(root) + b"\n")
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
                "root": root_fingerprint(root),
            }
        )
    else:
        expires = date_text(held.expires, terminal.language)
        facts: dict[str, str | int] = {"path": path, "expires": expires}
        facts["bags"] = len(held.announced)
        terminal.show(phrase("pack_written", terminal.language, version=held.version, **facts))
    if contradicted is not None:
        raise contradicted


def _held_against_the_log(session: Session, held: Pack) -> Distrusted | Refusal | None:
    """Return what the pack's head contradicts; the pack is kept all the same, for its revocations.

    Raises:
        PackMalformed: the head is none, or not of the pack's own roots.
    """
    if not held.checkpoint:
        return None
    try:
        text = held.checkpoint.decode()
        head = Checkpoint.parse(Note.parse(held.checkpoint).text)
    except (UnicodeDecodeError, Refusal) as error:
        raise PackMalformed("the pack's head of the log is none") from error
    if held.roots.get(head.size) != head.root:
        raise PackMalformed("the pack's roots are not of its head of the log")
    with LogBook(session.pins.folder) as book:
        book.hear(session.pin.headquarters, text)
    return watched_aside(session)


def _version(kept: Path, root: VerifyingKey, now: datetime) -> int:
    """Return the version of the pack that is here, 0 for none that this root signed."""
    try:
        data = kept.read_bytes()
        return read_pack(data, root, least_version=0, at=now).version
    except (FileNotFoundError, Refusal):
        return 0
