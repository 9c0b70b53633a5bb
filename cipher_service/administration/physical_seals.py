"""`cipher-service pouch seals`: the stock of numbered seals, which two persons move together."""

from argparse import Namespace
from dataclasses import asdict

from cipher_service.administration.pouches import at_desk, tell
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.pouches import seal_store


def take_in(arguments: Namespace, terminal: Terminal) -> None:
    """Take new physical seals into the stock."""
    with at_desk(arguments, terminal) as (_, office):
        seal_store.take_in(
            office,
            arguments.number,
            sort=arguments.type,
            strength=arguments.strength,
            by=arguments.by,
            second=arguments.approver,
        )
    _tell_moved(terminal, len(arguments.number))


def issue(arguments: Namespace, terminal: Terminal) -> None:
    """Draw seals at random and issue them to two persons."""
    with at_desk(arguments, terminal) as (_, office):
        numbers = seal_store.issue(
            office, arguments.count, by=arguments.by, second=arguments.approver
        )
    if terminal.as_json:
        terminal.show_json(list(numbers))
        return
    for number in numbers:
        terminal.show(number)


def void(arguments: Namespace, terminal: Terminal) -> None:
    """Set spoilt seals aside."""
    with at_desk(arguments, terminal) as (_, office):
        seal_store.void(office, arguments.number, by=arguments.by, second=arguments.approver)
    _tell_moved(terminal, len(arguments.number))


def destroy(arguments: Namespace, terminal: Terminal) -> None:
    """Destroy broken seals, and those that were set aside."""
    with at_desk(arguments, terminal) as (_, office):
        seal_store.destroy(office, arguments.number, by=arguments.by, second=arguments.approver)
    _tell_moved(terminal, len(arguments.number))


def balance(arguments: Namespace, terminal: Terminal) -> None:
    """Compare the register with the unused seals on the table; status 1 when they differ.

    Raises:
        Refused: SEALS_UNEXPLAINED, SEALS_SURPLUS.
    """
    with at_desk(arguments, terminal) as (_, office):
        found = seal_store.balance(office, arguments.shown, by=arguments.by)
    if found.unexplained:
        raise Refused(
            "SEALS_UNEXPLAINED",
            numbers=", ".join(found.unexplained),
            surplus=", ".join(found.surplus) or "-",
        )
    if found.surplus:
        raise Refused("SEALS_SURPLUS", numbers=", ".join(found.surplus))
    facts = asdict(found)
    tell(
        terminal,
        "pouch_seals_balanced",
        facts,
        issued=found.issued,
        applied=found.applied,
        in_hand=found.in_hand,
        voided=found.voided,
    )


def _tell_moved(terminal: Terminal, count: int) -> None:
    tell(terminal, "pouch_seals_moved", {"count": count}, count=count)
