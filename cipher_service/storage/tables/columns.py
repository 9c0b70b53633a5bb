"""What every table shares: one metadata, strict typing, and few column types.

Only TEXT, INTEGER and BLOB (BYTEA) are used, so that a row means the same on both databases:

- instants are TEXT `YYYY-MM-DDTHH:MM:SSZ`, which also sorts in order of time;
- lists are TEXT holding canonical JSON;
- hashes are TEXT, lower-case hex; bodies and signed documents are BLOB;
- states and codes are TEXT with a CHECK.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    Table,
)
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Long = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits on both databases: SQLite's INTEGER already is, and STRICT knows no BIGINT."""


def table(name: str, *items: SchemaItem, clustered: bool = False) -> Table:
    """Declare a table; SQLite's STRICT makes it refuse a value of another type.

    Args:
        name: of the table.
        items: its columns and constraints.
        clustered: rows lie in the order of the primary key, with no second copy of it (SQLite).
    """
    return Table(name, metadata, *items, sqlite_strict=True, sqlite_with_rowid=not clustered)


def one_of(column: str, *values: str) -> CheckConstraint:
    """Allow only these values in a TEXT column."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def at_least(column: str, lowest: int) -> CheckConstraint:
    """Allow only numbers from `lowest` up (or NULL where the column allows it)."""
    return CheckConstraint(f"{column} >= {lowest}", name=column)


def index_where(
    few: ColumnElement[bool], name: str, *columns: Column[Any], unique: bool = False
) -> Index:
    """Declare an index of the rows for which a condition holds, once their table is there."""
    return Index(name, *columns, unique=unique, sqlite_where=few, postgresql_where=few)


__all__ = ["Column", "Long", "at_least", "index_where", "metadata", "one_of", "table"]
