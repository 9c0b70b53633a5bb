"""What the pouch bureau keeps as ciphertext to the bureau's key, told from everything else there.

A piece or line of a bordereau, a waybill, a closing that was signed or is to be (pouch/SPEC.md §1,
§7), a rectification that was signed or is to be, with the levels of its bag's lines (§13): each is
canonical JSON of a known shape; a photograph stands behind words that say what it is. A draft, a
subject or a list of attachments is none of them, so that whoever may open bags' texts opens those
alone.
"""

from __future__ import annotations

from typing import Any, Final

from keys import canonical
from keys.custody.errors import BagTextUnknown

PIECE: Final = frozenset(
    {
        *("line", "register", "sender", "addressee", "kind", "level", "quantity", "weight_g"),
        *("enclosure", "salt"),
    }
)
WAYBILL: Final = frozenset(
    {
        *("number", "mode", "origin", "destination", "consignee", "packages", "carrier"),
        *("itinerary", "departs", "due"),
    }
)
DRAWN: Final = "valise/v1 drawn-closing"
KEPT: Final = "valise/v1 kept-closing"
RECTIFYING: Final = "valise/v1 drawn-rectification"
RECTIFIED: Final = "valise/v1 kept-rectification"
_RECTIFIED: Final = frozenset({"v", "type", "levels", "rectification"})
PHOTOGRAPH: Final = b"valise/v1 photograph\0"
"""What stands before the JPEG."""


def levels_in(text: bytes) -> tuple[str, ...]:
    """Gives the codes of the levels that a bag's text names; none for a waybill or a photograph.

    Raises:
        BagTextUnknown: it is no text of a bag.
    """
    if text.startswith(PHOTOGRAPH):
        return ()
    try:
        value = canonical.decode(text)
        if value.get("type") in (RECTIFYING, RECTIFIED):
            return _levels_beside(value)
        return tuple(piece["level"] for piece in _pieces(value))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BagTextUnknown("this text is not one of a bag") from error


def _levels_beside(value: Any) -> tuple[str, ...]:
    """Gives the levels that stand beside a rectification, which names none itself."""
    levels = value["levels"]
    if value.keys() != _RECTIFIED or not levels or any(not isinstance(one, str) for one in levels):
        raise ValueError("this is no rectification with its levels")
    return tuple(levels)


def _pieces(value: Any) -> list[dict[str, str]]:
    """Gives what names a level; whatever has another shape raises."""
    if value.keys() == WAYBILL:
        return []
    if value.keys() == PIECE:
        return [value]
    holder = {DRAWN: value, KEPT: value.get("sealed")}[value["type"]]
    pieces: list[dict[str, str]] = holder["manifest"]["items"]
    if not pieces or any(piece.keys() != PIECE for piece in pieces):
        raise ValueError("these are no lines of a bag")
    return pieces
