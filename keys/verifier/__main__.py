"""Checks an exported log, a proof or an export's records. Needs nothing of the service.

    cipher-verify log DIR [--key VKEY] [--since CHECKPOINT] [--records FILE]
                          [--witness VKEY ... --quorum N]
    cipher-verify proof FILE --key VKEY --entry HEX

`--key` is the log's verifier key; without it the one in DIR/vkey is taken, which proves only that
the folder agrees with itself. Exit status: 0 it holds, 1 it does not (named), 2 wrong usage,
3 a file cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keys.exits import exit_status
from keys.log.notes import Note, VerifierKey
from keys.log.proofs import LogProof
from keys.verifier.exported import (
    KEY_FILE,
    require_grown,
    require_witnessed,
    verify_export,
    verify_records,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one check; gives its exit status."""
    options = _parser().parse_args(arguments)
    return exit_status(lambda: _check(options))


def _check(options: argparse.Namespace) -> None:
    said = _check_proof(options) if options.what == "proof" else _check_log(options)
    sys.stdout.write(f"OK {said}\n")


def _check_log(options: argparse.Namespace) -> str:
    text = options.key or (options.folder / KEY_FILE).read_text("ascii").strip()
    key = VerifierKey.parse(text)
    exported = verify_export(options.folder, key)
    said = f"{key.name} entries={exported.checkpoint.size}"
    if options.since is not None:
        require_grown(exported, Note.parse(options.since.read_bytes()), key)
        said += " continues"
    if options.records is not None:
        lines = options.records.read_bytes().splitlines()
        said += f" records={verify_records(exported, lines)}"
    if options.quorum:
        witnesses = [VerifierKey.parse(witness) for witness in options.witness]
        names, seen = require_witnessed(exported, options.folder, key, witnesses, options.quorum)
        said += f" witnesses={','.join(names)} witnessed={seen}"
    return said


def _check_proof(options: argparse.Namespace) -> str:
    key = VerifierKey.parse(options.key)
    proof = LogProof.parse(options.file.read_bytes())
    checkpoint = proof.verify(options.entry, key)
    return f"{key.name} entry={proof.index} of={checkpoint.size}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cipher-verify", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    checks = parser.add_subparsers(dest="what", required=True)
    log = checks.add_parser("log")
    log.add_argument("folder", type=Path)
    log.add_argument("--key")
    log.add_argument("--since", type=Path)
    log.add_argument("--records", type=Path)
    log.add_argument("--witness", action="append", default=[])
    log.add_argument("--quorum", type=int, default=0)
    proof = checks.add_parser("proof")
    proof.add_argument("file", type=Path)
    proof.add_argument("--key", required=True)
    proof.add_argument("--entry", type=bytes.fromhex, required=True)
    return parser


if __name__ == "__main__":
    sys.exit(main())
