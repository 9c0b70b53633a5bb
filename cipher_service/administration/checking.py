"""`cipher-service check`: whether everything that the books say holds together."""

from argparse import Namespace
from datetime import timedelta
from typing import Final

from cipher_service import clock
from cipher_service.administration.installation import (
    desks_retired,
    key_book,
    log_keys,
    opened,
    receipt_keys,
)
from cipher_service.administration.taking_in import waiting_in
from cipher_service.administration.versions import tell_warnings
from cipher_service.administration.words import Speaker
from cipher_service.audit.integrity import check_log
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.dispatches.integrity import Finding
from cipher_service.dispatches.integrity import check as find
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.second_store import compare
from cipher_service.storage.unit_of_work import reading

# What an interruption leaves behind by design: told, but nothing is wrong.
LEFT_ALONE: Final = timedelta(days=1)
"""A body lies in its place for a moment before its dispatch is recorded."""
HARMLESS: Final = frozenset({"BODY_ORPHAN", "INTENT_OPEN"})


def check(arguments: Namespace, terminal: Terminal) -> None:
    """Verify everything and tell each finding in plain words; `--sweep` removes what is left over.

    What the cryptoperiods of the keys ask for is told beside it, and which acts of the custodian's
    terminal wait; neither is a finding.

    Raises:
        Refused: CHECK_FOUND: something is wrong; then nothing is removed.
    """
    speaker = Speaker(terminal)
    waiting: list[tuple[str, str, int]] = []
    with opened(arguments) as installation:
        blobs = Blobs(installation.settings.data)
        findings = list(find(installation.engine, blobs, receipt_keys(installation)))
        book = key_book(installation)
        if not any(finding.code.startswith("DATABASE_") for finding in findings):
            keys = log_keys(installation)
            with reading(installation.engine) as connection:
                told: list[tuple[str, str | int]] = [*check_log(connection, keys)]
                told += compare(connection)
                told += desks_retired(installation, connection)
                waiting += waiting_in(connection, book, installation.settings.headquarters)
            findings += [Finding(code, {"place": place}) for code, place in told]
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
    tell_warnings(book, clock.now(), terminal)
    for what, key, number in waiting:
        speaker.say(what, key=key, number=number)
    if wrong:
        raise Refused("CHECK_FOUND", count=len(wrong))
    if arguments.sweep:
        count = _sweep(blobs, findings)
        speaker.say("check_swept", count=count)


def _sweep(blobs: Blobs, findings: list[Finding]) -> int:
    """Remove what belongs to no dispatch, once nobody can still be about to record it."""
    before = clock.now() - LEFT_ALONE
    bodies = [str(each.facts["sha256"]) for each in findings if each.code == "BODY_ORPHAN"]
    old = [sha256 for sha256 in bodies if blobs.is_older(sha256, before)]
    for sha256 in old:
        blobs.remove(sha256)
    parts = blobs.abandoned(before)
    for part in parts:
        part.unlink(missing_ok=True)
    return len(old) + len(parts)
