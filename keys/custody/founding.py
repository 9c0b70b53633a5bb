"""Founds a custodian apart from the service: its keys, in its own folder, by its own user.

    python -m keys.custody.founding --store DIR --credential FILE --post CODE --days N

Prints the fingerprint of the bureau's card, which the service's founding shows again. The service
is then founded on the running custodian (`cipher-service init --custodian URI`).

Exit status: 0 done, 1 refused (named on stderr), 3 the system failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from keys.custody.clock import system_clock
from keys.custody.store import found
from keys.exits import exit_status

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Founds a store; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m keys.custody.founding")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--credential", type=Path, required=True)
    parser.add_argument("--post", required=True)
    parser.add_argument("--days", type=int, default=366, help="of the card's validity")
    options = parser.parse_args(arguments)
    os.umask(0o077)
    return exit_status(lambda: _found(options))


def _found(options: argparse.Namespace) -> None:
    now = system_clock()
    until = now + timedelta(days=options.days)
    founding = found(options.store, options.credential, options.post, now, until)
    sys.stdout.write(f"{founding.card.fingerprint}\n")


if __name__ == "__main__":
    sys.exit(main())
