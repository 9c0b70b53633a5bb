"""The process that decodes a photograph sent from outside: nothing else runs in it.

Decoders of pictures are where a crafted file attacks. Here one meets neither keys nor a
connection, may open no file to write, and takes neither memory nor time beyond its bounds; and
the memory that points take goes with the process.

Standard input: the file as it came. Standard output: the JPEG that is kept. A file that is no
photograph ends it, however Pillow fails on it, with a status other than 0.
"""

import io
from typing import Final

from PIL import ExifTags, Image

from cipher_service.apart import answer_apart

_MEMORY: Final = 512 * 1024 * 1024
_CPU_SECONDS: Final = 10
_KEPT_MOST: Final = 384 * 1024
_POINTS_MOST: Final = 12_000_000
"""As many as are decoded at once, at four bytes each."""
_FORMATS: Final = ("JPEG", "PNG", "WEBP")
"""By what stands in the file: what its sender calls it is not asked."""
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By the number that a camera gives its orientation; 1 is upright."""
_STEPS: Final = ((1600, 82), (1600, 60), (1280, 50), (900, 40))
"""Longest side and quality, until it fits; the last always does."""


def redrawn(data: bytes) -> bytes:
    """Return the points of a photograph alone, as a small JPEG; fail in any way on what is none."""
    points, drawn = _points(data), b""
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
            raise ValueError("more points than any photograph")
        image.thumbnail((_STEPS[0][0], _STEPS[0][0]))
        points, turn = image.convert("RGB"), _turn(image)
        return points if turn is None else points.transpose(turn)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return how to turn the points upright; None where the camera does not say it legibly."""
    try:
        told = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001 - Pillow fails in any way on what a camera wrote; it is dropped
        return None
    return _TURNS.get(told) if isinstance(told, int) else None


if __name__ == "__main__":
    answer_apart(redrawn, memory=_MEMORY, cpu_seconds=_CPU_SECONDS)
