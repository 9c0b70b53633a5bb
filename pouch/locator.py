"""The locator: 24 digits by which a bag is looked up, for hand scanners and for typing.

It is the bag's own 22 digits and two check digits (ISO 7064, MOD 97-10), which catch every single
wrong digit and every exchange of two neighbours. It asserts nothing: only the seal does.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

from pouch.digits import from_azerty
from pouch.errors import LocatorWrong

BAG_DIGITS: Final = 22

_MODULUS: Final = 97
_LOCATOR: Final = re.compile(r"[0-9]{24}")
_GROUP: Final = 4


def new_bag() -> str:
    """Gives a new bag's number: random, so that it tells nothing of how many there are."""
    return f"{secrets.randbelow(10**BAG_DIGITS):0{BAG_DIGITS}d}"


def locator(bag: str) -> str:
    """Gives the 24 digits for a bag's 22."""
    return checked(bag)


def checked(digits: str) -> str:
    """Gives digits with the two check digits behind them (ISO 7064, MOD 97-10)."""
    return f"{digits}{_MODULUS + 1 - int(digits) * 100 % _MODULUS:02d}"


def grouped_locator(bag: str) -> str:
    """Gives the locator as it is printed, in six groups of four."""
    digits = locator(bag)
    return " ".join(digits[start : start + _GROUP] for start in range(0, len(digits), _GROUP))


def read_locator(text: str) -> str:
    """Gives the bag's 22 digits from a locator, typed or scanned, on a French keyboard or another.

    Raises:
        LocatorWrong: not 24 digits, or the check digits do not fit.
    """
    digits = from_azerty("".join(text.split()))
    if not _LOCATOR.fullmatch(digits):
        raise LocatorWrong("a locator has 24 digits")
    bag = digits[:BAG_DIGITS]
    # Compared, not reduced: 00 and 97 would be one remainder in two spellings.
    if locator(bag) != digits:
        raise LocatorWrong("the locator's check digits do not fit")
    return bag
