"""What codes in an act say: the same words on its page, at a terminal and where one signs."""

from collections.abc import Callable
from typing import Final

from cipher_service.console.language import mark
from cipher_service.console.pouches.words import MOVES, PROHIBITED, SORTS
from keys.acts import Act

CODES: Final = {
    "move": MOVES,
    "sort": SORTS,
    "absent": PROHIBITED,
    "to": {
        "action": mark("pour action"),
        "info": mark("pour information"),
        "cipher": mark("chiffrée"),
        "pouch": mark("par valise"),
    },
    "resource": {
        "policies/access": mark("les politiques d’accès"),
        "pouch/seals": mark("la réserve de scellés"),
    },
    "end_of_life": {"archive": mark("clé d’archive"), "traffic": mark("clé de trafic")},
}
"""By the member that holds a code or a list of codes."""
NUMBERED: Final = ("officer/", "dispatch/", "pouch/")
"""What stands before a number of this kind of thing, in the name of what an act is on."""


def thing(act: Act, say: Callable[[str], str]) -> str:
    """Return what an act is on: its number alone where the act's kind tells what bears it.

    Args:
        act: what will be signed.
        say: translates a msgid.
    """
    stores = CODES["resource"]
    if act.resource in stores:
        return say(stores[act.resource])
    for kind in NUMBERED:
        if act.resource.startswith(kind):
            return act.resource.removeprefix(kind)
    return act.resource


def reason(act: Act, say: Callable[[str], str]) -> str:
    """Return an act's reason; one that no person worded begins with the kind of the act.

    Args:
        act: what will be signed.
        say: translates a msgid.
    """
    told = act.reason.removeprefix(f"{act.kind} ")
    if told == act.reason:
        return told
    return say(MOVES[told]) if told in MOVES else told
