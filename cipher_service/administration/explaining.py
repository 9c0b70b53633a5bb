"""`cipher-service access`: why a person may do something, or not, in words."""

from argparse import Namespace

from cipher_service.access.asking import askable, would_be_allowed
from cipher_service.access.decisions import Decision
from cipher_service.access.matrix import default_matrix
from cipher_service.access.reasons import reason
from cipher_service.access.shapes import shapes
from cipher_service.administration.acting import looking
from cipher_service.administration.words import Speaker
from cipher_service.client.failures import Misused
from cipher_service.client.terminal import Terminal
from cipher_service.directory.roles import default_roles


def explain(arguments: Namespace, terminal: Terminal) -> None:
    """Decide, and say why; nothing is recorded and nothing is done."""
    with looking(arguments) as desk:
        _require_askable(arguments.action)
        decision = would_be_allowed(
            desk.connection,
            desk.gate,
            arguments.officer,
            arguments.action,
            arguments.object,
            desk.now,
            approver=arguments.approver,
            third=arguments.third,
            proposer=arguments.proposer,
            opened=arguments.opened,
        )
    if terminal.as_json:
        terminal.show_json(
            {
                "allowed": decision.allowed,
                "policies": list(decision.policies),
                "digest": decision.digest,
                "mandate": decision.mandate,
                "because": [reason(name, terminal.language) for name in decision.policies],
            }
        )
        return
    _tell(terminal, arguments, decision)


def _require_askable(action: str) -> None:
    if action not in shapes().actions:
        raise Misused("UNKNOWN_ACTION", action=action, known=", ".join(shapes().actions))
    if not askable(action):
        raise Misused("NOT_IN_THE_BOOKS", action=action)


def _tell(terminal: Terminal, arguments: Namespace, decision: Decision) -> None:
    speaker = Speaker(terminal)
    row = default_matrix().rows[arguments.action]
    french = terminal.language == "fr"
    speaker.show(
        "explained_yes" if decision.allowed else "explained_no",
        officer=arguments.officer,
        action=row.fr if french else row.en,
        object=arguments.object,
    )
    for name in decision.policies:
        terminal.show(f"  {reason(name, terminal.language)} [{name}]")
    if decision.mandate:
        speaker.show("explained_mandate", mandate=decision.mandate)
    if not decision.allowed and not decision.policies:
        roles = default_roles().roles
        named = ", ".join(roles[code].fr if french else roles[code].en for code in row.cells)
        speaker.show("explained_nobody", functions=named)
