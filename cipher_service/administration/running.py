"""Run the service, and bring its database to the present shape."""

from argparse import Namespace
from pathlib import Path

from cipher_service.administration.installation import opened
from cipher_service.administration.words import Speaker
from cipher_service.app import run
from cipher_service.client.terminal import Terminal
from cipher_service.settings import Settings
from cipher_service.storage import migrations


def serve(arguments: Namespace, terminal: Terminal) -> None:
    """Run every process of the service until a signal; prints READY and the address."""
    run(Settings.load(Path(arguments.data)), terminal.show)


def migrate(arguments: Namespace, terminal: Terminal) -> None:
    """Upgrade the database; repeating it changes nothing."""
    with opened(arguments) as installation:
        migrations.upgrade(installation.engine)
        version = migrations.version(installation.engine) or ""
    Speaker(terminal).show("migrate_done", version=version)
