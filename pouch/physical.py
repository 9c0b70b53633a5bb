"""What a person observes of a bag, set against what its seal says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# A seal's number that differs by so little was mistyped, or was chosen to look alike.
_NEAR: Final = 2
# Scales differ, and canvas drinks water.
_TOLERANCE_G: Final = 200
_TOLERANCE_SHARE: Final = 50


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen of the bag; None for what nobody looked at.

    Attributes:
        seals: numbers typed from the physical seals, before the expected ones were shown.
        packages: bags that arrived together, counted.
        weight_g: of this bag, in grams.
    """

    seals: tuple[str, ...] | None = None
    packages: int | None = None
    weight_g: int | None = None


@dataclass(frozen=True, slots=True)
class SealsCompared:
    """How observed seal numbers fit the expected ones.

    Attributes:
        equal: the same numbers, in any order.
        near: as many, and each that differs does so by at most two signs.
    """

    equal: bool
    near: bool


def compare_seals(expected: Sequence[str], observed: Sequence[str]) -> SealsCompared:
    """Compares seal numbers in any order; case and spaces are the typist's."""
    typed = ["".join(number.split()).upper() for number in observed]
    if sorted(typed) == sorted(expected):
        return SealsCompared(equal=True, near=False)
    missing = [number for number in expected if number not in typed]
    strange = [number for number in typed if number not in expected]
    near = len(typed) == len(expected) and len(set(typed)) == len(typed)
    for number in strange:
        alike = [other for other in missing if distance(number, other) <= _NEAR]
        if not alike:
            near = False
            break
        missing.remove(min(alike, key=lambda other: distance(number, other)))
    return SealsCompared(equal=False, near=near)


def weight_is_off(expected_g: int, observed_g: int) -> bool:
    """Tells whether two weights differ by more than 200 g and more than 2 %."""
    return abs(expected_g - observed_g) > max(_TOLERANCE_G, expected_g // _TOLERANCE_SHARE)


def distance(one: str, other: str) -> int:
    """Gives the Levenshtein distance: signs to insert, drop or replace."""
    before = list(range(len(other) + 1))
    for row, sign in enumerate(one, 1):
        now = [row]
        for column, against in enumerate(other, 1):
            replaced = before[column - 1] + (sign != against)
            now.append(min(before[column] + 1, now[column - 1] + 1, replaced))
        before = now
    return before[-1]
