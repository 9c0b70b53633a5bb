"""Which member of a bag's papers a reader's message is about, as a path like `waybill.packages`.

Readers (`keys.records`) name the member that is wrong first. A surface has words for members and
none for messages, which are in English: it asks here.
"""

from __future__ import annotations

import re
from typing import Final

_PROBLEM: Final = re.compile(
    r"(?:sealed\.)?(?:(?P<list>item|change)(?: (?P<nth>[0-9]+))?"
    r"|(?P<waybill>waybill)|draft|manifest|piece|line|statement|rectification)"
    r"(?P<path>(?:\.[a-z_0-9]+)*)"
    r"(?: lacks (?P<lacks>[a-z_0-9]+)| has an unknown member '(?P<more>[\w-]{1,40})'"
    r"| has (?P<made>[a-z_0-9]+), which)?"
)
_LISTS: Final = {"item": "items", "change": "changes"}


def member_named(problem: str) -> str | None:
    """Gives the path of the member, None for a message that names none.

    A line or a change is named by its place, from 1: `items 3.weight_g`. What stands for itself,
    a bordereau or a piece, has no name in the path; a waybill has, as in its bordereau.

    Args:
        problem: the text of a reader's ValueError, or of a refusal made of it.
    """
    found = _PROBLEM.match(problem)
    if found is None:
        return None
    listed = _LISTS.get(found["list"] or "", "")
    parts = (
        " ".join(each for each in (listed, found["nth"]) if each),
        found["waybill"],
        found["path"].removeprefix("."),
        found["lacks"] or found["more"] or found["made"],
    )
    return ".".join(each for each in parts if each) or None
