"""Prekeys online: `chiffre prekeys`, and one taken of each addressee before a dispatch is sealed.

Taking is a courtesy of the ministry's: without a line, without an answer, or with one that does not
prove itself against the card confirmed here, the dispatch leaves under the edition key, and its
manifest says so.
"""

from argparse import Namespace
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from cipher_service import clock
from cipher_service.client.drafting import Draft
from cipher_service.client.durable import write_durably
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.online_delivery import resume
from cipher_service.client.online_refusals import Distrusted, MinistryRefused, Unreachable
from cipher_service.client.online_session import Session, open_session
from cipher_service.client.passphrases import open_identity
from cipher_service.client.sdk import canonical_bytes
from cipher_service.client.terminal import Terminal
from cipher_service.wire.prekeys import PrekeyOffers, PrekeyRequest
from keys.dispatch import Destination
from keys.errors import Refusal
from keys.identity import Identity
from keys.manifest import CIPHER, COPY
from keys.prekey_store import PrekeyStore
from keys.prekeys import BUNDLE_MOST, LIFE_MOST, Prekey, make_bundle, read_offer

LOW: Final = 10
"""Below so many free ones the post is told to make more."""


def new(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre prekeys new`: make a bundle; hand it in, or write it out for a bag."""
    if not 1 <= arguments.count <= BUNDLE_MOST or not 1 <= arguments.days <= LIFE_MOST.days:
        raise Misused("PREKEYS_COUNT", most=BUNDLE_MOST, days=LIFE_MOST.days)
    folder = Path(arguments.identity)
    if arguments.out is not None:
        out = Path(arguments.out)
        if out.exists():
            raise Refused("FILE_EXISTS", path=str(out))
        bundle = _made(folder, open_identity(arguments, terminal), arguments)
        write_durably(out, bundle)
        _tell(terminal, made=arguments.count, free=None, out=str(out))
        return
    with open_session(arguments, terminal) as session:
        bundle = _made(folder, session.identity, arguments)
        free = session.ministry.hand_in_prekeys(bundle).free
        resume(session)
    _tell(terminal, made=arguments.count, free=free, out=None)


def hand_in(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre prekeys hand-in`: hand in a bundle that was written out before."""
    bundle = Path(arguments.file).read_bytes()
    with open_session(arguments, terminal) as session:
        free = session.ministry.hand_in_prekeys(bundle).free
        resume(session)
    _tell(terminal, made=0, free=free, out=None)


def status(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre prekeys status`: how many the ministry can give out, how many open here."""
    with open_session(arguments, terminal) as session:
        learn_burnt(session)
        free = session.ministry.prekeys().free
        store = PrekeyStore(Path(arguments.identity), session.identity)
        kept, used, burnt = len(store.ids()), len(store.used()), len(store.burnt())
        resume(session)
    if terminal.as_json:
        told = {"free": free, "kept": kept, "used": used, "burnt": burnt, "low": free < LOW}
        terminal.show_json(told)
        return
    terminal.say("prekeys_status", free=free, kept=kept, used=used, burnt=burnt)
    if free < LOW:
        terminal.say("prekeys_low", free=free)


def learn_burnt(session: Session) -> None:
    """Note which of this post's prekeys were burnt, before anything is opened with them."""
    store = PrekeyStore(session.pins.folder, session.identity)
    if not store.ever_made:
        return
    new = store.burn(session.ministry.burnt_prekeys().burnt)
    if new:
        session.terminal.say("prekeys_burnt", count=len(new))


def warn_when_low(session: Session) -> None:
    """Tell the user in time that the ministry runs out of this post's prekeys, if it has any."""
    if not PrekeyStore(session.pins.folder, session.identity).ever_made:
        return
    free = session.ministry.prekeys().free
    if free < LOW:
        session.terminal.say("prekeys_low", free=free)


def with_prekeys(session: Session, decided: Draft) -> Draft:
    """Return a draft whose addressees over the wire are each written to under a prekey, if any.

    Nothing here keeps a dispatch from leaving; the sender is told why one leaves without.
    """
    cards = {
        each.card.fingerprint: each.card
        for each in decided.destinations
        if each.role != COPY and each.delivery == CIPHER
    }
    if not cards:
        return decided
    posts = [card.post for card in cards.values()]
    wanted = PrekeyRequest(dispatch_id=decided.heading.id, posts=posts)
    try:
        answer = _taken(session, wanted)
    except (Unreachable, MinistryRefused, Distrusted) as error:
        session.terminal.say("prekeys_not_taken", code=error.code)
        return decided
    taken: dict[str, Prekey] = {}
    for offer in answer.offers:
        _judge(session, canonical_bytes(offer), decided, taken)
    return replace(
        decided, destinations=tuple(_under(each, taken) for each in decided.destinations)
    )


def _taken(session: Session, wanted: PrekeyRequest) -> PrekeyOffers:
    """Ask once more where the line broke: the same dispatch is given the same prekeys."""
    try:
        return session.ministry.take_prekeys(wanted)
    except Unreachable as away:
        if away.wait is None:
            raise
    return session.ministry.take_prekeys(wanted)


def _judge(session: Session, offer: bytes, decided: Draft, taken: dict[str, Prekey]) -> None:
    refusal: Refusal | None = None
    for each in decided.destinations:
        if each.role == COPY or each.card.fingerprint in taken:
            continue
        try:
            taken[each.card.fingerprint] = read_offer(offer, each.card, clock.now())
        except Refusal as error:
            refusal = error
        else:
            return
    code = refusal.code if refusal is not None else "PREKEY_NOT_OF_CARD"
    session.terminal.say("prekey_refused", code=code)


def _under(destination: Destination, taken: dict[str, Prekey]) -> Destination:
    if destination.role == COPY or destination.delivery != CIPHER:
        return destination
    return replace(destination, prekey=taken.get(destination.card.fingerprint))


def _made(folder: Path, identity: Identity, arguments: Namespace) -> bytes:
    created = clock.now().replace(microsecond=0)
    prekeys = PrekeyStore(folder, identity).make(arguments.count)
    return make_bundle(
        prekeys,
        identity.card,
        created=created,
        expires=created + timedelta(days=arguments.days),
        sign=identity.sign,
    )


def _tell(terminal: Terminal, *, made: int, free: int | None, out: str | None) -> None:
    if terminal.as_json:
        terminal.show_json({"made": made, "free": free, "file": out})
    elif free is None:
        terminal.say("prekeys_written", count=made, path=out or "")
    else:
        terminal.say("prekeys_handed_in", count=made, free=free)
