"""Photographs of seals and bags: made small and bare, then enciphered to the bureau's card.

A telephone's picture tells where it was taken and by which device, and a crafted one attacks
whoever opens it. So the points alone are kept, drawn anew in a process of its own as a JPEG that
fits the registrar's frame; what the camera wrote beside them is gone before anything is stored.
"""

from threading import BoundedSemaphore
from typing import Final

from cipher_service.apart import asked_apart
from cipher_service.errors import ServiceError
from keys.age.files import encrypt
from keys.cards import Card
from keys.custody import Custodian
from keys.custody.bag_texts import PHOTOGRAPH

FILE_MOST: Final = 12 * 1024 * 1024
SUBJECTS: Final = ("seals", "bag", "item")
_DRAWS: Final = "cipher_service.pouches.redrawing"
_SECONDS: Final = 20.0
_AT_ONCE: Final = BoundedSemaphore(2)


def sealed_photograph(data: bytes, card: Card) -> bytes:
    """Return a photograph as it is kept.

    Raises:
        ServiceError: PHOTOGRAPH_UNREADABLE: no JPEG, PNG or WebP, damaged, or larger than any
            photograph.
    """
    if len(data) > FILE_MOST:
        raise ServiceError("PHOTOGRAPH_UNREADABLE")
    return encrypt(PHOTOGRAPH + _redrawn(data), [card.recipient])


def opened(body: bytes, custodian: Custodian) -> bytes:
    """Return the JPEG. Raises KeysError: the custodian refuses."""
    return custodian.open_bag_text(body).removeprefix(PHOTOGRAPH)


def _redrawn(data: bytes) -> bytes:
    with _AT_ONCE:
        try:
            drawn = asked_apart(_DRAWS, data, seconds=_SECONDS)
        except TimeoutError as error:
            raise ServiceError("PHOTOGRAPH_UNREADABLE") from error
    if drawn is None:
        raise ServiceError("PHOTOGRAPH_UNREADABLE")
    return drawn
