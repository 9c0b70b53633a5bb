"""One moment of a database, copied table by table into another of the same shape.

The copy is made through the tables' own definitions, so that a backup of PostgreSQL opens on the
embedded database and the other way round.
"""

from collections.abc import Collection

from sqlalchemy import Connection, Engine, Integer, Table, func, insert, select, text

from cipher_service.storage.tables import metadata
from cipher_service.storage.unit_of_work import unit_of_work

_AT_ONCE = 500


def copy_tables(source: Connection, target: Engine, *, without: Collection[Table] = ()) -> int:
    """Copy every row of the source in one transaction of the target; return how many.

    Args:
        source: sees one moment (`reading`), of the present shape.
        target: of the present shape, holding no rows.
        without: tables that stay empty.
    """
    copied = 0
    with unit_of_work(target) as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for table in metadata.sorted_tables:
            if table in without:
                continue
            order = list(table.primary_key.columns)
            rows = source.execute(select(table).order_by(*order)).mappings()
            for piece in rows.partitions(_AT_ONCE):
                connection.execute(insert(table), [dict(row) for row in piece])
                copied += len(piece)
            _continue_identity(connection, table)
    return copied


def _continue_identity(connection: Connection, table: Table) -> None:
    """Let PostgreSQL number new rows after those that were copied with their numbers."""
    if connection.dialect.name != "postgresql":
        return
    for column in table.columns:
        if column.identity is not None and isinstance(column.type, Integer):
            last = connection.scalar(select(func.max(column)))
            connection.execute(
                text("SELECT setval(pg_get_serial_sequence(:table, :column), :next, false)"),
                {"table": table.name, "column": column.name, "next": (last or 0) + 1},
            )
