"""Help in context: for each page what it is for, what its buttons do, its keys; after a refusal.

`help/` has a row for each template that is a page: three sentences in each language, and the keys
that work there. What a key does stands with its flow.
"""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from cipher_service.console.language import Language
from cipher_service.typography import held

_HOUSE: Final = "house"
"""The file whose rows have the names of whole templates; other files are folders of them."""


@dataclass(frozen=True, slots=True)
class Help:
    """The help of one page in one language.

    Attributes:
        purpose: what the page is for.
        buttons: what they do.
        refused: what to do if something is refused.
        keys: the shortcuts that work on this page.
    """

    purpose: str
    buttons: str
    refused: str
    keys: tuple[str, ...]


def _read() -> dict[str, dict[Language, Help]]:
    found: dict[str, dict[Language, Help]] = {}
    for file in files("cipher_service.console").joinpath("help").iterdir():
        folder = file.name.removesuffix(".toml")
        for name, row in tomllib.loads(file.read_text("utf-8")).items():
            keys = tuple(row.get("keys", ()))
            whole = name if folder == _HOUSE else f"{folder}/{name}"
            found[f"{whole}.html"] = {
                "fr": _told([held(text) for text in row["fr"]], keys),
                "en": _told(row["en"], keys),
            }
    return found


def _told(sentences: list[str], keys: tuple[str, ...]) -> Help:
    purpose, buttons, refused = sentences
    return Help(purpose, buttons, refused, keys)


PAGES: Final = _read()


def help_of(template: str, language: Language) -> Help:
    """Return the help of the page that a template is. Raises KeyError if it has none."""
    return PAGES[template][language]
