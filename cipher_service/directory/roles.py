"""The functions of decree 2013/112, the grades, and what one person may not hold together.

Pure: a catalogue is a value read from TOML (`data/roles.toml`), because a decree changes by decree.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_CODE = re.compile(r"[A-Z][A-Z0-9-]{1,29}")
WHERE = ("ministry", "post", "any")


class RolesInvalid(ValueError):
    """The file is not a catalogue of functions; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Role:
    """A function. `where` is one of `WHERE`: at headquarters, at a post, or at either."""

    code: str
    article: int
    where: str
    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade of the corps; a higher rank goes first (article 8)."""

    code: str
    rank: int
    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class Separation:
    """Functions that one person may not hold together: one of each side, with the reason."""

    left: frozenset[str]
    right: frozenset[str]
    fr: str
    en: str

    def parts(self, one: str, other: str) -> bool:
        """Say whether these two different functions are kept apart by this rule."""
        return one != other and (
            (one in self.left and other in self.right) or (other in self.left and one in self.right)
        )


@dataclass(frozen=True, slots=True)
class Roles:
    """The catalogue: functions and grades by code, and the separations."""

    roles: Mapping[str, Role]
    grades: Mapping[str, Grade]
    separations: tuple[Separation, ...]

    def conflict(self, wanted: str, held: Iterable[str]) -> tuple[str, Separation] | None:
        """Return a held function that forbids the wanted one, with the rule; None when none does.

        The first in alphabetical order, so that a refusal always names the same one.
        """
        for other in sorted(held):
            for separation in self.separations:
                if separation.parts(wanted, other):
                    return other, separation
        return None


def read_roles(text: str) -> Roles:
    """Read a catalogue from TOML.

    Raises:
        RolesInvalid: not TOML, a member is missing or malformed, a code or rank repeats, or a
            separation names a function that does not exist.
    """
    try:
        return _roles(tomllib.loads(text))
    except (KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise RolesInvalid(f"not a catalogue of functions: {error}") from error


def _roles(data: Mapping[str, Any]) -> Roles:
    roles = [Role(**entry) for entry in data["role"]]
    grades = [Grade(**entry) for entry in data["grade"]]
    separations = tuple(_separations(data))
    for role in roles:
        _demand(_CODE.fullmatch(role.code), f"function {role.code!r}: not a code")
        _demand(role.where in WHERE, f"function {role.code}: where {role.where!r}")
    _demand(len({role.code for role in roles}) == len(roles), "a function is there twice")
    _demand(len({grade.code for grade in grades}) == len(grades), "a grade is there twice")
    _demand(len({grade.rank for grade in grades}) == len(grades), "two grades have one rank")
    known = {role.code for role in roles}
    for separation in separations:
        strange = (separation.left | separation.right) - known
        _demand(not strange, f"a separation names {', '.join(sorted(strange))}")
    return Roles(
        {role.code: role for role in roles}, {grade.code: grade for grade in grades}, separations
    )


@cache
def default_roles() -> Roles:
    """Return the catalogue shipped with the product."""
    file = files("cipher_service.directory").joinpath("data/roles.toml")
    return read_roles(file.read_text("utf-8"))


def _separations(data: Mapping[str, Any]) -> Iterable[Separation]:
    for entry in data.get("exclusive", ()):
        members = frozenset(entry["roles"])
        yield Separation(members, members, entry["fr"], entry["en"])
    for entry in data.get("apart", ()):
        yield Separation(
            frozenset(entry["left"]), frozenset(entry["right"]), entry["fr"], entry["en"]
        )


def _demand(held: object, otherwise: str) -> None:
    if not held:
        raise RolesInvalid(otherwise)
