"""Triggers that note which rows a transaction touches: made with a second store, gone with it."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, Table

_NOTE: Final = "INSERT INTO second_store_change (subject, key) VALUES ('{table}', {key})"


def install(connection: Connection, tables: Sequence[Table]) -> None:
    """Note every change of these tables from now on; repeatable.

    PostgreSQL lets only a table's owner do this.
    """
    remove(connection, tables)
    make = _on_file if connection.dialect.name == "sqlite" else _on_server
    for table in tables:
        for statement in make(table):
            connection.exec_driver_sql(statement)


def remove(connection: Connection, tables: Sequence[Table]) -> None:
    """Note nothing any more; repeatable."""
    for table in tables:
        if connection.dialect.name == "sqlite":
            for each in ("added", "changed", "renamed", "removed"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS second_{each}_{table.name}")
        else:
            function = f"second_store_{table.name}()"
            connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {function} CASCADE")


def _on_file(table: Table) -> list[str]:
    name = table.name
    columns = ", ".join(f'"{column.name}"' for column in table.primary_key)
    new, old = (_note(table, "json_array", row) for row in ("NEW", "OLD"))
    return [
        f'CREATE TRIGGER second_added_{name} AFTER INSERT ON "{name}" BEGIN {new}; END',
        f'CREATE TRIGGER second_changed_{name} AFTER UPDATE ON "{name}" BEGIN {new}; END',
        (
            f"CREATE TRIGGER second_renamed_{name} AFTER UPDATE OF {columns} "
            f'ON "{name}" BEGIN {old}; END'
        ),
        f'CREATE TRIGGER second_removed_{name} AFTER DELETE ON "{name}" BEGIN {old}; END',
    ]


def _on_server(table: Table) -> list[str]:
    name = table.name
    new, old = (_note(table, "jsonb_build_array", row, cast="::text") for row in ("NEW", "OLD"))
    same = " AND ".join(f'NEW."{each.name}" = OLD."{each.name}"' for each in table.primary_key)
    # The driver reads `%` as a place for a parameter: none stands here.
    return [
        (
            f"CREATE FUNCTION second_store_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF TG_OP = 'DELETE' THEN {old}; RETURN NULL; END IF; {new}; "
            f"IF TG_OP = 'UPDATE' THEN IF NOT ({same}) THEN {old}; END IF; END IF; "
            f"RETURN NULL; END $$"
        ),
        (
            f'CREATE TRIGGER second_store_note AFTER INSERT OR UPDATE OR DELETE ON "{name}" '
            f"FOR EACH ROW EXECUTE FUNCTION second_store_{name}()"
        ),
    ]


def _note(table: Table, array: str, row: str, *, cast: str = "") -> str:
    values = ", ".join(f'{row}."{column.name}"' for column in table.primary_key)
    return _NOTE.format(table=table.name, key=f"{array}({values}){cast}")
