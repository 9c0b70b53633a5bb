"""Photographs of seals and bags: made small and bare, then enciphered to the bureau's card.

A telephone's picture tells where it was taken and by which device, and a crafted one attacks
whoever opens it. So the points alone are kept, drawn anew as a JPEG that fits the registrar's
frame; what the camera wrote beside them is gone before anything is stored.
"""

import io
from typing import Final

from PIL import Image, ImageOps

from cipher_service.errors import ServiceError
from keys.age.files import encrypt
from keys.cards import Card

FILE_MOST: Final = 12 * 1024 * 1024
SUBJECTS: Final = ("seals", "bag", "item")
_KEPT_MOST: Final = 384 * 1024
_POINTS_MOST: Final = 12_000_000
"""As many as are decoded at once, at four bytes each."""
_FORMATS: Final = ("JPEG", "PNG", "WEBP")
"""By what stands in the file: what its sender calls it is not asked."""
_STEPS: Final = ((1600, 82), (1600, 60), (1280, 50), (900, 40))
"""Longest side and quality, until it fits; the last always does."""


def sealed_photograph(data: bytes, card: Card) -> bytes:
    """Return a photograph as it is kept.

    Raises:
        ServiceError: PHOTOGRAPH_UNREADABLE: no JPEG, PNG or WebP, damaged, or larger than any
            photograph.
    """
    return encrypt(bare(data), [card.recipient])


def bare(data: bytes) -> bytes:
    """Return the points of a photograph alone, as a small JPEG. Refusals as `sealed_photograph`."""
    if len(data) > FILE_MOST:
        raise ServiceError("PHOTOGRAPH_UNREADABLE")
    try:
        points = _points(data)
    except Exception as error:  # on a file made to harm it, Pillow fails by any type
        raise ServiceError("PHOTOGRAPH_UNREADABLE") from error
    drawn = b""
    for side, quality in _STEPS:
        points.thumbnail((side, side))
        out = io.BytesIO()
        # A fresh picture: `save` would carry over what the old one brought along.
        Image.frombytes("RGB", points.size, points.tobytes()).save(out, "JPEG", quality=quality)
        drawn = out.getvalue()
        if len(drawn) <= _KEPT_MOST:
            break
    return drawn


def _points(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        # A JPEG is decoded at a half, a quarter or an eighth already, the shorter side above this.
        image.draft("RGB", (1000, 1000))
        if image.width * image.height > _POINTS_MOST:
            raise ServiceError("PHOTOGRAPH_UNREADABLE")
        image.thumbnail((_STEPS[0][0], _STEPS[0][0]))
        return ImageOps.exif_transpose(image).convert("RGB")
