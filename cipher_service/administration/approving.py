"""Acts that the custodian does, read whole and signed at this terminal.

What is shown is made of the very bytes that are signed, by this process alone: no page of the
service stands between the act and whoever signs it.
"""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from cipher_service.administration.installation import custodian_of, journal_of, opened
from cipher_service.administration.officer_keys import answer_of, signer_of
from cipher_service.administration.words import Speaker
from cipher_service.audit.journal import Found
from cipher_service.client.messages import printable
from cipher_service.client.terminal import Terminal
from keys import canonical
from keys.acts import Act, approval_challenge
from keys.cards import grouped


def approve(arguments: Namespace, terminal: Terminal) -> None:
    """Show an act, have the officer's key sign it, and bring the signature to the custodian.

    Raises:
        Refused: OFFICER_NOT_ON_ROLL, SECURITY_KEY_ABSENT, SECURITY_KEY_SILENT,
            SOFTWARE_KEY_REFUSED.
        KeysError: the act is none, or the custodian refuses the signature (ACTS.md §3).
        OSError: the file cannot be read.
    """
    act = Act.parse(Path(arguments.act).read_bytes().strip())
    with opened(arguments) as installation, custodian_of(installation.settings) as custodian:
        signer = signer_of(custodian, arguments.officer)
        speaker = Speaker(terminal)
        for line in _lines(act):
            terminal.tell(printable(line))
        speaker.say("approve_digest", digest=grouped(act.digest.hex()))
        nonce = custodian.officer_challenge()
        answer = answer_of(arguments, terminal)
        response = answer(signer, approval_challenge(nonce, act.digest))
        signers = Found(signers=(signer.number,))
        with journal_of(installation).act("custodian_act_sign", act.resource, signers):
            outcome: dict[str, Any] = json.loads(
                custodian.approve_act(act.encoded, nonce, response)
            )
    if terminal.as_json:
        terminal.show_json(outcome)
    else:
        names = ", ".join(outcome["approved"])
        speaker.show("approve_" + outcome["state"], id=act.id, names=names)


def _lines(act: Act) -> list[str]:
    """Every member of the signed object, each on its line."""
    members: dict[str, Any] = canonical.decode(act.encoded)
    return json.dumps(members, ensure_ascii=False, indent=2, sort_keys=True).splitlines()
