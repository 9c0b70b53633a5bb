"""Whether an advisory is about the very version that runs here, as OSV's own evaluation has it.

Versions of PyPI are ordered by PEP 440, those of npm by Semantic Versioning 2.0, section 11. What
cannot be ordered (a line of commits, a version in no known form) is held to concern us: somebody
must look.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from packaging.version import InvalidVersion, Version

from cipher_service.administration.advisories import Affected, Component, Range

_SEMANTIC: Final = re.compile(
    r"(0|[1-9]\d{0,17})\.(0|[1-9]\d{0,17})\.(0|[1-9]\d{0,17})"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)
# At one version: an end of what began earlier stands before a new beginning, the last that is
# affected after the first.
_TURNS: Final = {"fixed": 0, "introduced": 1, "last_affected": 2}
_BEFORE_ALL: Final = "0"
_WITHOUT_END: Final = "*"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an advisory means for one component.

    Attributes:
        concerned: whether the version that runs here has the weakness, as far as can be told.
        certain: False where the advisory cannot be held against a version.
        fixed: the first version without it, empty where none is named.
    """

    concerned: bool
    certain: bool = True
    fixed: str = ""


class Unordered(ValueError):
    """A version, or a line of versions, that has no place in the order."""


def judge(component: Component, about: Affected) -> Verdict:
    """Tell whether a component has the weakness that an advisory tells of its package."""
    order = _semantic if component.ecosystem == "npm" else _pep_440
    lines = [line for line in about.ranges if line.kind != "GIT"]
    listed = component.version in about.versions or _listed(component.version, about, order)
    fixed: list[str] = []
    concerned, certain = listed, bool(lines or about.versions)
    for line in lines:
        try:
            if _within(order, component.version, line):
                concerned = True
                fixed += _next_fixed(order, component.version, line)
        except Unordered:
            certain = False
    if listed:
        certain = True
    first = min(fixed, key=order, default="")
    return Verdict(concerned or not certain, certain, first)


def later(ecosystem: str, one: str, other: str) -> str:
    """Return the later of two versions that `judge` named; an empty one is none, and stays so."""
    if not one or not other:
        return ""
    return max(one, other, key=_semantic if ecosystem == "npm" else _pep_440)


def _listed(version: str, about: Affected, order: Callable[[str], Any]) -> bool:
    try:
        here = order(version)
    except Unordered:
        return False
    for each in about.versions:
        try:
            if order(each) == here:
                return True
        except Unordered:
            continue
    return False


def _within(order: Callable[[str], Any], version: str, line: Range) -> bool:
    here = order(version)
    limits = [told for name, told in line.events if name == "limit"]
    if limits and not any(_WITHOUT_END in told or here < order(told) for told in limits):
        return False
    begun = any(event == ("introduced", _BEFORE_ALL) for event in line.events)
    turns = sorted(
        (order(told), _TURNS[name], name)
        for name, told in line.events
        if name in _TURNS and (name, told) != ("introduced", _BEFORE_ALL)
    )
    for at, _, name in turns:
        if name == "introduced" and here >= at:
            begun = True
        elif (name == "fixed" and here >= at) or (name == "last_affected" and here > at):
            begun = False
    return begun


def _next_fixed(order: Callable[[str], Any], version: str, line: Range) -> list[str]:
    here = order(version)
    return [told for name, told in line.events if name == "fixed" and order(told) > here]


def _pep_440(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion as error:
        raise Unordered(version) from error


def _semantic(version: str) -> tuple[Any, ...]:
    found = _SEMANTIC.fullmatch(version)
    if found is None:
        raise Unordered(version)
    numbers = tuple(int(found[place]) for place in (1, 2, 3))
    if found[4] is None:
        return (*numbers, 1)
    # A number comes before a word; of two that begin alike, the shorter one.
    parts = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in found[4].split(".")
    )
    return (*numbers, 0, parts)
