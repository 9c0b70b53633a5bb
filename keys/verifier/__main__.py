"""Checks an exported log, a month, a proof or a record of a rotation. Needs nothing of the service.

    cipher-verify log DIR [--key VKEY] [--since CHECKPOINT] [--records FILE]
                          [--witness VKEY ... --quorum N] [--root FILE]
    cipher-verify month DIR [--key VKEY] [--root FILE]
    cipher-verify proof FILE --key VKEY --entry HEX [--root FILE --successions FILE]
    cipher-verify rotation FILE --key VKEY [--root FILE --successions FILE]

`--key` is the log's verifier key; without it the one in DIR/vkey is taken, which proves only that
the folder agrees with itself. `--root` is the ministry's, whose fingerprint was compared: by its
word in `successions` the log's keys before and after that one count too, each to its end.

Exit status: 0 it holds, 1 it does not (named), 2 wrong usage, 3 a file cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keys.endorsement import read_root_file
from keys.exits import exit_status
from keys.log.checkpoints import NoteKeys
from keys.log.notes import Note, VerifierKey
from keys.log.proofs import LogProof
from keys.rotation_record import read_rotation_record
from keys.verifier.exported import (
    KEY_FILE,
    SUCCESSIONS_FILE,
    keys_led,
    require_grown,
    require_witnessed,
    verify_export,
    verify_records,
)
from keys.verifier.month import verify_month

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one check; gives its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    apart = options.what in {"proof", "rotation"}
    if apart and (options.root is None) != (options.successions is None):
        parser.error("--root and --successions go together")
    return exit_status(lambda: _check(options))


def _check(options: argparse.Namespace) -> None:
    said = _CHECKS[options.what](options)
    sys.stdout.write(f"OK {said}\n")


def _key(options: argparse.Namespace) -> VerifierKey | NoteKeys:
    text = options.key or (options.folder / KEY_FILE).read_text("ascii").strip()
    return _led(VerifierKey.parse(text), options, options.folder / SUCCESSIONS_FILE)


def _led(
    key: VerifierKey, options: argparse.Namespace, successions: Path | None
) -> VerifierKey | NoteKeys:
    if options.root is None or successions is None:
        return key
    return keys_led(key, successions.read_bytes(), read_root_file(options.root.read_bytes()))


def _name(key: VerifierKey | NoteKeys) -> str:
    return key.current.name if isinstance(key, NoteKeys) else key.name


def _check_log(options: argparse.Namespace) -> str:
    key = _key(options)
    exported = verify_export(options.folder, key)
    said = f"{_name(key)} entries={exported.checkpoint.size}"
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


def _check_month(options: argparse.Namespace) -> str:
    key = _key(options)
    proved = verify_month(options.folder, key)
    month = proved.month
    where = f"first={month.first} end={month.end} of={proved.checkpoint.size}"
    return f"{_name(key)} month={month.month} {where} withheld={proved.withheld}"


def _check_proof(options: argparse.Namespace) -> str:
    key = _led(VerifierKey.parse(options.key), options, options.successions)
    proof = LogProof.parse(options.file.read_bytes())
    checkpoint = proof.verify(options.entry, key)
    return f"{_name(key)} entry={proof.index} of={checkpoint.size}"


def _check_rotation(options: argparse.Namespace) -> str:
    key = _led(VerifierKey.parse(options.key), options, options.successions)
    known = read_rotation_record(options.file.read_bytes(), key)
    made, seen = known.rotation, ",".join(each.actor for each in known.confirmed)
    where = f"entry={known.entered.place} of={known.head.size}"
    ordered = known.ordered.by if known.ordered is not None else ""
    told = f"{where} ordered={ordered} confirmed={seen}"
    return f"{_name(key)} key={made.key} version={made.number} {told}"


_CHECKS: Final[Mapping[str, Callable[[argparse.Namespace], str]]] = {
    "log": _check_log,
    "month": _check_month,
    "proof": _check_proof,
    "rotation": _check_rotation,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cipher-verify", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    checks = parser.add_subparsers(dest="what", required=True)
    log = checks.add_parser("log")
    log.add_argument("folder", type=Path)
    log.add_argument("--key")
    log.add_argument("--root", type=Path)
    log.add_argument("--since", type=Path)
    log.add_argument("--records", type=Path)
    log.add_argument("--witness", action="append", default=[])
    log.add_argument("--quorum", type=int, default=0)
    month = checks.add_parser("month")
    month.add_argument("folder", type=Path)
    month.add_argument("--key")
    month.add_argument("--root", type=Path)
    proof, rotation = checks.add_parser("proof"), checks.add_parser("rotation")
    for parted in (proof, rotation):
        parted.add_argument("file", type=Path)
        parted.add_argument("--key", required=True)
        parted.add_argument("--root", type=Path)
        parted.add_argument("--successions", type=Path)
    proof.add_argument("--entry", type=bytes.fromhex, required=True)
    return parser


if __name__ == "__main__":
    sys.exit(main())
