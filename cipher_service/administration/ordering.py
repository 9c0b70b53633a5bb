"""Who orders a rotation: their security key signs the command, or a name is told of.

    order = asked(arguments, terminal, installation, key, {})
    found = Found()
    with journal.act(ROTATED, key, found) as connection:
        enter(connection, order, installation.settings, found)

The rotation's own entry in the log then says it, so that its record (`keys.rotation_record`) can
say nothing else. Where nobody is named, the entry does not tell, and the record says that.
"""

from argparse import Namespace
from collections.abc import Mapping

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.administration import presence
from cipher_service.administration.installation import Installation, journal_of
from cipher_service.audit.journal import Found
from cipher_service.client.failures import Misused
from cipher_service.client.terminal import Terminal
from cipher_service.settings import Settings
from keys.rotation_record import ACTOR, ROTATED


def require_name(name: str) -> None:
    """Refuse what is no name of one line. Raises Misused PERSON_NAME_MALFORMED."""
    if not ACTOR.fullmatch(name):
        raise Misused("PERSON_NAME_MALFORMED", given=name[:80])


def asked(
    arguments: Namespace,
    terminal: Terminal,
    installation: Installation,
    key: str,
    also: Mapping[str, str],
) -> presence.Answers | None:
    """Have the security key of whom `--by` names sign the order, before anything of it is done.

    Args:
        arguments: as typed.
        terminal: where the command is shown as it is signed.
        installation: whose officers.
        key: what is rotated.
        also: what is signed beside what was typed.

    Returns:
        None where nobody is named.

    Raises:
        Misused: PERSON_NAME_MALFORMED.
        Refused: as `presence.sign`.
    """
    if arguments.by is None:
        return None
    require_name(arguments.by)
    with journal_of(installation).told(ROTATED, key):
        return presence.sign(arguments, terminal, installation, also, (arguments.by,))


def enter(
    connection: Connection, order: presence.Answers | None, settings: Settings, found: Found
) -> None:
    """Verify, in the rotation's own transaction, who ordered it, and have its entry say so.

    Raises:
        Refused, ServiceError, Refusal: as `presence.verify`.
    """
    if order is None:
        return
    presence.verify(connection, order, settings, clock.now())
    [by] = order.named
    if by in order.given:
        found.signers, found.ordered_signed = (by,), by
    else:
        found.ordered_named = by
