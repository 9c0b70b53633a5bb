"""What `chiffre` says, in French and in English.

The texts are data, in `texts/*.toml`. Failures are told in three parts: what happened, what it
changed (as a rule nothing), what to do now. Single sentences are phrases:

    [failures.NOT_AGE]
    fr = ["cause", "effet", "que faire"]
    en = ["cause", "effect", "what to do"]

    [phrases.waiting]
    fr = "..."
    en = "..."

Places like `{path}` are filled with the facts of the failure.
"""

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from cipher_service.errors import Facts, filled

Language = Literal["fr", "en"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A failure in words.

    Attributes:
        cause: what happened.
        effect: what it changed or did not change.
        remedy: what to do now.
    """

    cause: str
    effect: str
    remedy: str


def asked_language(typed: Sequence[str]) -> str | None:
    """Find --lang before parsing: wrong usage too is told in the language asked for."""
    for position, word in enumerate(typed):
        if word.startswith("--lang="):
            return word.removeprefix("--lang=")
        if word == "--lang":
            return typed[position + 1] if position + 1 < len(typed) else None
    return None


def choose_language(wanted: str | None, environment: Mapping[str, str]) -> Language:
    """Return the language to speak: as asked, else by the locale, else French.

    Args:
        wanted: `fr` or `en` when it was asked for.
        environment: where LC_ALL, LC_MESSAGES and LANG are, in that order of weight.
    """
    locale = next(
        (environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)),
        "",
    )
    return "en" if (wanted or locale).lower().startswith("en") else "fr"


def explain(code: str, facts: Facts, language: Language) -> Explanation | None:
    """Return the text of a failure, or None when the code has none."""
    entry = texts()["failures"].get(code)
    if entry is None:
        return None
    return Explanation(*(fill(part, facts).rstrip() for part in entry[language]))


def phrase(name: str, language: Language, **facts: str | int) -> str:
    """Return a sentence. Raises KeyError for a name that has none: a defect of the caller."""
    return fill(texts()["phrases"][name][language], facts)


def argparse_words(language: Language) -> dict[str, str]:
    """Return argparse's own words in a language, by their English."""
    words: dict[str, str] = texts()["argparse"].get(language, {})
    return words


@cache
def texts() -> dict[str, dict[str, Any]]:
    """Return every text: `failures`, `phrases` and `argparse`, each by name."""
    found: dict[str, dict[str, Any]] = {"failures": {}, "phrases": {}, "argparse": {}}
    for file in files("cipher_service.client").joinpath("texts").iterdir():
        for table, entries in tomllib.loads(file.read_text("utf-8")).items():
            found[table] |= entries
    return found


def printable(text: str) -> str:
    """Return text that cannot steer a terminal or reorder what is read beside it.

    A sender chooses subjects and file names: control signs, line ends and the invisible signs that
    turn the direction of writing are shown as their code points.
    """
    return "".join(
        sign if unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} else _shown(sign)
        for sign in text
    )


def _shown(sign: str) -> str:
    return f"<U+{ord(sign):04X}>"


def fill(text: str, facts: Facts) -> str:
    """Put facts into the places of a text; nothing in them can steer a terminal."""
    return filled(text, {name: printable(str(value)) for name, value in facts.items()})
