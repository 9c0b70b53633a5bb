"""`chiffre directory` and `chiffre cards`: who is there, and whose card this post believes."""

from argparse import Namespace
from collections.abc import Sequence

from cipher_service.client.failures import Misused
from cipher_service.client.messages import phrase, printable
from cipher_service.client.online_confirmation import require_confirmed, same_fingerprint
from cipher_service.client.online_delivery import resume
from cipher_service.client.online_pins import Pins
from cipher_service.client.online_refusals import Distrusted, MinistryRefused, Unready
from cipher_service.client.online_session import Session, open_session
from cipher_service.client.terminal import Terminal
from cipher_service.wire.directory import Post
from keys.cards import Card, grouped, read_card
from keys.endorsement import read_endorsement, require_succession
from keys.errors import CardInvalid, Refusal
from keys.records import POST


def directory(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre directory`."""
    with open_session(arguments, terminal) as session:
        resume(session)
        found = session.ministry.directory()
        if terminal.as_json:
            posts = [
                {**post.model_dump(), "card": _standing(session.pins, post)} for post in found.posts
            ]
            terminal.show_json({"headquarters": found.headquarters, "posts": posts})
            return
        for post in found.posts:
            name = post.name.en if terminal.language == "en" else post.name.fr
            standing = phrase(f"card_is_{_standing(session.pins, post)}", terminal.language)
            terminal.show(f"{post.code:<16}  {printable(name):<44}  {standing}")


def cards(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre cards`: confirm the cards of posts, one after the other."""
    for post in arguments.posts:
        if POST.fullmatch(post) is None:
            raise Misused("POST_INVALID", post=post)
    with open_session(arguments, terminal) as session:
        resume(session)
        told = [_confirm(session, post, arguments.fingerprint) for post in arguments.posts]
    if terminal.as_json:
        terminal.show_json(told)


def _standing(pins: Pins, post: Post) -> str:
    """Say how the card that the ministry names stands to the one that is believed here."""
    known = pins.current(post.code)
    if post.fingerprint is None:
        return "absent" if known is None else "withdrawn"
    if known is None:
        return "unconfirmed"
    return "confirmed" if known.fingerprint == post.fingerprint else "changed"


def _confirm(session: Session, post: str, given: list[str]) -> dict[str, str | int]:
    terminal = session.terminal
    offered = _offered(session, post)
    card = offered[0][0]
    chosen = next((each for each in given if same_fingerprint(each, card.fingerprint)), None)
    changed = False
    try:
        known = session.pins.require_unchanged(card)
    except Distrusted:
        # Another card for a known post: the root's word, or a fingerprint heard and typed whole.
        if chosen is None and not _vouched(session, offered):
            raise
        known, changed = False, True
    if known:
        terminal.say("card_known", post=post)
    elif chosen is None and not given and _vouched(session, offered):
        session.pins.pin_card(card)
        terminal.say("card_vouched", post=post, edition=card.edition)
    else:
        what = phrase("the_card_of", terminal.language, post=post)
        require_confirmed(
            terminal,
            what=what,
            fingerprint=card.fingerprint,
            option="--fingerprint",
            given=chosen or next(iter(given), None),
        )
        session.pins.pin_card(card)
        terminal.say("card_confirmed", post=post, edition=card.edition)
    return {
        "post": post,
        "edition": card.edition,
        "fingerprint": card.fingerprint,
        "standing": "known" if known else "replaced" if changed else "confirmed",
    }


def _vouched(session: Session, offered: Sequence[tuple[Card, bytes | None]]) -> bool:
    """Tell whether the ministry's root vouches for the newest card, from the one known on.

    A post that is not known yet is known by the root's word for its card alone.
    """
    root, (card, endorsement) = session.pin.root, offered[0]
    if root is None or endorsement is None:
        return False
    known = session.pins.current(card.post)
    try:
        if known is None:
            read_endorsement(endorsement, card, root)
        else:
            require_succession(
                known, [(each, said) for each, said in offered if said is not None], root
            )
    except Refusal as refusal:
        session.terminal.say("card_not_vouched", post=card.post, code=refusal.code)
        return False
    return True


def _offered(session: Session, post: str) -> list[tuple[Card, bytes | None]]:
    """Return the cards that the ministry gives for a post, the newest first, and the root's word.

    Each card is judged by itself only.
    """
    try:
        editions = session.ministry.cards(post)
    except MinistryRefused as refusal:
        if refusal.code != "NOT_FOUND":
            raise
        raise Unready("CARD_ABSENT", post=post) from refusal
    if not editions:
        raise Unready("CARD_ABSENT", post=post)
    try:
        cards = [(read_card(card), said) for card, said in editions]
    except CardInvalid as error:
        raise Distrusted("CARD_UNSOUND", post=post, detail=str(error)) from error
    for card, _ in cards:
        if card.post != post:
            raise Distrusted(
                "CARD_OF_ANOTHER", post=post, offered=f"{card.post} {grouped(card.fingerprint)}"
            )
    return cards
