"""French signs keep to their words: what a page, a paper or a problem shows in French.

French sets a space before `:`, `;`, `?`, `!` and `»` and after `«` (Lexique des règles
typographiques en usage à l'Imprimerie nationale), and a line may not end there. Our sources are
written with plain spaces, so that they can be typed and searched; they are read through `held`.
What commands write on a terminal keeps plain spaces: a terminal does not break lines between
words, and its lines are piped and searched.
"""

import re
from typing import Final

NO_BREAK: Final = "\N{NO-BREAK SPACE}"

_BREAKABLE: Final = re.compile("(?<=«) | (?=[:;?!»])")


def held(text: str) -> str:
    """Return a French text whose signs cannot be parted from their words at the end of a line."""
    return _BREAKABLE.sub(NO_BREAK, text)


def held_in(language: str, text: str) -> str:
    """Return a text of a language, `fr` or `en`, held if it is French."""
    return held(text) if language == "fr" else text
