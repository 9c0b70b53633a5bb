"""A change of a bordereau as a person types it: `consignee=Le consul`, `3.weight=250`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pouch.places import Change, standing

if TYPE_CHECKING:
    from pouch.manifest import Manifest

WEIGHT: Final = "weight"
_DIGITS: Final = re.compile(r"[0-9]{1,9}")


def change_of(typed: str, right: Manifest) -> Change:
    """Gives the change that was typed; nothing after the sign takes an optional value away.

    Args:
        typed: the place, `=`, and what is right.
        right: the manifest as it stands after the rectifications before.

    Raises:
        ValueError: nothing may be put right there, or a weight is no whole number of grams.
        RectificationNotOfBag: there is no such line.
    """
    place, equals, text = typed.partition("=")
    number, dot, what = place.rpartition(".")
    if not equals or (dot and not _DIGITS.fullmatch(number)):
        raise ValueError("no place of a bordereau is named so")
    line = int(number) if dot else None
    try:
        was = standing(right, line, what)
    except KeyError as error:
        raise ValueError("no rectification puts that right") from error
    if what != WEIGHT:
        return Change(line, what, was, text or None)
    if not _DIGITS.fullmatch(text):
        raise ValueError("a weight is a whole number of grams")
    return Change(line, what, was, int(text))
