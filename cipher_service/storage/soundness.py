"""Whether the database file itself is sound, as the database can tell."""

from sqlalchemy import Connection, text

_MESSAGES_MAX = 20


def damage(connection: Connection) -> list[str]:
    """Return what the database finds wrong with itself, in its own words; empty when sound.

    SQLite reads every page and index (`integrity_check`) and every reference
    (`foreign_key_check`). PostgreSQL tells of blocks whose checksum failed and of invalid indexes;
    references it enforces itself.
    """
    if connection.dialect.name == "sqlite":
        found = [
            str(row[0])
            for row in connection.exec_driver_sql(f"PRAGMA integrity_check({_MESSAGES_MAX})")
            if row[0] != "ok"
        ]
        orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(_MESSAGES_MAX)
        return found + [f"{row[0]} names a missing row of {row[2]}" for row in orphans]
    failures = connection.scalar(
        text(
            "SELECT coalesce(checksum_failures, 0) FROM pg_stat_database "
            "WHERE datname = current_database()"
        )
    )
    found = [f"{failures} blocks failed their checksum"] if failures else []
    invalid = connection.scalars(
        text("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid")
    )
    return found + [f"index {name} is invalid" for name in invalid]
