"""Which officer may do what with which bag (articles 12 and 15): the books asked, Cedar decides.

A bag's level is that of its class. Who packed it does not witness its sealing; a courier acts on
the bags of the departure that the waybill entrusts to them. What belongs to no bag yet (routes, the
stock of seals) is decided as a bag without a level that stays at headquarters.
"""

from datetime import datetime

from sqlalchemy import Connection

from cipher_service.access.acts import Gate, circumstances
from cipher_service.access.acts import require as require_decided
from cipher_service.access.principals import rank
from cipher_service.access.subjects import Circumstances, Pouch
from cipher_service.labels.scheme import Scheme
from cipher_service.pouches.repository import Closing
from pouch.manifest import BagClass

LIST, PACK, HAND_OVER = "pouch-list", "pouch-pack", "pouch-handover"
SEAL, OPEN = "pouch-seal", "pouch-open"


def bag_of(closing: Closing, scheme: Scheme, *, courier: str = "", second: str = "") -> Pouch:
    """Return a closing as the policies see it.

    Args:
        closing: the bag's.
        scheme: the markings.
        courier: who carries it by its waybill.
        second: the other person of the act: named as the packer when they are one of several.
    """
    packers = closing.packers
    return Pouch(
        identifier=closing.seal,
        level=level_of(closing.bag_class, scheme),
        origin=closing.route.origin,
        destination=closing.route.destination,
        courier=courier,
        packer=second if second in packers else next(iter(packers), ""),
    )


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
