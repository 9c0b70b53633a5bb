"""Run the service, and bring its database to the present shape."""

import logging
from argparse import Namespace
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from cipher_service import clock
from cipher_service.administration.bureau import bureau_of
from cipher_service.administration.installation import custodian_of, installation_at
from cipher_service.administration.versions import tell_warnings
from cipher_service.administration.words import Speaker
from cipher_service.api.supervisor import StartFailed
from cipher_service.app.processes import run
from cipher_service.client.failures import Refused, Unavailable
from cipher_service.client.terminal import Terminal
from cipher_service.errors import ServiceError
from cipher_service.settings import Settings
from cipher_service.storage import migrations
from keys.custody.book import Book
from keys.errors import KeysError

log = logging.getLogger(__name__)

# A departure takes seconds, a gigabyte a minute: what is older was interrupted.
UNDER_WAY = timedelta(minutes=15)


def serve(arguments: Namespace, terminal: Terminal) -> None:
    """Run every process of the service until a signal; prints READY and the address.

    Raises:
        Refused: DATABASE_EMPTY, DATABASE_NEWER or DATABASE_NOT_CURRENT.
        ServiceError: DATABASE_MISSING.
        Unavailable: START_FAILED.
    """
    settings = Settings.load(Path(arguments.data))
    _require_current(settings)

    def announce(line: str) -> None:
        with custodian_of(settings) as custodian:
            sealed = custodian.state().sealed
            tell_warnings(Book.parse(custodian.key_versions()), clock.now(), terminal)
        if sealed:
            Speaker(terminal).say("custody_sealed")
        else:
            _recover(settings)
        if settings.console_port:
            Speaker(terminal).say("serve_console", url=settings.console_origin)
        terminal.show(line)

    try:
        run(settings, announce)
    except StartFailed as failed:
        raise Unavailable("START_FAILED", problem=str(failed)) from failed


def migrate(arguments: Namespace, terminal: Terminal) -> None:
    """Upgrade the database; repeating it changes nothing.

    `--database` names it as its owner, who alone may change tables (deploy/postgresql).

    Raises:
        Refused: DATABASE_EMPTY.
        ServiceError: DATABASE_NEWER.
    """
    settings = Settings.load(Path(arguments.data))
    if arguments.database:
        settings = replace(settings, database_url=arguments.database)
    with installation_at(settings) as installation:
        if migrations.version(installation.engine) is None:
            raise Refused("DATABASE_EMPTY")
        migrations.upgrade(installation.engine)
        version = migrations.version(installation.engine) or ""
    Speaker(terminal).show("migrate_done", version=version)


def _recover(settings: Settings) -> None:
    """Cancel the departures that the last stop interrupted, and tell their addressees.

    The custodian is up by now. Should it fail nevertheless, the service is worth more than this:
    the next start does it.
    """
    try:
        with installation_at(settings) as installation, bureau_of(installation) as bureau:
            for dispatch_id in bureau.recover(before=clock.now() - UNDER_WAY):
                log.warning("departure %s was interrupted: its numbers are cancelled", dispatch_id)
    except (KeysError, ServiceError, SQLAlchemyError):
        log.exception("interrupted departures were not recovered")


def _require_current(settings: Settings) -> None:
    with installation_at(settings) as installation:
        if migrations.version(installation.engine) is None:
            raise Refused("DATABASE_EMPTY")
        if migrations.is_newer(installation.engine):
            raise Refused("DATABASE_NEWER")
        if not migrations.is_current(installation.engine):
            raise Refused("DATABASE_NOT_CURRENT")
