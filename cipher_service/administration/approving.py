"""Acts read whole and signed at this terminal: the custodian's, and those that wait in the console.

    approve act.json --officer OFF-000001     an act on the custodian's roll, from its file
    approve --officer OFF-000001              which acts of the service wait for this officer
    approve 01J... --officer OFF-000001       one of these

What is shown is made of the very bytes that are signed, by this process alone: no page of the
service stands between the act and whoever signs it. What waits in the console is delivered as the
page where officers sign delivers it: the registrar verifies, does and records it.
"""

import asyncio
import json
import re
from argparse import Namespace
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.administration import act_words
from cipher_service.administration.installation import (
    Installation,
    custodian_of,
    journal_of,
    opened,
)
from cipher_service.administration.officer_keys import answer_of, signer_of
from cipher_service.administration.presence import key_answer
from cipher_service.administration.words import Speaker
from cipher_service.audit.journal import Found
from cipher_service.client.failures import Refused
from cipher_service.client.messages import printable
from cipher_service.client.terminal import Terminal
from cipher_service.console.language import moment
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.identity import approvals
from cipher_service.identity.awaiting import Waiting, waiting
from cipher_service.storage.unit_of_work import reading, unit_of_work
from cipher_service.storage.writer_client import RegistrarClient
from keys.acts import Act, approval_challenge
from keys.cards import grouped

_NUMBER: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_BACK: Final = "/actes"


def approve(arguments: Namespace, terminal: Terminal) -> None:
    """Show an act, have the officer's key sign it, and bring the signature to whom it is for.

    Raises:
        Refused: OFFICER_NOT_ON_ROLL, SECURITY_KEY_ABSENT, SECURITY_KEY_SILENT,
            SOFTWARE_KEY_REFUSED, ACT_NOT_WAITING, SERVICE_NOT_RUNNING, ACT_OF_SERVICE_CHANGED.
        KeysError: the act is none, or the custodian refuses the signature (ACTS.md §3).
        ServiceError: UNKNOWN_OFFICER; the registrar refuses the signature (ACTS.md §3, or as what
            the act does).
        OSError: the file cannot be read.
    """
    wanted: str | None = arguments.act
    with opened(arguments) as installation:
        if wanted is None:
            _list(arguments, terminal, installation)
        elif _NUMBER.fullmatch(wanted) and not Path(wanted).exists():
            _sign_waiting(arguments, terminal, installation)
        else:
            _sign_custodians(arguments, terminal, installation)


def _sign_custodians(arguments: Namespace, terminal: Terminal, installation: Installation) -> None:
    act = Act.parse(Path(arguments.act).read_bytes().strip())
    with custodian_of(installation.settings) as custodian:
        signer = signer_of(custodian, arguments.officer)
        with reading(installation.engine) as connection:
            names = officers.names_in(connection, act.encoded.decode())
        _show(act, names, terminal)
        nonce = custodian.officer_challenge()
        answer = answer_of(arguments, terminal)
        response = answer(signer, approval_challenge(nonce, act.digest))
        found = Found()
        with journal_of(installation).act("custodian_act_sign", act.resource, found):
            outcome: dict[str, Any] = json.loads(
                custodian.approve_act(act.encoded, nonce, response)
            )
            found.signers = (signer.number,)
    if terminal.as_json:
        terminal.show_json(outcome)
    else:
        named = ", ".join(outcome["approved"])
        Speaker(terminal).show("approve_" + outcome["state"], id=act.id, names=named)


def _list(arguments: Namespace, terminal: Terminal, installation: Installation) -> None:
    officer = arguments.officer
    with journal_of(installation).act("acts_listed", officer) as connection:
        found = _waiting(connection, officer, clock.now())
        named = " ".join(f"{line.act.resource} {line.act.proposer}" for line in found)
        names = officers.names_in(connection, named)
    if terminal.as_json:
        terminal.show_json([_as_data(line) for line in found])
        return
    speaker = Speaker(terminal)
    for line in found:
        act = line.act
        speaker.show(
            "act_line",
            id=act.id,
            what=act_words.title(act, terminal.language),
            resource=act_words.named(act_words.thing_of(act, terminal.language), names),
            proposer=act_words.named(act.proposer, names),
            expires=f"{moment(act.expires, terminal.language)} UTC",
        )
    speaker.say("act_next" if found else "act_none", officer=officer)


def _as_data(line: Waiting) -> dict[str, Any]:
    act = line.act
    said = {"id": act.id, "kind": act.kind, "resource": act.resource, "proposer": act.proposer}
    return {**said, "expires": clock.text(act.expires), "signers": list(line.signers)}


def _waiting(connection: Connection, officer: str, now: datetime) -> list[Waiting]:
    """Return what this officer could sign. Raises ServiceError UNKNOWN_OFFICER."""
    officers.read(connection, officer)
    principal = Gate().principals.of(connection, officer, now)
    held = principal.functions | {mandate.function for mandate in principal.mandates}
    return [line for line in waiting(connection, officer, held, now) if line.mine]


def _sign_waiting(arguments: Namespace, terminal: Terminal, installation: Installation) -> None:
    officer, wanted, now = arguments.officer, arguments.act, clock.now()
    with unit_of_work(installation.engine) as connection:
        found = [each.act for each in _waiting(connection, officer, now) if each.act.id == wanted]
        if not found:
            raise Refused("ACT_NOT_WAITING", act=wanted, officer=officer)
        ticket = approvals.ask(connection, officer, found[0].encoded, _BACK, now)
    shown = registrar(installation, officer, "approval_show", {"ticket": ticket})
    act = Act.parse(bytes(shown["body"]))
    if act.encoded != found[0].encoded or shown["officer"] != officer:
        raise Refused("ACT_OF_SERVICE_CHANGED", act=wanted)
    _show(act, shown["names"], terminal)
    nonce = bytes(shown["nonce"])
    keys = tuple(bytes.fromhex(one) for one in json.loads(shown["credentials"]))
    challenge = approval_challenge(nonce, act.digest)
    response = key_answer(arguments, terminal, installation.settings, officer, keys, challenge)
    given = {"ticket": ticket, "nonce": nonce, "response": response}
    outcome = registrar(installation, officer, "approval_sign", given)
    if terminal.as_json:
        terminal.show_json({"act": act.id, "outcome": outcome["outcome"]})
    else:
        Speaker(terminal).show(f"act_{outcome['outcome']}", id=act.id)


def registrar(
    installation: Installation, officer: str, command: str, payload: Mapping[str, Any]
) -> dict[str, Any]:
    """Have the running service answer an open command. Raises Refused SERVICE_NOT_RUNNING."""

    async def called() -> dict[str, Any]:
        client = RegistrarClient(installation.settings.registrar_socket)
        try:
            answer: dict[str, Any] = await client.call(command, payload)
        finally:
            client.close()
        return answer

    try:
        return asyncio.run(called())
    except ServiceError as error:
        if error.code == "UNAVAILABLE":
            raise Refused("SERVICE_NOT_RUNNING", officer=officer) from error
        raise


def _show(act: Act, names: Mapping[str, str], terminal: Terminal) -> None:
    """Tell an act in words and in its own bytes, with its fingerprint."""
    speaker = Speaker(terminal)
    for line in act_words.lines(act, names, terminal.language):
        terminal.tell(printable(line))
    speaker.say("act_bytes")
    terminal.tell(printable(act.encoded.decode()))
    speaker.say("approve_digest", digest=grouped(act.digest.hex()))
