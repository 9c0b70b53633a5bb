"""A seal's text and a bag's locator as QR symbols: the only importer of `qrcode`.

Numeric mode. The correction is the highest that keeps a seal within version 13 (69 modules), the
largest that telephones read well from a tag: Q for a usual one, M or L for one with many seal
numbers or a proof; beyond that, M in the smallest version up to 25. The mask is fixed: choosing
the best of eight costs five times the drawing and every one of them is read.
"""

from __future__ import annotations

import io
from typing import Final

from PIL import Image
from qrcode.constants import ERROR_CORRECT_L, ERROR_CORRECT_M, ERROR_CORRECT_Q
from qrcode.exceptions import DataOverflowError
from qrcode.main import QRCode
from qrcode.util import MODE_NUMBER, QRData

from pouch.errors import SealTooLarge

VERSION_MAX: Final = 13
QUIET: Final = 4
# 0.75 mm a module at 203 dots an inch, the resolution of label printers.
DOTS: Final = 6

_MASK: Final = 2
_TRIALS: Final = (
    (ERROR_CORRECT_Q, VERSION_MAX),
    (ERROR_CORRECT_M, VERSION_MAX),
    (ERROR_CORRECT_L, VERSION_MAX),
    (ERROR_CORRECT_M, 25),
)

Modules = list[list[bool]]


def draw(digits: str) -> Modules:
    """Gives the modules of a symbol, row by row, True for dark, without the quiet zone.

    Args:
        digits: a seal's text or a locator: 0 to 9 only.

    Raises:
        SealTooLarge: even version 25 does not hold it.
    """
    for correction, most in _TRIALS:
        symbol = QRCode(error_correction=correction, border=0, mask_pattern=_MASK)
        symbol.add_data(QRData(digits, mode=MODE_NUMBER))
        try:
            if symbol.best_fit(start=1) > most:
                continue
        except (DataOverflowError, ValueError):
            continue
        symbol.makeImpl(test=False, mask_pattern=_MASK)
        modules: Modules = symbol.get_matrix()
        return modules
    raise SealTooLarge(f"{len(digits)} digits do not fit into a symbol that is read on a tag")


def picture(digits: str, *, dots: int = DOTS) -> Image.Image:
    """Gives the symbol as a picture of two levels, with its quiet zone of four modules.

    Args:
        digits: as for `draw`.
        dots: sides of a module in pixels.

    Raises:
        SealTooLarge: as `draw`.
    """
    modules = draw(digits)
    side = len(modules) + 2 * QUIET
    small = Image.new("1", (side, side), 1)
    levels = bytes(0 if dark else 255 for row in modules for dark in row)
    small.paste(Image.frombytes("L", (len(modules), len(modules)), levels), (QUIET, QUIET))
    return small.resize((side * dots, side * dots), Image.Resampling.NEAREST)


def png(digits: str, *, dots: int = DOTS) -> bytes:
    """Gives the symbol as the bytes of a PNG file; see `picture`.

    Raises:
        SealTooLarge: as `draw`.
    """
    file = io.BytesIO()
    picture(digits, dots=dots).save(file, "PNG")
    return file.getvalue()
