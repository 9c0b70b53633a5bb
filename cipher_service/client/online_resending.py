"""A post did not open a dispatch because its prekey was used before or burnt: it is sent again.

The addressee asks for a repetition by a service message. Where the dispatch was wrapped to a prekey
of theirs, repeating the same bytes would help nobody: its sender opens its own copy, and sends the
same text, marking and attachments once more under the edition key, as a dispatch with a number of
its own that cites the first one. It is done once for each dispatch and addressee.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path
from typing import Final

from cipher_service import clock
from cipher_service.client.drafting import Draft
from cipher_service.client.enciphering import encipher_numbered, settle
from cipher_service.client.log_book import LogBook
from cipher_service.client.online_delivery import deliver, signed_slip
from cipher_service.client.online_downloads import download
from cipher_service.client.online_refusals import Distrusted, MinistryRefused
from cipher_service.client.online_service_messages import heard
from cipher_service.client.online_session import Session
from cipher_service.client.outbox_entries import Status
from cipher_service.client.quarantine import quarantine
from cipher_service.labels.scheme import default_scheme
from cipher_service.references import new_id
from keys.cards import Card
from keys.dispatch import Destination, Opened, decipher
from keys.errors import Refusal
from keys.manifest import COPY, Addressee
from keys.service_messages import REPEAT_REQUEST
from keys.signing import SLIP
from keys.slip_agreement import slip_for
from keys.slips import sign_slip

_PREKEY: Final = "prekey:"


def resend_asked(session: Session) -> int:
    """Send again what addressees could not open; return how many dispatches were sent.

    Raises:
        Unreachable, MinistryRefused, Distrusted, Refusal, OSError: what was sealed waits.
    """
    sent = 0
    for dispatch_id, card in _asked(session):
        if _resend(session, dispatch_id, card):
            session.terminal.say("resent", dispatch_id=dispatch_id, post=card.post)
            sent += 1
    if sent:
        deliver(session)
    return sent


def _asked(session: Session) -> Iterator[tuple[str, Card]]:
    # A message that does not hold is told by `chiffre service-message`; it stops no fetching.
    with suppress(Refusal, Distrusted, MinistryRefused):
        yield from _requests(session)


def _requests(session: Session) -> Iterator[tuple[str, Card]]:
    for each in heard(session):
        message = each.message
        if not each.verified or message.kind != REPEAT_REQUEST or message.dispatch_id is None:
            continue
        card = session.pins.find(message.sender_card)
        entry = session.outbox.find(message.dispatch_id)
        if card is None or entry is None or entry.status is not Status.ACKNOWLEDGED:
            continue
        if session.outbox.find_marked(_mark(message.dispatch_id, card.post)) is None:
            yield message.dispatch_id, card


def _resend(session: Session, dispatch_id: str, card: Card) -> bool:
    entry = session.outbox.entry(dispatch_id)
    slip, own = signed_slip(entry), session.identity
    with quarantine(session.state.folder, session.state.folder) as workspace:
        envelope = workspace / f"{dispatch_id}.age"
        download(session, slip, envelope)
        with (
            envelope.open("rb") as file,
            decipher(
                file,
                opener=own,
                find_sender={own.card.fingerprint: own.card}.get,
                workspace=workspace,
            ) as opened,
        ):
            wanted = _wrapped_to_a_prekey(opened, card)
            if wanted is None:
                return False
            _seal_again(session, opened, wanted, card)
    return True


def _wrapped_to_a_prekey(opened: Opened, card: Card) -> Addressee | None:
    """Return the entry of a post that this dispatch reached under a prekey only."""
    entry = opened.manifest.addressee(card.fingerprint)
    return entry if entry is not None and entry.key.startswith(_PREKEY) else None


def _seal_again(session: Session, opened: Opened, wanted: Addressee, card: Card) -> None:
    decided = _draft(session, opened, wanted, card)
    attachments = _under_their_names(opened)
    partial = session.outbox.partial(decided.heading.id)
    with (
        (opened.folder / "message.txt").open("rb", buffering=0) as text,
        session.state.exclusive(lambda: session.terminal.say("waiting")),
    ):
        settle(session.state)
        session.outbox.settle()
        enciphered = encipher_numbered(
            decided,
            text,
            attachments,
            identity=session.identity,
            state=session.state,
            partial=partial,
            terminal=session.terminal,
        )
        with partial.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        slip = slip_for(enciphered.manifest, envelope_sha256=digest, envelope_size=enciphered.size)
        key = session.identity.signing_key
        signed = sign_slip(slip, lambda statement: key.sign_ed25519(SLIP, statement))
        session.outbox.draft(
            decided.heading.id,
            slip=signed.head,
            mark=_mark(opened.manifest.id, card.post),
            urgency=default_scheme().precedence(wanted.precedence).rank,
            sha256=digest,
            size=enciphered.size,
        )
        session.outbox.enter(decided.heading.id)
        session.state.numbers.issue(decided.heading.id, enciphered.manifest_hash)


def _draft(session: Session, opened: Opened, wanted: Addressee, card: Card) -> Draft:
    before, created = opened.manifest.heading, clock.now().replace(microsecond=0)
    with LogBook(session.pins.folder) as book:
        checkpoint = book.carried()
    expires = before.expires if before.expires is None or before.expires > created else None
    heading = replace(
        before,
        id=new_id(clock.now()),
        created=created,
        expires=expires,
        references=(*before.references[:63], before.id),
        checkpoint=checkpoint,
    )
    own = session.identity.card
    return Draft(
        heading,
        (
            Destination(card, wanted.precedence, None, wanted.role, wanted.delivery),
            Destination(own, wanted.precedence, None, COPY),
        ),
    )


def _under_their_names(opened: Opened) -> list[Path]:
    """Put each attachment into a folder of its own, under the name that people gave it."""
    paths = []
    for number, part in enumerate(opened.parts[1:]):
        folder = opened.folder / f"again-{number}"
        folder.mkdir(mode=0o700)
        path = folder / part.name.partition("/")[2].partition("-")[2]
        (opened.folder / part.name).rename(path)
        paths.append(path)
    return paths


def _mark(dispatch_id: str, post: str) -> str:
    return f"resent/{dispatch_id}/{post}"
