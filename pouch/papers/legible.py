"""What may stand on paper: every sign is shown as it is, or by its number, never left out.

A sign that no letter form exists for would print as an empty box, and an invisible one (a mark
that turns the direction of reading, say) would make a paper show what nobody wrote.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

# Latin, Greek, Cyrillic, Hebrew and Arabic with their punctuation: what the fonts at hand show.
_SHOWN: Final = re.compile(
    "[\n\u0020-\u007e\u00a0-\u04ff\u05d0-\u05ea\u060c\u061b\u061f\u0621-\u063a\u0641-\u0652"
    "\u0660-\u0669\u067e\u0686\u0698\u06a9\u06af\u06cc\u06f0-\u06f9\u1e00-\u1fff\u2010-\u2027"
    "\u202f-\u2040\u2044-\u2052\u2054-\u205e\u20a0-\u20bf\u2116\u2122\u2190-\u21ff]"
)
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn"})

_MONTHS: Final = {
    "fr": (
        *("janv.", "févr.", "mars", "avr.", "mai", "juin"),
        *("juil.", "août", "sept.", "oct.", "nov.", "déc."),
    ),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}


def legible(text: str) -> str:
    """Replaces what paper cannot show by its number, such as `[U+202E]`; a line break stays."""
    return "".join(sign if _is_shown(sign) else f"[U+{ord(sign):04X}]" for sign in text)


def instant_texts(instant: datetime) -> dict[str, str]:
    """Writes a UTC instant in both languages and as a date-time group (ACP 127 paragraph 113).

    Returns:
        `fr` such as `22 nov. 2026, 10 h 34`, `en` such as `22 Nov 2026, 10:34`, and `dtg` such as
        `221034Z NOV 26`.
    """
    french, english = (_MONTHS[language][instant.month - 1] for language in ("fr", "en"))
    return {
        "fr": f"{instant.day} {french} {instant.year}, {instant.hour}\u00a0h\u00a0{instant:%M}",
        "en": f"{instant.day} {english} {instant.year}, {instant:%H:%M}",
        "dtg": f"{instant:%d%H%M}Z {english.upper()} {instant:%y}",
    }


def _is_shown(sign: str) -> bool:
    if sign == "\n":
        return True
    return _SHOWN.match(sign) is not None and unicodedata.category(sign) not in _UNSEEN
