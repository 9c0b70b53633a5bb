"""`chiffre differences` and `chiffre photograph`: what a post found on a bag, or in it.

Both name the bag by the id that its manifest and its event carry. Both may be repeated: a
difference opens one case, a file is one photograph.
"""

import re
from argparse import Namespace
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from cipher_service.client.failures import Misused
from cipher_service.client.messages import phrase
from cipher_service.client.online_session import open_session
from cipher_service.client.terminal import Terminal
from cipher_service.wire.counter import DifferencesRequest, Finding
from pouch.manifest import SEAL

SUBJECTS: Final = ("seals", "bag", "item")
_FOUND: Final = re.compile(r"([0-9]{1,9})=([0-9]{1,9})")


def differences(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre differences`."""
    seal = _seal(arguments)
    asked = _asked(arguments)
    with open_session(arguments, terminal) as session:
        answer = session.ministry.tell_differences(seal, asked)
    if terminal.as_json:
        terminal.show_json({"seal": seal, **answer.model_dump()})
        return
    for each in answer.differences:
        kind = phrase(f"difference_{each.kind.replace('-', '_')}", terminal.language)
        terminal.show(phrase("difference_line", terminal.language, kind=kind, line=each.what))
    terminal.say("differences_told", count=len(answer.differences), new=answer.new)


def photograph(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre photograph`."""
    seal = _seal(arguments)
    if arguments.of not in SUBJECTS:
        raise Misused("SUBJECT_UNKNOWN", given=arguments.of[:80], known=", ".join(SUBJECTS))
    path = Path(arguments.file)
    with path.open("rb") as picture, open_session(arguments, terminal) as session:
        kept = session.ministry.add_photograph(
            seal,
            picture,
            path.stat().st_size,
            officer=arguments.officer,
            subject=arguments.of,
        )
    if terminal.as_json:
        terminal.show_json({"seal": seal, "photograph": kept})
    else:
        terminal.show(phrase("photograph_kept", terminal.language, id=kept, path=str(path)))


def _seal(arguments: Namespace) -> str:
    seal: str = arguments.seal
    if SEAL.fullmatch(seal) is None:
        raise Misused("BAG_MALFORMED", given=seal[:80])
    return seal


def _asked(arguments: Namespace) -> DifferencesRequest:
    found = []
    for typed in arguments.found:
        read = _FOUND.fullmatch(typed)
        if read is None:
            raise Misused("FOUND_MALFORMED", given=typed[:80])
        found.append((int(read[1]), int(read[2])))
    try:
        return DifferencesRequest(
            officer=arguments.officer,
            found=[Finding(line=line, found=pieces) for line, pieces in found],
            damaged=arguments.damaged,
            misdirected=arguments.misdirected,
            unlisted=arguments.unlisted,
        )
    except ValidationError as error:
        named = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Misused("FOUND_BEYOND", named=named) from error
