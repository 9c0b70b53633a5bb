"""Admits the key of backups to a custodian's store, at its terminal, as its own user.

    python -m keys.custody.admitting --store DIR --key FILE     once for each key of backups

Prints the key's fingerprint, how many holders open, and their names. From then on the custodian
seals its part of each backup to this key and to no other (`keys.custody.parts`), running or not.

Exit status: 0 done, 1 refused (no key of backups; named on stderr), 3 the system failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keys.custody.backups import BackupKey
from keys.custody.errors import BackupKeyNotAdmitted
from keys.custody.parts import admit
from keys.exits import exit_status

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Admits a key of backups; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m keys.custody.admitting")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True, metavar="FILE")
    options = parser.parse_args(arguments)
    os.umask(0o077)
    return exit_status(lambda: _admit(options.store, options.key))


def _admit(store: Path, file: Path) -> None:
    try:
        key = BackupKey.parse(file.read_bytes())
    except ValueError as error:
        raise BackupKeyNotAdmitted(f"{file} is no key of backups: {error}") from error
    admit(store, key)
    sys.stdout.write(f"{key.fingerprint} {key.threshold} {' '.join(key.holders)}\n")


if __name__ == "__main__":
    sys.exit(main())
