"""Begins, ends and checks the second place of a custodian's store, at its terminal, as its user.

    python -m keys.custody.second_place begin --store DIR --at PLACE     once; and after a restore
    python -m keys.custody.second_place end --store DIR
    python -m keys.custody.second_place check --store DIR
    python -m keys.custody.second_place adopt --store DIR --at PLACE     once a backup is restored

What it is: `keys.custody.place`. `begin` prints the folder of the store in it, `check` and `adopt`
how often it was written.

Exit status: 0 done, 1 refused (one of the two is older, or damaged; named on stderr), 3 the system
failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keys.custody.place import adopt, begin, check, end
from keys.exits import exit_status

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Begins, ends, checks or adopts a second place; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m keys.custody.second_place")
    parser.add_argument("act", choices=("begin", "end", "check", "adopt"))
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--at", type=Path, metavar="PLACE")
    options = parser.parse_args(arguments)
    if (options.act in {"begin", "adopt"}) != (options.at is not None):
        parser.error("--at goes with begin and adopt, and only with them")
    os.umask(0o077)
    return exit_status(lambda: _act(options))


def _act(options: argparse.Namespace) -> None:
    store: Path = options.store
    if options.act == "begin":
        sys.stdout.write(f"{begin(store, options.at.resolve(strict=True))}\n")
    elif options.act == "adopt":
        sys.stdout.write(f"{adopt(store, options.at.resolve(strict=True))}\n")
    elif options.act == "end":
        sys.stdout.write("ended\n" if end(store) else "none\n")
    else:
        state = check(store)
        sys.stdout.write("none\n" if state is None else f"{state.position}\n")


if __name__ == "__main__":
    sys.exit(main())
