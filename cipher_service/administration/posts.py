"""Posts: who they are, a code to enrol with, activation after a call, suspension, withdrawal."""

from argparse import Namespace
from contextlib import ExitStack
from functools import partial

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.administration.installation import (
    Installation,
    acting,
    custodian_of,
    journal_of,
    of_officers,
    opened,
)
from cipher_service.administration.officer_keys import hand_of
from cipher_service.administration.words import Speaker, phrase
from cipher_service.audit.journal import Found
from cipher_service.audit.warrants import WarrantedCustodian
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.directory import carried_codes, controlled, enrolment
from cipher_service.directory.carried_cards import require_arrived
from cipher_service.directory.register import CardRecord, Directory, read_directory
from cipher_service.storage.unit_of_work import reading
from keys.cards import grouped
from keys.errors import KeysError

_HOUR = 3600


def list_posts(arguments: Namespace, terminal: Terminal) -> None:
    """List the posts with their state and the fingerprint of their card in force."""
    with opened(arguments) as installation, reading(installation.engine) as connection:
        directory = read_directory(connection)
    if terminal.as_json:
        terminal.show_json(
            [
                {"post": post.code, "state": post.state, "fingerprint": post.fingerprint}
                for post in directory.posts.values()
            ]
        )
        return
    for post in directory.posts.values():
        name = post.name_fr if terminal.language == "fr" else post.name_en
        fingerprint = grouped(post.fingerprint) if post.fingerprint else ""
        terminal.show(f"{post.code:<16} {post.state:<10} {name}  {fingerprint}".rstrip())


