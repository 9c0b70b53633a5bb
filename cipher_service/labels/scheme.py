"""Read a scheme of markings and answer for its names.

Pure: a scheme is a value read from TOML, and its look-ups forget case and accents so that a clerk
may type `très secret` for `TRES-SECRET`.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_PAPERS = ("bag", "ceremony")
_CAVEAT = re.compile(r"[A-Z0-9](?:[A-Z0-9 -]{0,38}[A-Z0-9])?")


class UnknownLabel(ValueError):
    """A marking that the scheme does not know.

    Attributes:
        kind: `level`, `precedence` or `caveat`.
        given: what was typed.
        known: the codes that would have been accepted, in rank order; empty for caveats.
    """

    def __init__(self, kind: str, given: str, known: tuple[str, ...]) -> None:
        super().__init__(f"unknown {kind}: {given!r}")
        self.kind = kind
        self.given = given
        self.known = known


@dataclass(frozen=True, slots=True)
class Level:
    """A level of classification. A higher rank protects more; `colour` is `#rrggbb`."""

    code: str
    rank: int
    fr: str
    en: str
    colour: str

    def name(self, language: str) -> str:
        """Return its name in English, or in French."""
        return self.en if language == "en" else self.fr


@dataclass(frozen=True, slots=True)
class Precedence:
    """A degree of urgency (ACP 127 paragraph 150). A higher rank goes first.

    An arrival may wait `minutes` for its reading; `colour` is `#rrggbb`.
    """

    code: str
    rank: int
    prosign: str
    fr: str
    en: str
    colour: str
    minutes: int

    def name(self, language: str) -> str:
        """Return its name in English, or in French."""
        return self.en if language == "en" else self.fr


@dataclass(frozen=True, slots=True)
class Scheme:
    """The markings that a ministry uses.

    Attributes:
        policy: the name under which dispatches cite this scheme.
        levels: from the lowest rank to the highest.
        precedences: likewise.
        papers: the level under which a kind of paper is printed that repeats no dispatch.
    """

    policy: str
    levels: tuple[Level, ...]
    precedences: tuple[Precedence, ...]
    papers: Mapping[str, Level]

    def level(self, given: str) -> Level:
        """Return the level of that code, in any case. Raises UnknownLabel."""
        return _find("level", given, {level.code: level for level in self.levels})

    def level_names(self, language: str) -> dict[str, str]:
        """Return the name of every level by its code."""
        return {level.code: level.name(language) for level in self.levels}

    def precedence(self, given: str) -> Precedence:
        """Return the precedence of that code or prosign, in any case. Raises UnknownLabel."""
        by_name = {precedence.code: precedence for precedence in self.precedences}
        plain = _plain(given)
        for precedence in self.precedences:
            if plain == precedence.prosign:
                return precedence
        return _find("precedence", given, by_name)

    def caveat(self, given: str) -> str:
        """Return a caveat in its canonical form: capitals without accents.

        Raises:
            UnknownLabel: it is empty, over 40 characters, or has signs other than letters,
                figures, spaces and hyphens.
        """
        plain = _plain(given)
        if _CAVEAT.fullmatch(plain) is None:
            raise UnknownLabel("caveat", given, ())
        return plain


Entry = TypeVar("Entry", Level, Precedence)


def read_scheme(text: str) -> Scheme:
    """Read a scheme from TOML.

    Raises:
        ValueError: the text is not TOML, lacks a member, repeats a rank or a code, has a colour
            that is none, or prints a paper under a level that is none.
    """
    try:
        data = tomllib.loads(text)
        levels = tuple(sorted((Level(**entry) for entry in data["level"]), key=_rank))
        precedences = tuple(
            sorted((Precedence(**entry) for entry in data["precedence"]), key=_rank)
        )
        by_code = {level.code: level for level in levels}
        papers = {paper: by_code[data["papers"][paper]] for paper in _PAPERS}
        scheme = Scheme(str(data["policy"]), levels, precedences, papers)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a scheme of markings: {error}") from error
    for entries in (scheme.levels, scheme.precedences):
        _refuse_doubles((entry.code for entry in entries), len(entries))
        _refuse_doubles((entry.rank for entry in entries), len(entries))
        _refuse_colours(entries)
    return scheme


@cache
def default_scheme() -> Scheme:
    """Return the scheme shipped with the product."""
    return read_scheme(files("cipher_service.labels").joinpath("default.toml").read_text("utf-8"))


def _rank(entry: Level | Precedence) -> int:
    return entry.rank


def _refuse_doubles(values: Iterable[Any], count: int) -> None:
    if len(set(values)) != count:
        raise ValueError("a scheme of markings names each code and each rank once")


def _refuse_colours(entries: Iterable[Level | Precedence]) -> None:
    if not all(_COLOUR.fullmatch(str(entry.colour)) for entry in entries):
        raise ValueError("a colour of a scheme of markings is # and six hexadecimal digits")


def _plain(given: str) -> str:
    decomposed = unicodedata.normalize("NFD", given.strip().upper())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def _find(kind: str, given: str, entries: Mapping[str, Entry]) -> Entry:
    plain = _plain(given)
    for candidate in (plain, plain.replace(" ", "-").replace("_", "-")):
        if candidate in entries:
            return entries[candidate]
    raise UnknownLabel(kind, given, tuple(entries))
