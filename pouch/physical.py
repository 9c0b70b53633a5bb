"""What a person observes of a bag, set against what its seal says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pouch.discrepancies import near_misses

if TYPE_CHECKING:
    from collections.abc import Sequence


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
        near: as many, and each that differs is nearly a missing one (`near_misses`): mistyped, or
            chosen to look alike.
    """

    equal: bool
    near: bool


def compare_seals(expected: Sequence[str], observed: Sequence[str]) -> SealsCompared:
    """Compares seal numbers in any order; case and spaces are the typist's."""
    typed = ["".join(number.split()).upper() for number in observed]
    if sorted(typed) == sorted(expected):
        return SealsCompared(equal=True, near=False)
    missing = [number for number in expected if number not in typed]
    alike = near_misses(missing, typed)
    near = len(typed) == len(expected) and len(set(typed)) == len(typed)
    for number in (number for number in typed if number not in expected):
        candidates = [wanted for given, wanted in alike if given == number and wanted in missing]
        if not candidates:
            near = False
            break
        missing.remove(candidates[0])
    return SealsCompared(equal=False, near=near)
