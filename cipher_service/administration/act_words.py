"""An act in words, from the very bytes that are signed, for whoever reads it at a terminal."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cipher_service.administration.words import has_phrase, phrase
from cipher_service.client.messages import Language
from cipher_service.console.coded import CODES, reason, thing
from cipher_service.console.language import moment, translations
from cipher_service.labels.scheme import default_scheme
from keys import canonical
from keys.acts import Act

_FIRST: Final = ("reason", "resource", "subjects")
_TOLD_APART: Final = frozenset({"v", "type", "kind", "parameters", "seats", "version", "id"})
_OF_LINES: Final = frozenset({"found"})
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:]{8}Z")
_OFFICER: Final = re.compile(r"OFF-\d{6,12}")


def title(act: Act, language: Language) -> str:
    """Return what an act does."""
    return phrase(f"act_{act.kind}", language)


def lines(act: Act, names: Mapping[str, str], language: Language) -> Iterator[str]:
    """Say every member of the signed object, what matters most first, each on its line.

    Args:
        act: what will be signed.
        names: of officers, by number; they are said beside the number that is signed.
        language: of the words.
    """
    members: dict[str, Any] = canonical.decode(act.encoded)
    say = translations(language).gettext
    members |= {"reason": reason(act, say), "resource": thing_of(act, language)}
    yield phrase("act_said", language, member=phrase("act", language), said=title(act, language))
    order = {name: place for place, name in enumerate(_FIRST)}
    told = [pair for pair in members.items() if pair[0] not in _TOLD_APART]
    told.sort(key=lambda pair: order.get(pair[0], len(order)))
    for name, value in (*told, *members["parameters"].items()):
        if value in ([], None, ""):
            continue
        label = phrase(f"member_{name}", language) if has_phrase(f"member_{name}") else name
        first, *more = _said(name, value, names, language).splitlines() or [""]
        yield phrase("act_said", language, member=label, said=first)
        yield from (f"    {line}" for line in more)


def thing_of(act: Act, language: Language) -> str:
    """Return what an act is on."""
    return thing(act, translations(language).gettext)


def named(text: str, names: Mapping[str, str]) -> str:
    """Return a text with the names of officers beside their numbers."""
    return _OFFICER.sub(
        lambda found: f"{names[found[0]]} ({found[0]})" if found[0] in names else found[0], text
    )


def _said(name: str, value: object, names: Mapping[str, str], language: Language) -> str:
    if name == "rank" and isinstance(value, int) and value < len(default_scheme().levels):
        return default_scheme().levels[value].name(language)
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return f"{moment(value, language)} UTC"
    return named(_plain(name, value, language), names)


def _plain(name: str, value: object, language: Language) -> str:
    if isinstance(value, list):
        deep = any(isinstance(each, dict | list) for each in value)
        return (" · " if deep else ", ").join(_plain(name, each, language) for each in value)
    if isinstance(value, dict):
        counted = "act_of_line" if name in _OF_LINES else "act_said"
        return " · ".join(
            phrase(counted, language, member=key, said=_plain(name, each, language))
            for key, each in value.items()
        )
    code = CODES.get(name, {}).get(str(value))
    if code is not None:
        return translations(language).gettext(code)
    return value if isinstance(value, str) else canonical.encode(value).decode()
