"""`chiffre decipher`: opens a dispatch in quarantine and publishes it by one rename.

The quarantine lies beside the output folder, on the same disk (`quarantine.py`). The record of the
dispatch is committed just before the rename: a kill between the two leaves a dispatch that opens
again and says that it was opened before.
"""

import json
import os
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cipher_service import clock
from cipher_service.client.complements import read_files
from cipher_service.client.drafting import read_card_file
from cipher_service.client.durable import sync_folder
from cipher_service.client.failures import Refused
from cipher_service.client.interruptions import undisturbed
from cipher_service.client.lines import (
    date_text,
    heading_lines,
    heading_record,
    runs_text,
    series_record,
    show_lines,
)
from cipher_service.client.log_book import LogBook
from cipher_service.client.messages import phrase
from cipher_service.client.passphrases import open_identity
from cipher_service.client.quarantine import quarantine
from cipher_service.client.receipting import receipt_file
from cipher_service.client.state import Admission, PostState
from cipher_service.client.terminal import Terminal
from cipher_service.client.watching import watched_buffered
from keys.cards import Card
from keys.dispatch import Opened
from keys.dispatch import decipher as decipher_package
from keys.errors import UnknownSender
from keys.identity import Identity
from keys.manifest import Manifest
from keys.prekey_store import PrekeyOpener, PrekeyStore
from keys.rerouting import Rerouting
from keys.s2.complements import Complement

RECORD = "dispatch.json"
ATTACHMENTS = "attachments"
_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Published:
    """A dispatch that was deciphered and published.

    Attributes:
        manifest: as signed.
        sender: the card that verified it.
        admission: whether it was opened before, and which numbers are missing.
        record: what `dispatch.json` says.
        reroutings: what added addressees to it, verified.
    """

    manifest: Manifest
    sender: Card
    admission: Admission
    record: dict[str, Any]
    reroutings: tuple[Rerouting, ...]


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a post believes.

    Attributes:
        own: its own card: a post reads its own copies, and may have rerouted to itself.
        senders: trusted cards by fingerprint.
        rerouters: likewise, of those who besides the origin may have rerouted a dispatch to it.
        complements: the keys of suite S2 of some of them, by the fingerprint of the card.
    """

    own: Card
    senders: Mapping[str, Card]
    rerouters: Mapping[str, Card]
    complements: Mapping[str, Complement] = field(default_factory=dict)

    def card(self, fingerprint: str) -> Card | None:
        """Return the trusted card with a fingerprint."""
        return {**self.rerouters, **self.senders, self.own.fingerprint: self.own}.get(fingerprint)

    def may_reroute(self, card: Card, manifest: Manifest) -> bool:
        """Tell whether the post of a trusted card may have added addressees to a dispatch."""
        relays = (*self.rerouters.values(), self.own)
        return card.post in {manifest.sender.post, *(relay.post for relay in relays)}


def decipher(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre decipher`."""
    source, out = Path(arguments.file), Path(arguments.out)
    require_empty(out)
    senders = list(map(read_card_file, arguments.senders))
    rerouters = list(map(read_card_file, arguments.rerouters))
    identity, folder = open_identity(arguments, terminal), Path(arguments.identity)
    complements = read_files(arguments.complement, senders)
    if complements:
        own = identity.complement()
        complements[own.card] = own
    with PostState(folder) as state:
        published = decipher_into(
            source,
            out,
            identity=identity,
            trust=Trust(
                identity.card,
                {card.fingerprint: card for card in senders},
                {card.fingerprint: card for card in rerouters},
                complements,
            ),
            state=state,
            terminal=terminal,
        )
    # After it is out: a post that cannot write its receipt has read its dispatch all the same.
    receipted = receipt_file(folder, identity, source, published.manifest)
    _tell(published, out, terminal)
    if receipted and not terminal.as_json:
        terminal.say("receipt_waits")


def require_empty(out: Path) -> None:
    """Refuse an output folder that holds something. Raises Refused, or OSError."""
    if not os.path.lexists(out):
        out.parent.stat()
    elif not out.is_dir() or any(out.iterdir()):
        raise Refused("OUTPUT_NOT_EMPTY", path=str(out))


