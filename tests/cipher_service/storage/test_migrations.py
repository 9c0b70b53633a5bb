"""The versions of the database lead to the tables that the code names."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from cipher_service.storage.migrations import is_current, upgrade, version
from cipher_service.storage.tables import metadata


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
