"""The database's shape, version by version (Alembic), usable from the installed package.

`upgrade` brings any database to the present shape; `is_current` is asked before serving. There is
no downgrade: a register is not unwritten.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect

from cipher_service.errors import ServiceError
from cipher_service.storage.second_store import renew_triggers
from cipher_service.storage.unit_of_work import reading, unit_of_work


def upgrade(engine: Engine) -> None:
    """Bring the database to the present version, in one transaction; repeatable.

    Raises:
        ServiceError: DATABASE_NEWER: a later release has been at work on it.
    """
    if is_newer(engine):
        raise ServiceError("DATABASE_NEWER")
    with unit_of_work(engine) as connection:
        command.upgrade(_config(connection), "head")
        renew_triggers(connection)


def version(engine: Engine) -> str | None:
    """Return the database's version, None when it is empty."""
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_vacant(engine: Engine) -> bool:
    """Say whether the database holds no table, of whoever."""
    with reading(engine) as connection:
        return not inspect(connection).get_table_names()


def is_current(engine: Engine) -> bool:
    """Say whether the database has the shape that this release expects."""
    return version(engine) == ScriptDirectory.from_config(_config(None)).get_current_head()


def is_newer(engine: Engine) -> bool:
    """Say whether the database has a shape that this release does not know."""
    known = {
        script.revision for script in ScriptDirectory.from_config(_config(None)).walk_revisions()
    }
    return (version(engine) or "") not in known | {""}


def _config(connection: Connection | None) -> Config:
    config = Config()
    # Interpolation would trip over a percent sign in the installation's path.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
