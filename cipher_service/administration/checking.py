"""`cipher-service check`: whether database, numbers, envelopes and receipts hold together."""

from argparse import Namespace
from typing import Final

from cipher_service.administration.installation import opened, service_key
from cipher_service.administration.words import Speaker
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.dispatches.integrity import check as find
from cipher_service.storage.blobs import Blobs

# What an interruption leaves behind by design: told, but nothing is wrong.
HARMLESS: Final = frozenset({"BODY_ORPHAN", "INTENT_OPEN"})


def check(arguments: Namespace, terminal: Terminal) -> None:
    """Verify everything and tell each finding in plain words; nothing is modified.

    Raises:
        Refused: CHECK_FOUND: something is wrong.
    """
    speaker = Speaker(terminal)
    with opened(arguments) as installation:
        findings = list(
            find(
                installation.engine,
                Blobs(installation.settings.data),
                service_key(installation),
            )
        )
    wrong = [finding for finding in findings if finding.code not in HARMLESS]
    if terminal.as_json:
        terminal.show_json(
            [
                {"code": found.code, "harmless": found.code in HARMLESS, "facts": found.facts}
                for found in findings
            ]
        )
    else:
        for finding in findings:
            speaker.show(f"found_{finding.code}", **finding.facts)
        if not wrong:
            speaker.show("check_sound")
    if wrong:
        raise Refused("CHECK_FOUND", count=len(wrong))
