"""Bytes as decimal digits, so that a symbol is small and no keyboard layout can corrupt it.

A text is the calibration `0123456789` and then 17 digits for every 7 bytes; a shorter last group
of 1 to 6 bytes takes 3, 5, 8, 10, 13 or 15 digits. A hand scanner types keys: under another layout
each digit comes out as another sign (`à` for `0` on AZERTY), but the same one each time, and the
calibration shows which. So ten distinct signs are read back as the ten digits, whatever they are.
"""

from __future__ import annotations

import unicodedata
from typing import Final

CALIBRATION: Final = "0123456789"
AZERTY: Final = "à&é\"'(-è_ç"
TEXT_MAX: Final = 4096

_GROUP: Final = 7
# Digits for a group of so many bytes: the fewest that hold 256 to that power.
_DIGITS: Final = (0, 3, 5, 8, 10, 13, 15, 17)
_FORMS: Final = tuple(f"%0{digits}d" for digits in _DIGITS)
_BYTES: Final = {digits: count for count, digits in enumerate(_DIGITS)}


def encode_digits(data: bytes) -> str:
    """Gives the text of some bytes."""
    groups = (data[start : start + _GROUP] for start in range(0, len(data), _GROUP))
    return CALIBRATION + "".join(_FORMS[len(group)] % int.from_bytes(group) for group in groups)


def decode_digits(text: str) -> bytes:
    """Reads what `encode_digits` gave, typed under any keyboard layout.

    Space and line ends around it are the scanner's and are dropped.

    Raises:
        ValueError: not ten distinct signs first, another sign after them, or not the one encoding.
    """
    digits = _straighten(text)
    body = digits[len(CALIBRATION) :]
    whole = _DIGITS[_GROUP]
    groups = [body[start : start + whole] for start in range(0, len(body), whole)]
    try:
        # One text has one reading and the reverse: groups have fixed lengths and `to_bytes` refuses
        # a number that is too large for its bytes.
        return b"".join(int(group).to_bytes(_BYTES[len(group)]) for group in groups)
    except (KeyError, OverflowError) as error:
        raise ValueError("the digits stop amid a group, or one is too large") from error


def from_azerty(text: str) -> str:
    """Gives digits typed on a French keyboard as digits; other signs stay."""
    return unicodedata.normalize("NFC", text).translate(str.maketrans(AZERTY, CALIBRATION))


def _straighten(text: str) -> str:
    """Gives the digits of a scanned text, calibration included."""
    if len(text) > TEXT_MAX:
        raise ValueError("too long for a symbol")
    # Composed, since a layout may give é in two code points.
    typed = unicodedata.normalize("NFC", text.strip())
    calibration = typed[: len(CALIBRATION)]
    table = dict(zip(calibration, CALIBRATION, strict=False))
    if len(table) != len(CALIBRATION):
        raise ValueError("the calibration is not ten distinct signs")
    if not set(typed) <= table.keys():
        raise ValueError("a sign is not in the calibration")
    return typed.translate({ord(sign): digit for sign, digit in table.items()})