def issue_code(arguments: Namespace, terminal: Terminal) -> None:
    """Print a one-time enrolment code; the code alone is on standard output.

    One that travels with a controlled item lives longer, and lets nobody in before its receiver
    has signed for the item.
    """
    speaker, post, item = Speaker(terminal), arguments.post.upper(), arguments.item
    life = enrolment.CODE_LIFE if item is None else carried_codes.CARRIED_LIFE
    with acting(arguments, "post_code", post) as connection:
        if item is not None:
            controlled.require_carrier(connection, item)
        code = enrolment.issue_code(connection, post, clock.now(), life, item)
    speaker.say("code_issued", post=post, hours=int(life.total_seconds()) // _HOUR)
    if item is not None:
        speaker.say("code_carried", item=item)
    terminal.show(code)


def activate(arguments: Namespace, terminal: Terminal) -> None:
    """Put the pending card of a post in force if the fingerprint read aloud is its own.

    Once the custodian has officers, two of them answer for the comparison with their security keys:
    nothing is in force before the root vouches for the card on both their grants.

    Raises:
        Refused: FINGERPRINT_DIFFERS.
        KeysError: the officers' grants are missing, or the custodian does not answer.
    """
    post = arguments.post.upper()
    with opened(arguments) as installation:
        journal, endorsed = journal_of(installation), None
        compared = partial(_compared, post=post, typed=arguments.fingerprint)
        if of_officers(installation):
            with (
                journal.told("post_activate", post),
                reading(installation.engine) as connection,
            ):
                card = read_directory(connection).cards[compared(connection)]
            endorsed = _endorsed(arguments, installation, card, terminal)
        found = Found()
        with journal.act("post_activate", post, found) as connection:
            found.card = received = compared(connection)
            enrolment.activate(connection, post, received, clock.now())
            if endorsed is not None:
                enrolment.endorse(connection, received, endorsed, clock.now())
    speaker = Speaker(terminal)
    speaker.show("post_activated", post=post, fingerprint=grouped(received))
    if endorsed is None:
        try:
            _endorse(arguments, post, terminal)
        except KeysError as error:
            # On trial the post is in service; without the root's word its card is confirmed by
            # telephone.
            speaker.say("post_not_endorsed", post=post, code=error.code)


def endorse(arguments: Namespace, terminal: Terminal) -> None:
    """Have the ministry's root vouch for the card in force of a post, or of the bureau itself."""
    post = arguments.post.upper()
    _endorse(arguments, post, terminal)
    Speaker(terminal).show("post_endorsed", post=post)


def _compared(connection: Connection, post: str, typed: str) -> str:
    """Return the fingerprint of the newest enrolment.

    Raises:
        Refused: FINGERPRINT_DIFFERS.
        ServiceError: its keys travel still, or were compromised; see `carried_cards`.
    """
    received = enrolment.enrolment(connection, post).fingerprint
    if "".join(typed.split()).lower() != received:
        raise Refused("FINGERPRINT_DIFFERS", post=post)
    require_arrived(connection, received)
    return received


def _endorse(arguments: Namespace, post: str, terminal: Terminal) -> None:
    with opened(arguments) as installation:
        with reading(installation.engine) as connection:
            card = read_directory(connection).card_in_force(post)
        endorsement = _endorsed(arguments, installation, card, terminal)
        with journal_of(installation).act("post_endorse", post) as connection:
            enrolment.endorse(connection, card.fingerprint, endorsement, clock.now())


def _endorsed(
    arguments: Namespace, installation: Installation, card: CardRecord, terminal: Terminal
) -> bytes:
    """Have the root vouch for a card, on the grants of the officers who are named."""
    with custodian_of(installation.settings) as custodian, ExitStack() as hands:
        acting = hand_of(arguments, custodian, terminal, "officer", "software_key")
        other = hand_of(arguments, custodian, terminal, "approver", "with_software_key")
        for each in (acting, other):
            if each is not None:
                hands.callback(each.close)
        if acting is not None:
            Speaker(terminal).say(
                "card_to_endorse",
                post=card.post,
                edition=card.edition,
                fingerprint=grouped(card.fingerprint),
            )
        warranted = WarrantedCustodian(
            custodian,
            installation.engine,
            installation.settings.log_origin,
            journal_of(installation).actor,
            acting,
            other,
        )
        return warranted.endorse_card(card.body)


def suspend(arguments: Namespace, terminal: Terminal) -> None:
    """Stop a post at once; one person suffices for what makes things safer."""
    post = arguments.post.upper()
    with acting(arguments, "post_suspend", post) as connection:
        enrolment.suspend(connection, post, clock.now())
    Speaker(terminal).show("post_suspended", post=post)


def resume(arguments: Namespace, terminal: Terminal) -> None:
    """End a suspension: the post is again what its cards make it.

    Raises:
        Refused: NOT_SUSPENDED.
        ServiceError: UNKNOWN_POST.
    """
    post = arguments.post.upper()
    with acting(arguments, "post_resume", post) as connection:
        if read_directory(connection).post(post).state != "suspended":
            raise Refused("NOT_SUSPENDED", post=post)
        enrolment.resume(connection, post, clock.now())
        state = read_directory(connection).post(post).state
    speaker = Speaker(terminal)
    speaker.show("post_resumed", post=post, state=phrase(f"post_{state}", terminal.language))


def withdraw(arguments: Namespace, terminal: Terminal) -> None:
    """Take a post's card out of use for ever; a new one comes in by a code of its own."""
    post = arguments.post.upper()
    found = Found()
    with acting(arguments, "post_withdraw", post, found) as connection:
        directory = read_directory(connection)
        found.card = fingerprint = _card_to_withdraw(directory, post, arguments.fingerprint)
        enrolment.withdraw(connection, post, fingerprint, clock.now())
    Speaker(terminal).show("card_withdrawn", post=post, fingerprint=grouped(fingerprint))


def _card_to_withdraw(directory: Directory, post: str, typed: str | None) -> str:
    """Return the fingerprint meant: the typed one, else that of the post's only card in use."""
    if directory.post(post).code == directory.headquarters:
        raise Refused("HEADQUARTERS_CARD", post=post)
    in_use = [
        card.fingerprint
        for card in directory.cards.values()
        if card.post == post and card.state in ("pending", "active")
    ]
    wanted = None if typed is None else "".join(typed.split()).lower()
    meant = in_use if wanted is None else [each for each in in_use if each == wanted]
    if not meant:
        raise Refused("NO_SUCH_CARD", post=post)
    if len(meant) > 1:
        listed = ", ".join(map(grouped, meant))
        raise Refused("SEVERAL_CARDS", post=post, fingerprints=listed)
    return meant[0]
