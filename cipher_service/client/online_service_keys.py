"""The ministry's root and the key of its receipts, as a post comes to know others of them.

A person confirmed a service key at the enrolment. When the ministry exchanges it, its root says
which one follows; the post takes that up by itself when the first receipt by the new key comes,
and keeps the keys before it for the receipts that they signed. A key that the root does not lead to
is refused as ever, and nothing changes.
"""

from dataclasses import replace

from cipher_service.client.online_pins import MinistryPin, Pins
from cipher_service.client.online_refusals import Distrusted, Unready
from cipher_service.client.online_session import Session
from cipher_service.client.sdk import canonical_bytes
from cipher_service.wire.directory import ServiceCard
from keys.cards import grouped
from keys.endorsement import read_introduction
from keys.errors import Refusal
from keys.receipts import ReceiptNotOfKey, Submitted, read_submitted_receipt
from keys.signing import VerifyingKey
from keys.succession import RECEIPTS_KEY


def read_receipt(session: Session, data: bytes) -> Submitted:
    """Read the ministry's receipt, and follow its key if another one signed it.

    Raises:
        Refusal: as `keys.receipts.read_submitted_receipt`.
        Unreachable, MinistryRefused, Distrusted: the ministry does not tell how its key followed.
    """
    try:
        return read_submitted_receipt(data, session.pin.receipt_keys)
    except ReceiptNotOfKey:
        if not follow(session):
            raise
        return read_submitted_receipt(data, session.pin.receipt_keys)


def follow(session: Session) -> bool:
    """Take up the service key that the ministry shows now; False when it is the one known.

    Raises:
        Distrusted: SERVICE_KEY_CHANGED: the root does not lead to it.
        Unreachable, MinistryRefused: nothing was heard.
    """
    card = session.ministry.service_card()
    if card.service_key.fingerprint == session.pin.fingerprint:
        return False
    try:
        root = _root_by(session, card)
    except (Unready, Refusal):
        root = None
    followed = None if root is None else following(session.pin, card, root)
    if followed is None:
        raise Distrusted(
            "SERVICE_KEY_CHANGED",
            known=grouped(session.pin.fingerprint),
            offered=grouped(card.service_key.fingerprint),
        )
    _pin(session, followed)
    return True


def following(pin: MinistryPin, card: ServiceCard, root: VerifyingKey) -> MinistryPin | None:
    """Return the pin with the service key that a ministry shows, None where the root says nothing.

    Args:
        pin: what is believed until now.
        card: what the ministry shows.
        root: what is believed of cards and keys.
    """
    files = [canonical_bytes(each) for each in card.successions]
    try:
        line, taken = pin.receipt_keys.following(files, RECEIPTS_KEY, root)
    except Refusal:
        return None
    found = replace(pin, service_key=line.current, successions=(*pin.successions, *taken))
    return found if found.fingerprint == card.service_key.fingerprint else None


def root_of(session: Session) -> VerifyingKey:
    """Return the ministry's root, which vouches for cards, packs and keys.

    One that was not introduced yet at the enrolment (the keys were sealed) is learnt now, by the
    bureau's card as it was confirmed here; a root that is known stands by itself.

    Raises:
        Unready: CARD_ABSENT, ROOT_UNKNOWN.
        Refusal: the introduction does not hold.
    """
    if session.pin.root is not None:
        return session.pin.root
    return _root_by(session, session.ministry.service_card())


def _root_by(session: Session, told: ServiceCard) -> VerifyingKey:
    pin = session.pin
    if pin.root is not None:
        return pin.root
    card = session.pins.current(pin.headquarters)
    if card is None:
        raise Unready("CARD_ABSENT", post=pin.headquarters)
    if told.root is None:
        raise Unready("ROOT_UNKNOWN")
    root = read_introduction(canonical_bytes(told.root), card)
    _pin(session, replace(pin, root=root))
    return root


def _pin(session: Session, pin: MinistryPin) -> None:
    Pins(session.pins.folder).pin_ministry(pin)
    session.pin = pin
