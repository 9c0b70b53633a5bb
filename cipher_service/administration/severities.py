"""How bad a weakness is: the words of advisories, and the base score of a CVSS 3 vector.

The formula is that of the CVSS 3.1 specification, section 7.1 (FIRST). Vectors of other versions
are not scored here: their advisories nearly always have a word beside them, and what has neither
is held to the shortest time.
"""

import re
from collections.abc import Iterable
from math import floor
from typing import Final

LEVELS: Final = ("low", "medium", "high", "critical")
"""From the least to the worst."""
_WORDS: Final = {"low": "low", "moderate": "medium", "medium": "medium"} | {
    word: word for word in ("high", "critical")
}
_VECTOR: Final = re.compile(r"CVSS:3\.[01](?:/[A-Z]{1,3}:[A-Z]){8,30}")
_WEIGHTS: Final = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES: Final = {
    "U": {"N": 0.85, "L": 0.62, "H": 0.27},
    "C": {"N": 0.85, "L": 0.68, "H": 0.5},
}
_FROM: Final = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"))


def of_word(word: str) -> str | None:
    """Return the level that a word means, in whatever case; None for another word."""
    return _WORDS.get(word.lower())


def of_vector(vector: str) -> str | None:
    """Return the level of a CVSS 3.0 or 3.1 vector by its base score; None for any other text."""
    found = score(vector)
    if found is None:
        return None
    return next((level for least, level in _FROM if found >= least), "low")


def worst(levels: Iterable[str | None]) -> str | None:
    """Return the worst of levels; None where none of them is known."""
    return max(filter(None, levels), key=LEVELS.index, default=None)


def score(vector: str) -> float | None:
    """Return the base score, 0.0 to 10.0, of a CVSS 3.0 or 3.1 vector; None for any other text."""
    if not _VECTOR.fullmatch(vector):
        return None
    pairs: list[tuple[str, str]] = re.findall(r"/([A-Z]{1,3}):([A-Z])", vector)
    metrics = dict(pairs)
    if len(metrics) != len(pairs) or not {*_WEIGHTS, "S", "PR"} <= set(metrics):
        return None
    try:
        weight = {name: values[metrics[name]] for name, values in _WEIGHTS.items()}
        privileges = _PRIVILEGES[metrics["S"]][metrics["PR"]]
    except KeyError:
        return None
    lost = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    changed = metrics["S"] == "C"
    impact = 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02) ** 15 if changed else 6.42 * lost
    if impact <= 0:
        return 0.0
    ease = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    return _rounded_up(min((1.08 if changed else 1.0) * (impact + ease), 10.0))


def _rounded_up(value: float) -> float:
    """Round up to one decimal as appendix A of the specification does, whatever floats add."""
    whole = round(value * 100_000)
    if whole % 10_000 == 0:
        return whole / 100_000
    return (floor(whole / 10_000) + 1) / 10
