"""The slip of a dispatch as the ministry gives it, and whose hand it may be in."""

from cipher_service.client.online_refusals import Distrusted
from cipher_service.client.online_session import Session
from cipher_service.client.sdk import canonical_bytes
from keys.cards import Card
from keys.slips import Slip, read_head


def slip_of(session: Session, dispatch_id: str) -> Slip:
    """Return the slip of a dispatch, verified when its origin's card is confirmed here.

    Raises:
        Distrusted: it is the slip of another dispatch, or not of or for this post.
        SlipMalformed, SlipNotOfCard, SignatureInvalid: it does not hold.
    """
    record = session.ministry.dispatch(dispatch_id)
    signed = read_head(canonical_bytes({"signature": record.signature, "slip": record.slip}))
    slip = signed.slip
    concerned = {slip.origin, *(entry.post for entry in slip.addressees)}
    if slip.dispatch_id != dispatch_id or session.post not in concerned:
        raise Distrusted("SLIP_OF_ANOTHER", dispatch_id=dispatch_id)
    card = cards_of(session, slip.origin).get(slip.origin_card)
    if card is None:
        session.terminal.say("origin_unconfirmed", post=slip.origin, dispatch_id=dispatch_id)
    else:
        signed.verify(card)
    return slip


def cards_of(session: Session, post: str) -> dict[str, Card]:
    """Return the cards believed for a post, by fingerprint; one's own is always."""
    confirmed = session.pins.cards(post)
    own = [session.identity.card] if post == session.post else []
    return {card.fingerprint: card for card in (*confirmed, *own)}


def every_card(session: Session) -> dict[str, Card]:
    """Return every card that is confirmed here, by fingerprint, and one's own."""
    pins, own = session.pins, session.identity.card
    confirmed = (card for post in pins.posts() for card in pins.cards(post))
    return {card.fingerprint: card for card in (*confirmed, own)}
