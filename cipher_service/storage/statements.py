"""Statements for the hot paths: written in SQLAlchemy Core, compiled once, run by the driver.

Core's own execution costs about 25 microseconds a statement; a submission runs seven of them, and
the registrar is one process. Here the text is compiled once per dialect and handed straight to the
driver's cursor. Only TEXT, INTEGER and BLOB columns exist (`tables.columns`), so no value needs a
conversion on its way.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, literal_column
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.expression import ClauseElement

Value = str | int | bytes | None


class Statement:
    """One statement, ready for both databases.

    Args:
        clause: the statement. Its parameters are `bindparam`s or, for an INSERT, its columns.
        columns: for an INSERT, the names of the columns that each row gives.
    """

    def __init__(self, clause: ClauseElement, columns: Iterable[str] | None = None) -> None:
        self._clause = clause
        self._columns = None if columns is None else list(columns)
        self._compiled: dict[str, tuple[str, _Arrange]] = {}

    def run(self, connection: Connection, values: Mapping[str, Value]) -> Any:
        """Run it once; returns the driver's cursor (`fetchone()`, `rowcount`)."""
        text, arrange = self._for(connection)
        return driver_cursor(connection).execute(text, arrange(values))

    def one(self, connection: Connection, values: Mapping[str, Value]) -> Any:
        """Run it and return its first row, or None.

        The rows are all taken: SQLite cannot commit while a RETURNING is half read.
        """
        rows = self.run(connection, values).fetchall()
        return rows[0] if rows else None

    def run_many(self, connection: Connection, rows: Iterable[Mapping[str, Value]]) -> int:
        """Run it for each row; returns the number of rows written in all."""
        text, arrange = self._for(connection)
        cursor = driver_cursor(connection)
        cursor.executemany(text, map(arrange, rows))
        return int(cursor.rowcount)

    def _for(self, connection: Connection) -> tuple[str, "_Arrange"]:
        dialect = connection.dialect
        found = self._compiled.get(dialect.name)
        if found is None:
            compiled = self._clause.compile(dialect=dialect, column_keys=self._columns)
            order = getattr(compiled, "positiontup", None)  # SQLite's parameters are positional
            found = self._compiled[dialect.name] = (str(compiled), _arrange(order, compiled.params))
        return found


_Arrange = Callable[[Mapping[str, Value]], Any]


def _arrange(order: Sequence[str] | None, parameters: Mapping[str, Any]) -> _Arrange:
    """Return what turns a row's values into the driver's parameters."""
    # Literals of the clause, such as the 1 in `value + 1`. What a row must give is marked by an int
    # of a type of its own.
    fixed = {name: value for name, value in parameters.items() if type(value) in {str, int, bytes}}
    if order is None:
        return lambda values: {**fixed, **values}
    if fixed or len(order) < 2:  # noqa: PLR2004 - of one name, `itemgetter` gives no tuple
        return lambda values: [values[name] if name in values else fixed[name] for name in order]
    return itemgetter(*order)


def insert_or_skip(target: Table, conflict: Iterable[str]) -> postgresql.Insert:
    """Return an INSERT that does nothing where a row with these columns exists already.

    Both databases spell it alike, so the PostgreSQL construct compiles for SQLite too.
    """
    columns = [target.c[name] for name in conflict]
    return postgresql.insert(target).on_conflict_do_nothing(index_elements=columns)


def inserts(connection: Connection, statement: postgresql.Insert) -> bool:
    """Run an `insert_or_skip` with its values; says whether a row was written.

    The row itself answers: SQLAlchemy keeps no count of inserted rows on PostgreSQL.
    """
    written: list[Any] = list(connection.execute(statement.returning(literal_column("1"))))
    return bool(written)


def run_plain(connection: Connection, statement: str) -> Any:
    """Run a statement without parameters, past SQLAlchemy; returns the driver's cursor.

    For what every transaction does: SQLAlchemy would look for a result to keep.

    Raises:
        DBAPIError: as SQLAlchemy names what the driver raised.
    """
    dbapi = connection.dialect.loaded_dbapi
    try:
        return driver_cursor(connection).execute(statement)
    except dbapi.Error as error:
        raise DBAPIError.instance(
            statement, None, error, dbapi.Error, dialect=connection.dialect
        ) from error


def driver_cursor(connection: Connection) -> Any:
    """Return a new cursor of the driver inside the connection's transaction."""
    # For drivers without asyncio this is the driver's own connection, without the way through
    # SQLAlchemy's pool that `driver_connection` takes.
    driver = connection.connection.dbapi_connection
    if driver is None:
        raise RuntimeError("the connection is closed")
    return driver.cursor()
