"""The first person of a ministry: recorded as it is founded, with the link that opens its console.

Nobody can yet give anybody a link there. It serves once, within 24 hours, as every other one.
"""

from argparse import Namespace

from cipher_service.administration.acting import acting, day
from cipher_service.administration.words import Speaker
from cipher_service.client.failures import Misused
from cipher_service.client.terminal import Terminal
from cipher_service.directory import officers
from cipher_service.directory.officers import Identity
from cipher_service.identity import passkey_book
from cipher_service.settings import Settings


def identity_of(arguments: Namespace, settings: Settings) -> Identity | None:
    """Return who is named as the first person, checked before anything is founded; None for nobody.

    Raises:
        Misused: FIRST_OFFICER_PARTIAL, DAY_MALFORMED, PORT_MISSING (there is no console).
        ServiceError: NAME_MALFORMED, UNKNOWN_GRADE.
    """
    given = (arguments.officer, arguments.grade, arguments.grade_since, arguments.service_since)
    if all(each is None for each in given):
        return None
    if any(each is None for each in given):
        raise Misused("FIRST_OFFICER_PARTIAL")
    if not settings.console_port:
        raise Misused("PORT_MISSING")
    identity = Identity(
        arguments.officer,
        arguments.grade.upper(),
        day(arguments.grade_since).date(),
        day(arguments.service_since).date(),
        None,
        settings.headquarters,
    )
    officers.check_identity(identity)
    return identity


def record(arguments: Namespace, terminal: Terminal, identity: Identity, origin: str) -> None:
    """Record the first person and print the link.

    Args:
        arguments: as typed; the installation is founded.
        terminal: where to.
        identity: who it is.
        origin: the console's.
    """
    with acting(arguments, terminal, name="first_officer") as desk:
        number = officers.add(desk.connection, identity, desk.now)
        desk.found.resource = number
        secret = passkey_book.make_link(desk.connection, number, desk.now, by=None)
    speaker = Speaker(terminal)
    speaker.show("init_officer", officer=number, person=identity.name)
    speaker.say("officer_link")
    terminal.show(f"{origin}/inscription#{secret}")
