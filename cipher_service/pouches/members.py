"""The words for what is wrong in a bag's papers, in the reader's language.

A refusal carries the member's path as a fact (`member="waybill.packages"`), which no language
changes; whoever shows it asks here for its words.
"""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

from cipher_service.errors import Facts
from pouch.naming import member_named

MEMBER: Final = "member"
OTHER: Final = "other"
_PLACE: Final = re.compile(r"(items|changes) ([0-9]+)(?:\.|$)")
_PLACES: Final = {
    "items": {"fr": "ligne {nth}, {word}", "en": "line {nth}, {word}"},
    "changes": {"fr": "mention {nth}, {word}", "en": "entry {nth}, {word}"},
}


def wrong_member(error: Exception) -> str:
    """Return the path of the member that a reader's error is about, `other` for none."""
    return member_named(str(error)) or OTHER


def member_told(path: str, language: str) -> str:
    """Return what a member is called, and how it is written.

    Args:
        path: from `wrong_member`.
        language: `fr` or `en`.
    """
    place = _PLACE.match(path)
    if place is not None:
        word = member_told(path[place.end() :], language)
        return _PLACES[place[1]][language].format(nth=place[2], word=word)
    parts = path.split(".")
    found = (".".join(parts[start:]) for start in range(len(parts)))
    words = _words()
    return words[next((each for each in found if each in words), OTHER)][language]


def in_words(facts: Facts, language: str) -> Facts:
    """Return a refusal's facts for a reader: the member that is wrong in words."""
    path = facts.get(MEMBER)
    return facts if path is None else {**facts, MEMBER: member_told(str(path), language)}


@cache
def _words() -> dict[str, dict[str, str]]:
    text = files("cipher_service.pouches").joinpath("members.toml").read_text("utf-8")
    return tomllib.loads(text)
