"""`cipher-service auditor`: the machines by which auditors read the log and ask."""

from argparse import Namespace

from cipher_service.access import audit_machines
from cipher_service.administration.acting import acting, looking
from cipher_service.administration.machines import read_key
from cipher_service.administration.rights import tell_done, tell_rows
from cipher_service.administration.words import Speaker
from cipher_service.client.terminal import Terminal
from cipher_service.directory.register import auditor_number


def add_auditor(arguments: Namespace, terminal: Terminal) -> None:
    """Take an auditor's machine into service; its key is signed by both with what was typed.

    Raises:
        Misused: JWK_UNREADABLE.
    """
    key, officer = read_key(arguments.jwk), arguments.officer
    with acting(arguments, terminal, also={"client": key.thumbprint}) as desk:
        number = audit_machines.record(
            desk.connection,
            desk.gate,
            key,
            officer,
            arguments.by,
            arguments.approver,
            desk.now,
        )
    if terminal.as_json:
        terminal.show_json({"machine": number, "client": key.thumbprint})
    else:
        Speaker(terminal).show("auditor_added", machine=number, officer=officer)


def revoke_auditor(arguments: Namespace, terminal: Terminal) -> None:
    """End an auditor's machine at once."""
    with acting(arguments, terminal, arguments.machine) as desk:
        audit_machines.revoke(desk.connection, desk.gate, arguments.machine, arguments.by, desk.now)
    tell_done(terminal, arguments.machine)


def list_auditors(arguments: Namespace, terminal: Terminal) -> None:
    """Print the register of auditors' machines."""
    with looking(arguments) as desk:
        rows = audit_machines.everything(desk.connection)
    shown = ("state", "auditor", "recorded_by", "approver", "revoked_by", "thumbprint")
    tell_rows(
        terminal,
        [
            {"machine": auditor_number(row.seq), **{name: getattr(row, name) for name in shown}}
            for row in rows
        ],
    )
