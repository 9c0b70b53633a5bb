"""Words by which a sentence that is not French gives itself away."""

import re
from typing import Final

ENGLISH: Final = re.compile(
    r"\b(the|and|with|this|is|of|it|must|be|has|have|was|were|lacks|unknown|which|above|than|nor|"
    r"bag|bags|whole|what|that|not|cannot|from|only|something|follows|canonical)\b",
    re.IGNORECASE,
)
_DETAIL: Final = "Détail technique, en anglais : "


def english_in(told: str, *, details: bool = False) -> list[str]:
    """Return the lines of a refusal that hold English.

    Args:
        told: what stood on standard error, told to a French reader.
        details: whether the technical line counts, which is in English for who maintains.
    """
    lines = [line.strip() for line in told.splitlines()]
    return [
        line for line in lines if ENGLISH.search(line) and (details or not line.startswith(_DETAIL))
    ]
