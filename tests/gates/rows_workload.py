"""A workload for the disk: adds numbered rows, each acknowledged on stdout after its commit.

    python rows_workload.py DATABASE SYNCHRONOUS JOURNAL [ROWS]

It does two things that SQLite leaves to its caller and that the gates have shown to matter: it
looks whether the journal mode was granted (after a disk error SQLite keeps the old one and says
so only in the answer), and it syncs the folder itself once the files are there (SQLite syncs it
too but ignores a failure: unixSync in os_unix.c).
"""

import os
import sys
from itertools import count
from pathlib import Path

from sqlcipher3 import dbapi2


def main() -> None:
    """Adds as many rows as it is told to, by default until it is killed."""
    path, synchronous, journal, *rows = sys.argv[1:]
    connection = dbapi2.connect(path, isolation_level=None)
    (granted,) = connection.execute(f"PRAGMA journal_mode = {journal}").fetchone()
    if granted != journal.lower():
        sys.exit(f"journal mode {granted} instead of {journal}")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("CREATE TABLE IF NOT EXISTS entry (number INTEGER PRIMARY KEY, text TEXT)")
    _sync_folder(Path(path).parent)
    (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM entry").fetchone()
    for number in range(last + 1, last + 1 + int(rows[0])) if rows else count(last + 1):
        connection.execute("INSERT INTO entry VALUES (?, ?)", (number, "dépêche " * 20))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    connection.close()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)


if __name__ == "__main__":
    main()
