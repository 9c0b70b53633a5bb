"""The versions of the database lead to the tables that the code names."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DatabaseError

from cipher_service.storage import migrations
from cipher_service.storage.migrations import is_current, upgrade, version
from cipher_service.storage.tables import metadata
from cipher_service.storage.unit_of_work import reading, unit_of_work

EARLIER = "0013_approvals"
LAST_TABLE = "CREATE TABLE controlled_item (obstacle TEXT)"


def test_an_empty_database_is_brought_to_the_present_shape(empty_engine: Engine) -> None:
    assert version(empty_engine) is None
    assert not is_current(empty_engine)
    upgrade(empty_engine)
    assert is_current(empty_engine)


def test_the_versions_give_exactly_the_tables_of_the_metadata(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    with empty_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_checks_and_partial_indexes_are_there_too(empty_engine: Engine) -> None:
    """Alembic's comparison does not look at these."""
    upgrade(empty_engine)
    found = inspect(empty_engine)
    for table in metadata.sorted_tables:
        wanted = {c.name for c in table.constraints if c.__class__.__name__ == "CheckConstraint"}
        assert {c["name"] for c in found.get_check_constraints(table.name)} == wanted, table.name
        assert {
            i["name"] for i in found.get_indexes(table.name) if "duplicates_constraint" not in i
        } == {i.name for i in table.indexes}, table.name


def test_upgrading_twice_changes_nothing(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    before = version(empty_engine)
    upgrade(empty_engine)
    assert version(empty_engine) == before


def test_an_upgrade_that_fails_leaves_the_older_database_as_it_was(empty_engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with unit_of_work(empty_engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, EARLIER)
        connection.execute(text("INSERT INTO counter (name, value) VALUES ('register/2025', 41)"))
        # Where the last of the missing versions will fail, after those between.
        connection.execute(text(LAST_TABLE))
    before = set(inspect(empty_engine).get_table_names())

    with pytest.raises(DatabaseError):
        upgrade(empty_engine)
    assert version(empty_engine) == EARLIER
    assert set(inspect(empty_engine).get_table_names()) == before

    with unit_of_work(empty_engine) as connection:
        connection.execute(text("DROP TABLE controlled_item"))
    upgrade(empty_engine)
    assert is_current(empty_engine)
    with reading(empty_engine) as connection:
        assert connection.execute(text("SELECT name, value FROM counter")).all() == [
            ("register/2025", 41)
        ]
