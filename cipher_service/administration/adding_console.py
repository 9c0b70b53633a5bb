"""A console for an installation that was founded without one."""

from argparse import Namespace

from cipher_service.administration.founding import Console, console_of
from cipher_service.administration.installation import (
    Installation,
    journal_of,
    opened,
    party_of_officers,
)
from cipher_service.administration.words import Speaker
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.terminal import Terminal


def add(arguments: Namespace, terminal: Terminal) -> None:
    """Write a console into the settings; `serve` opens it when it is started again.

    Raises:
        Refused: CONSOLE_THERE; CONSOLE_OF_OTHER_KEYS: the custodian's officers sign elsewhere.
        Misused: PORT_MISSING.
        SettingsInvalid: ports or origins are not such; nothing was written.
    """
    with opened(arguments) as installation:
        if installation.settings.console_port:
            raise Refused("CONSOLE_THERE", url=installation.settings.console_origin)
        console = console_of(arguments)
        if console is None:
            raise Misused("PORT_MISSING")
        settings = console.added_to(installation.settings)
        settings.require_origins()
        _require_same_party(installation, console)
        with journal_of(installation).act("console_add", console.origin):
            settings.write()
    speaker = Speaker(terminal)
    speaker.show("console_added", url=console.origin, sign=console.approval_origin)
    speaker.say("init_console", folder=str(settings.authenticators))
    speaker.say("console_next")


def _require_same_party(installation: Installation, console: Console) -> None:
    """Demand what security keys on the custodian's roll can answer: its origins are for life."""
    party = party_of_officers(installation)
    if party is not None and console.approval_origin not in party.origins:
        raise Refused("CONSOLE_OF_OTHER_KEYS", origins=", ".join(party.origins))
