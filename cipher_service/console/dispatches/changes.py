"""What changed in a text, line by line, for who refused its earlier edition.

Both texts are on their way to the same reader; nothing of them is kept or named here.
"""

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any, Final

from cipher_service.console.language import mark
from cipher_service.console.visit import Visit

LINES_MOST: Final = 1000
"""Of each text: comparing takes time that grows faster than they do."""
_AROUND: Final = 2
_SAID: Final = {"+": mark("Ajouté :"), "-": mark("Retiré :"), "…": mark("Lignes inchangées")}

Line = tuple[str, str]
"""`+` (written since), `-` (taken out), ` ` (unchanged) or `…` (unchanged lines left out); text."""


def told(
    visit: Visit, earlier: dict[str, Any], before: tuple[str, str], after: tuple[str, str]
) -> dict[str, Any]:
    """Return what a page shows of the changes.

    Args:
        visit: of who refused the earlier edition.
        earlier: what the registrar says of it.
        before: its subject and its text.
        after: those that await a visa now.
    """
    lines = changed("\n".join(before), "\n".join(after))
    notes = []
    if lines is None:
        notes.append(visit.say("Les textes sont trop longs pour être comparés ici : relisez tout."))
    elif not lines:
        notes.append(visit.say("Le texte et l’objet sont les mêmes."))
    if not earlier["same_addressees"]:
        notes.append(visit.say("Les destinataires ne sont plus les mêmes."))
    if not earlier["same_attachments"]:
        notes.append(visit.say("Les annexes ne sont plus les mêmes."))
    return {
        "said": visit.say(
            "Depuis l’édition %(edition)d, que vous avez refusée", edition=earlier["edition"]
        ),
        "notes": notes,
        "lines": [
            (sign, text, f"{visit.say(_SAID[sign])} " if sign in _SAID else "")
            for sign, text in lines or ()
        ],
    }


def changed(before: str, after: str) -> list[Line] | None:
    """Return the lines that changed with two around them; None when a text has too many lines."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > LINES_MOST:
        return None
    found: list[Line] = []
    groups = SequenceMatcher(None, old, new).get_grouped_opcodes(_AROUND)
    for place, group in enumerate(groups):
        if place or group[0][1]:
            found.append(("…", ""))
        for step, old_from, old_to, new_from, new_to in group:
            found.extend(_lines(step, old[old_from:old_to], new[new_from:new_to]))
    return found


def _lines(step: str, old: list[str], new: list[str]) -> Iterator[Line]:
    if step == "equal":
        yield from ((" ", line) for line in new)
        return
    yield from (("-", line) for line in old)
    yield from (("+", line) for line in new)