def decipher_into(
    source: Path,
    out: Path,
    *,
    identity: Identity,
    trust: Trust,
    state: PostState,
    terminal: Terminal,
    carried_by: str | None = None,
) -> Published:
    """Verify a dispatch, record it and publish it; or refuse it and change nothing.

    Args:
        source: the enciphered file.
        out: absent, or an empty folder.
        identity: ours.
        trust: whose dispatches and reroutings it takes.
        state: of the identity's folder.
        terminal: where progress is shown.
        carried_by: the post whose slip it came with, which is then its origin or rerouted it last.

    Raises:
        Refusal: by the name of what is wrong.
        OSError: the source cannot be read, or the place not be written.
    """
    target = out.resolve()
    store = PrekeyStore(state.folder, identity)
    store.sweep()
    opener = PrekeyOpener(identity, store)
    with (
        quarantine(state.folder, target.parent) as workspace,
        terminal.progress("deciphering", source.stat().st_size) as advance,
        watched_buffered(source, advance) as file,
        decipher_package(
            file,
            opener=opener,
            find_sender=trust.card,
            workspace=workspace,
            may_reroute=trust.may_reroute,
            find_complement=trust.complements.get,
        ) as opened,
        undisturbed(),
    ):
        opener.require_named(opened.manifest)
        _require_carrier(opened, carried_by)
        admission, record = _recorded(opened, state, identity.card.fingerprint)
        opened.publish(target)
        opener.spend()
    return Published(opened.manifest, opened.sender, admission, record, opened.reroutings)


def _recorded(
    opened: Opened, state: PostState, fingerprint: str
) -> tuple[Admission, dict[str, Any]]:
    """Record a verified dispatch, and put the record beside its parts."""
    heading = opened.manifest.heading
    with state.transaction():
        admission = state.admit(opened.manifest, fingerprint, opened.reroutings)
        record = dispatch_record(opened, admission, fingerprint)
        _complete(opened.folder, record)
        # Before the dispatch is out: what its sender has seen of the log is not forgotten.
        with LogBook(state.folder) as book:
            book.hear(opened.sender.post, heading.checkpoint, heading.id)
    return admission, record


def _require_carrier(opened: Opened, post: str | None) -> None:
    """Demand that nobody carries another's dispatch as its own. Raises UnknownSender."""
    last = [each.addendum.sender.post for each in opened.reroutings[-1:]]
    if post not in (None, opened.sender.post, *last):
        raise UnknownSender(f"{post} carries a dispatch of {opened.sender.post}")


def dispatch_record(opened: Opened, admission: Admission, fingerprint: str) -> dict[str, Any]:
    """Return what `dispatch.json` says of a verified dispatch.

    Args:
        opened: verified.
        admission: what the state says of it.
        fingerprint: of the card that it was opened with.
    """
    added = [entry for each in opened.reroutings for entry in each.addendum.to]
    own = [entry for entry in (*opened.manifest.to, *added) if entry.fingerprint == fingerprint]
    missing = [number for run in admission.missing for number in run[:_LISTED]][:_LISTED]
    return {
        **heading_record(opened.manifest),
        "sender": {
            "post": opened.sender.post,
            "edition": opened.sender.edition,
            "fingerprint": opened.sender.fingerprint,
        },
        "numbers": [series_record(entry.series) for entry in own if entry.series is not None],
        "reroutings": [
            {
                "post": each.addendum.sender.post,
                "at": clock.text(each.addendum.created),
                "to": [entry.post for entry in each.addendum.to],
                "reason": each.addendum.reason,
            }
            for each in opened.reroutings
        ],
        "manifest_hash": opened.manifest_hash,
        "signatures": {"ed25519": "verified", "mldsa65": "verified"},
        "missing_numbers": missing,
        "missing_count": sum(map(len, admission.missing)),
        "already_opened": admission.opened_at,
    }


def _complete(folder: Path, record: Mapping[str, Any]) -> None:
    """Add to the parts what the quarantine still lacks, durably."""
    written = json.dumps(record, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    path = folder / RECORD
    with path.open("x", encoding="utf-8") as file:
        path.chmod(0o600)
        file.write(written)
        file.flush()
        os.fsync(file.fileno())
    attachments = folder / ATTACHMENTS
    attachments.mkdir(mode=0o700, exist_ok=True)
    sync_folder(attachments)


def _tell(published: Published, out: Path, terminal: Terminal) -> None:
    manifest, admission, language = published.manifest, published.admission, terminal.language
    if admission.opened_at is not None:
        terminal.say("already_opened", when=date_text(clock.parse(admission.opened_at), language))
    if admission.missing:
        terminal.say(
            "number_missing",
            post=admission.numbered_by,
            epoch=published.record["numbers"][0]["epoch"],
            numbers=runs_text(admission.missing),
        )
    for each in published.record["reroutings"]:
        terminal.say("rerouted_by", post=each["post"], reason=each["reason"])
    if manifest.heading.expires is not None and manifest.heading.expires <= clock.now():
        terminal.say("expired", when=date_text(manifest.heading.expires, language))
    if terminal.as_json:
        terminal.show_json({**published.record, "folder": str(out)})
        return
    show_lines(
        terminal,
        [
            *heading_lines(manifest, language),
            ("line_signatures", phrase("signatures_hold", language, post=manifest.sender.post)),
            ("line_folder", str(out)),
        ],
    )
