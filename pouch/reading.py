"""A symbol's text from a photograph or a scan: the only importer of `zxingcpp`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import zxingcpp
from PIL import Image, ImageOps

from pouch.errors import ImageUnreadable, SymbolNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

IMAGE_BYTES_MAX: Final = 32 * 1024 * 1024
# Below the number from which Pillow itself warns.
PIXELS_MAX: Final = 80_000_000
# A closed list: other formats of Pillow run programs or are rarely looked after.
FORMATS: Final = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
# A seal has more digits than a locator; both stand on one label.
LOCATOR_DIGITS: Final = 24

_QR: Final = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def read_image(data: bytes) -> str:
    """Gives the text of the one seal that a picture shows.

    Two faces of one tag in one picture are one seal; a locator beside it is passed over, and read
    only when it stands alone.

    Args:
        data: a file in one of `FORMATS`.

    Raises:
        ImageUnreadable: not such a file, damaged, or larger than any photograph.
        SymbolNotFound: no symbol is seen, or several different ones.
    """
    return _one(texts_in(data))


def texts_in(data: bytes) -> list[str]:
    """Gives the distinct texts of all QR symbols in a picture, in their order.

    Raises:
        ImageUnreadable: as `read_image`.
    """
    found = zxingcpp.read_barcodes(_grey(data), formats=_QR)
    return list(dict.fromkeys(each.text for each in found))


def _one(texts: Sequence[str]) -> str:
    seals = [text for text in texts if len(text) != LOCATOR_DIGITS] or texts
    if len(seals) != 1:
        raise SymbolNotFound(f"{len(seals)} seals are seen in the picture")
    return seals[0]


def _grey(data: bytes) -> Image.Image:
    if len(data) > IMAGE_BYTES_MAX:
        raise ImageUnreadable("the file is larger than any photograph")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > PIXELS_MAX:
                raise ImageUnreadable("the picture has more points than any photograph")
            return _flat(ImageOps.exif_transpose(image))
    # Pillow's readers fail by many types on a damaged file.
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, Warning) as error:
        raise ImageUnreadable("not a picture that can be read") from error
    except Image.DecompressionBombError as error:
        raise ImageUnreadable("the picture has more points than any photograph") from error


def _flat(image: Image.Image) -> Image.Image:
    """Gives a picture in greys, on white where it is transparent."""
    if not image.has_transparency_data:
        return image.convert("L")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("L")
