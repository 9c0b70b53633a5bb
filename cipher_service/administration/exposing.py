"""A key is compromised: it is marked at once, and what it could read is said honestly.

`bureau/CODE` is the ministry's own key, held by the custodian; `post/CODE` a post's, of which the
ministry has the card alone; those of `keys.custody.lasting` sign and never read anything. Marking
is one person's act; the report changes nothing.
"""

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.administration.installation import (
    Installation,
    custodian_of,
    journal_of,
    opened,
)
from cipher_service.administration.versions import number_of
from cipher_service.administration.words import Speaker, phrase
from cipher_service.audit.journal import Found
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.terminal import Terminal
from cipher_service.directory import enrolment
from cipher_service.directory.register import Directory, read_directory
from cipher_service.dispatches.exposure import Exposed, Exposure, exposure
from cipher_service.pouches.desk import retire_desks, take_in
from cipher_service.storage.unit_of_work import reading
from keys.cards import grouped
from keys.custody.book import Book
from keys.custody.lasting import DESKS_KEY, LASTING, lasting_kind


@dataclass(frozen=True, slots=True)
class _Named:
    """A version of a key by its public side."""

    kind: str
    post: str
    number: int
    fingerprint: str


def compromise(arguments: Namespace, terminal: Terminal) -> None:
    """Mark a version compromised, then report what it could read."""
    with opened(arguments) as installation:
        found = Found()
        with journal_of(installation).act("key_compromise", arguments.key, found) as connection:
            named = _named(arguments, installation, connection)
            found.card = named.fingerprint
            if named.kind != "post":
                with custodian_of(installation.settings) as custodian:
                    if named.kind == DESKS_KEY:  # so that the books know whom they end
                        take_in(connection, custodian, named.post, clock.now())
                    custodian.compromise_key(
                        arguments.key.encode(),
                        str(named.number).encode(),
                        arguments.reason.encode(),
                    )
                    retire_desks(connection, custodian, clock.now())
            else:
                enrolment.withdraw(connection, named.post, named.fingerprint, clock.now())
        with reading(installation.engine) as connection:
            _tell(named, exposure(connection, named.post, named.fingerprint), terminal, done=True)


def report(arguments: Namespace, terminal: Terminal) -> None:
    """Report what a version could read; nothing is changed."""
    with opened(arguments) as installation, reading(installation.engine) as connection:
        named = _named(arguments, installation, connection)
        _tell(named, exposure(connection, named.post, named.fingerprint), terminal, done=False)


def show_exposed(found: Iterable[Exposed], terminal: Terminal) -> None:
    """Show dispatches that keys could read, one a line, and the item that burnt a prekey."""
    for each in found:
        others = ", ".join(each.others) or "-"
        burnt = ""
        if each.burnt is not None:
            burnt = "  " + phrase("exposed_burnt", terminal.language, item=each.burnt)
        terminal.show(
            f"  {each.register}  {each.dispatch_id}  {each.origin:<14} {each.level:<22} "
            f"{each.state:<10} {others}{burnt}"
        )


def _named(arguments: Namespace, installation: Installation, connection: Connection) -> _Named:
    kind, _, post = arguments.key.partition("/")
    directory = read_directory(connection)
    if kind == "bureau" or lasting_kind(arguments.key) is not None:
        with custodian_of(installation.settings) as custodian:
            book = Book.parse(custodian.key_versions())
        version = book.find(arguments.key, number_of(arguments, book))
        return _Named(kind, post, version.number, version.fingerprint)
    if kind != "post":
        raise Misused("KEY_NAME_UNKNOWN", given=arguments.key[:80], known="bureau/…, post/…")
    return _card_named(directory, directory.post(post).code, arguments.number)


def _card_named(directory: Directory, post: str, number: int | None) -> _Named:
    if post == directory.headquarters:
        raise Misused("KEY_NAME_UNKNOWN", given=f"post/{post}", known=f"bureau/{post}")
    cards = sorted(
        (card for card in directory.cards.values() if card.post == post),
        key=lambda card: card.edition,
    )
    meant = [card for card in cards if number is None or card.edition == number]
    if not meant:
        raise Refused("NO_SUCH_CARD", post=post)
    return _Named("post", post, meant[-1].edition, meant[-1].fingerprint)


def _tell(named: _Named, found: Exposure, terminal: Terminal, *, done: bool) -> None:
    if terminal.as_json:
        terminal.show_json(
            {
                "key": f"{named.kind}/{named.post}",
                "number": named.number,
                "fingerprint": named.fingerprint,
                "compromised": done,
                "readable": [asdict(each) for each in found.readable],
                "signed": list(found.signed),
                "rekey": [named.post],
                "confirm": list(found.correspondents),
            }
        )
        return
    speaker = Speaker(terminal)
    if done:
        speaker.show("key_marked", key=f"{named.kind}/{named.post}", number=named.number)
    if named.kind in LASTING:
        speaker.show("exposure_lasting")
        return
    speaker.show(
        "exposure_head",
        post=named.post,
        number=named.number,
        fingerprint=grouped(named.fingerprint),
        count=len(found.readable),
    )
    show_exposed(found.readable, terminal)
    speaker.show("exposure_signed", count=len(found.signed))
    speaker.show("exposure_rekey", post=named.post)
    speaker.show("exposure_confirm", posts=", ".join(found.correspondents) or "-")
    speaker.show("exposure_honest")
