"""An installation opened for one command: its settings and its database."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from cipher_service.settings import Settings
from cipher_service.storage.engine import open_engine


@dataclass(frozen=True, slots=True)
class Installation:
    """What a command works on."""

    settings: Settings
    engine: Engine


@contextmanager
def opened(arguments: Namespace) -> Iterator[Installation]:
    """Open the installation that `--data` names, and close it.

    Raises:
        SettingsInvalid: the folder holds none.
    """
    settings = Settings.load(Path(arguments.data))
    engine = open_engine(settings.database)
    try:
        yield Installation(settings, engine)
    finally:
        engine.dispose()
