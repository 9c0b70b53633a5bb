"""Ends the log whose heads a custodian signs, for the one of a service that was restored beside it.

    python -m keys.custody.new_log --store DIR

Typed at the custodian's terminal as its user, whether it runs or not, once `cipher-service restore
--custodian-lives` has told what the next log begins with. Prints the name and the number of entries
of the last head; no head under that name is signed again.

Exit status: 0 done, 3 the system failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keys.custody.log_keys import HeadInStore
from keys.exits import exit_status

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Ends a log; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m keys.custody.new_log")
    parser.add_argument("--store", type=Path, required=True)
    options = parser.parse_args(arguments)
    os.umask(0o077)
    return exit_status(lambda: _end(options.store))


def _end(store: Path) -> None:
    head = HeadInStore(store).put_aside()
    sys.stdout.write("none\n" if head is None else " ".join(head.split("\n")[:2]) + "\n")


if __name__ == "__main__":
    sys.exit(main())
