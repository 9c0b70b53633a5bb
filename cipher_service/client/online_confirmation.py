"""A person's word that a fingerprint is right, given by typing what was read over the telephone.

A yes would be typed out of habit; the last groups can only be typed by who heard them or looked.
"""

import re
import sys
from typing import Final

from cipher_service.client.messages import phrase
from cipher_service.client.online_refusals import Distrusted, Unready
from cipher_service.client.terminal import Terminal
from keys.cards import grouped
from keys.records import FINGERPRINT

_TAIL: Final = 8


def require_confirmed(
    terminal: Terminal, *, what: str, fingerprint: str, option: str, given: str | None
) -> None:
    """Demand that a person vouches for a fingerprint, beforehand by an option or now.

    Args:
        terminal: where the question is asked; without a keyboard there is none.
        what: it belongs to, in the user's language.
        fingerprint: hex, as offered.
        option: the command's option for scripts.
        given: what that option holds.

    Raises:
        Distrusted: what was given or typed is another fingerprint.
        Unready: nothing was given and there is nobody to ask.
    """
    facts = {"what": what, "grouped": grouped(fingerprint), "option": option}
    if given is not None:
        if not same_fingerprint(given, fingerprint):
            raise Distrusted("FINGERPRINT_DIFFERS", **facts)
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise Unready("CONFIRMATION_NEEDED", **facts)
    terminal.tell(f"{what}\n  {grouped(fingerprint)}")
    terminal.tell(phrase("ask_last_groups", terminal.language))
    if _plain(sys.stdin.readline()) != fingerprint[-_TAIL:]:
        raise Distrusted("FINGERPRINT_DIFFERS", **facts)


def same_fingerprint(typed: str, fingerprint: str) -> bool:
    """Compare a whole fingerprint as people type it: groups and capitals do not matter."""
    plain = _plain(typed)
    return FINGERPRINT.fullmatch(plain) is not None and plain == fingerprint


def _plain(typed: str) -> str:
    return re.sub(r"[\s:.-]", "", typed).lower()
