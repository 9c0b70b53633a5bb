"""Help in context on the pages of the other origin: what for, what the button does, if refused.

Those pages are fixed bytes, so that their help is too; it names what the page's own script shows.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

from cipher_service.console.language import Language
from cipher_service.console.own import MAKE_OWN_KEY, OWN_KEY
from cipher_service.typography import held_in

ROWS: Final = {"": "sign", OWN_KEY: "read", MAKE_OWN_KEY: "make"}
"""The row of `help_elsewhere.toml`, by the end of a page's address after the language."""
_SUMMARY: Final[dict[Language, str]] = {"fr": "Aide de cette page", "en": "Help with this page"}


def help_of(end: str, language: Language) -> str:
    """Return the help of a page as HTML."""
    lines = "".join(f"<p>{line}</p>\n" for line in told(end, language))
    return (
        '<details class="govuk-details app-apart"><summary class="govuk-details__summary">'
        f'<span class="govuk-details__summary-text">{_SUMMARY[language]}</span></summary>\n'
        f'<div class="govuk-details__text">\n{lines}</div></details>\n'
    )


def told(end: str, language: Language) -> list[str]:
    """Return what the page is for, what its buttons do, and what to do if something is refused."""
    return [held_in(language, line) for line in _rows()[ROWS[end]][language]]


@cache
def _rows() -> dict[str, dict[str, list[str]]]:
    written = files("cipher_service.console") / "help_elsewhere.toml"
    return tomllib.loads(written.read_text("utf-8"))
