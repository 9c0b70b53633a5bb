"""A workload for the power: adds numbered rows, each acknowledged on stdout after its commit.

python rows_workload.py DATABASE SYNCHRONOUS JOURNAL
"""

import sys
from itertools import count

from sqlcipher3 import dbapi2


def main() -> None:
    """Adds rows until it is killed."""
    path, synchronous, journal = sys.argv[1:]
    connection = dbapi2.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("CREATE TABLE IF NOT EXISTS entry (number INTEGER PRIMARY KEY, text TEXT)")
    (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM entry").fetchone()
    for number in count(last + 1):
        connection.execute("INSERT INTO entry VALUES (?, ?)", (number, "dépêche " * 20))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
