"""Which officer may do what with which bag (articles 12 and 15): the books asked, Cedar decides.

A bag's level is that of its class. Who packed it does not witness its sealing; a courier acts on
the bags of the departure that the waybill entrusts to them, until these are delivered. What belongs
to no bag yet (routes, the stock of seals) is decided as a bag without a level that stays at
headquarters.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access.acts import Gate, circumstances, founded
from cipher_service.access.acts import require as require_decided
from cipher_service.access.machines import Bag
from cipher_service.access.principals import rank
from cipher_service.access.subjects import Circumstances, Pouch
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import Scheme
from cipher_service.pouches import outcomes, repository, waybills
from cipher_service.pouches.repository import Closing
from pouch.classes import MODES
from pouch.custody import takers_of
from pouch.events import Event
from pouch.facts import (
    Accounted,
    Corrected,
    Found,
    HandedOver,
    Lost,
    Opened,
    Prepared,
    Recalled,
    Received,
    Sealed,
    Seen,
)
from pouch.manifest import BagClass

LIST, PACK, HAND_OVER = "pouch-list", "pouch-pack", "pouch-handover"
SEAL, OPEN = "pouch-seal", "pouch-open"

_ACTIONS: Final[Mapping[str, str]] = {
    Prepared.kind: PACK,
    Sealed.kind: SEAL,
    HandedOver.kind: HAND_OVER,
    Received.kind: HAND_OVER,
    Opened.kind: OPEN,
    Accounted.kind: HAND_OVER,
    Recalled.kind: HAND_OVER,
    Seen.kind: LIST,
    Lost.kind: LIST,
    Found.kind: LIST,
    Corrected.kind: LIST,
}


def bag_of(
    connection: Connection,
    closing: Closing,
    scheme: Scheme,
    *,
    officer: str,
    second: str = "",
    at: datetime | None = None,
) -> Pouch:
    """Return a closing as the policies see it when an officer asks.

    Args:
        connection: the books.
        closing: the bag's.
        scheme: the markings.
        officer: who asks: the bag's courier, once it was handed to them.
        second: the other person of the act: named as the packer when they are one of several.
        at: when it was done, told late; None for now.
    """
    courier = ""
    if not _delivered(connection, closing, at):
        courier = waybills.courier_of(connection, closing.departure) or ""
        if officer != courier and officer in _takers(connection, closing):
            courier = officer
    packers = closing.packers
    return Pouch(
        identifier=closing.seal,
        level=level_of(closing.bag_class, scheme),
        origin=closing.route.origin,
        destination=closing.route.destination,
        courier=courier,
        packer=second if second in packers else next(iter(packers), ""),
    )


def _delivered(connection: Connection, closing: Closing, at: datetime | None) -> bool:
    """Say whether the mandate of who carried a bag had ended by its receipt.

    A recalled bag is carried on until it is received at home.
    """
    held = outcomes.receipt_of(connection, closing.seal)
    if held is None or (closing.recalled and held.post != closing.route.origin):
        return False
    if at is None:
        return True
    told = (
        event.at
        for event in repository.events_of(connection, closing.seal)
        if event.id == held.event_id
    )
    return min([clock.parse(held.granted_at), *told]) < at


def _takers(connection: Connection, closing: Closing) -> frozenset[str]:
    if closing.stage == Prepared.kind:
        return frozenset()
    return takers_of(repository.events_of(connection, closing.seal))


def seen_by_posts(closing: Closing) -> Bag:
    """Return a closing as the policies see it when a post's machine asks."""
    return Bag(closing.route.origin, frozenset(closing.route.route.places))


def level_of(bag_class: BagClass, scheme: Scheme) -> int:
    """Return the rank of the highest that a bag of this class holds."""
    held = BagClass.RESTRICTED if bag_class is BagClass.CONTROLLED else bag_class
    return rank(scheme, held.value)


def house(post: str, what: str, level: int = 0) -> Pouch:
    """Return what belongs to no bag yet, such as the stock of seals, as the policies see it."""
    return Pouch(identifier=what, level=level, origin=post, destination=post)


def require(
    connection: Connection,
    gate: Gate,
    officer: str,
    action: str,
    bag: Pouch,
    now: datetime,
    *,
    second: str | None = None,
    item_level: str | None = None,
) -> None:
    """Demand that an officer may do this now.

    Args:
        connection: the books.
        gate: what decides.
        officer: who acts.
        action: one of the constants above.
        bag: on what.
        now: the present.
        second: the other person of an act of two.
        item_level: of what would be packed.

    Raises:
        ServiceError: UNKNOWN_OFFICER, NOT_ALLOWED with the policies that said so.
    """
    context = circumstances(connection, gate, now, approver=second)
    if item_level is not None:
        context = Circumstances(
            now,
            approver=context.approver,
            approver_functions=context.approver_functions,
            new_level=rank(gate.scheme, item_level),
        )
    require_decided(connection, gate, officer, action, bag, context)


def told_by_others(
    connection: Connection, gate: Gate, closing: Closing, event: Event, now: datetime
) -> bool:
    """Say whether an event was told by somebody who might not do what it tells.

    What happened stays on record whoever did it; but it grants no receipt and no discharge. At the
    founding, before there are officers in the books, nobody is asked.

    Args:
        connection: the books.
        gate: what decides.
        closing: of the bag.
        event: read and believed.
        now: the present; a device that is ahead of it is not asked about its future.
    """
    if not founded(connection):
        return False
    action = _ACTIONS[event.kind]
    at = min(event.at, now)
    second = event.witness.officer if event.witness else None
    paired = action in (SEAL, OPEN)
    asked = [event.officer]
    if isinstance(event.facts, HandedOver) and second and MODES[closing.mode].courier:
        asked.append(second)
    try:
        for officer in asked:
            bag = bag_of(
                connection, closing, gate.scheme, officer=officer, second=second or "", at=at
            )
            require(connection, gate, officer, action, bag, at, second=second if paired else None)
    except ServiceError:
        return True
    return False
