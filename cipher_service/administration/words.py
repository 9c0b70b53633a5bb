"""What `cipher-service` says, in French and in English: `texts.toml` and one file more a subject.

Failures have three parts, as everywhere: the cause, what it changed, what to do. Phrases are single
sentences. Places like `{post}` are filled with facts.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from cipher_service.api.problems import TABLE
from cipher_service.client.messages import Explanation, Language, fill, texts
from cipher_service.client.terminal import Terminal
from cipher_service.errors import Facts
from cipher_service.pouches.members import in_words

FILES = (
    "texts.toml",
    "texts_access.toml",
    "texts_acts.toml",
    "texts_audit.toml",
    "texts_components.toml",
    "texts_custody.toml",
    "texts_pouch.toml",
    "texts_items.toml",
    "texts_keys.toml",
)


def phrase(name: str, language: Language, **facts: str | int) -> str:
    """Return a sentence. Raises KeyError for a name that has none: a defect of the caller."""
    text: str = _texts()["phrase"][name][language]
    return fill(text, facts)


def has_phrase(name: str) -> bool:
    """Tell whether there is a sentence of that name."""
    return name in _texts()["phrase"]


def explain(code: str, facts: Facts, language: Language) -> Explanation | None:
    """Return the three parts that explain a failure, None when it has no text.

    What only the API has words for is told with those.
    """
    entry = _texts()["failure"].get(code)
    if entry is None:
        row = TABLE.get(code)
        if row is None:
            return None
        words, facts = row.fr if language == "fr" else row.en, in_words(facts, language)
        return Explanation(words.title + ".", fill(words.detail, facts), fill(words.remedy, facts))
    return Explanation(*(fill(part, facts) for part in entry[language]))


def has_words(code: str) -> bool:
    """Tell whether `explain` has words for a failure that `chiffre` has not, or has otherwise."""
    known = code in TABLE and code not in texts()["failures"]
    return known or code in _texts()["failure"]


class Speaker:
    """Says phrases of this catalogue on a command's streams."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def show(self, name: str, **facts: str | int) -> None:
        """Write a phrase as a line of the result."""
        self.terminal.show(phrase(name, self.terminal.language, **facts))

    def say(self, name: str, **facts: str | int) -> None:
        """Tell a phrase beside the result."""
        self.terminal.tell(phrase(name, self.terminal.language, **facts))


@cache
def _texts() -> dict[str, dict[str, Any]]:
    """Return the phrases and failures of all files; no name stands in two of them (tested)."""
    whole: dict[str, dict[str, Any]] = {"phrase": {}, "failure": {}}
    for name in FILES:
        text = files("cipher_service.administration").joinpath(name).read_text("utf-8")
        for part, entries in tomllib.loads(text).items():
            whole[part].update(entries)
    return whole
