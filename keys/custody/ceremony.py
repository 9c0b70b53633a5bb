"""The founding ceremony: the first officers enter the custodian's roll at its own terminal.

    python -m keys.custody.ceremony --store DIR --credential FILE COMMAND ...

    begin   --party RP-ID --origin URL ... --root PEM ... --model AAGUID ...
            [--level CODE ... --session-level CODE]     the scheme's levels, the lowest first
    person  NUMBER --name NAME --function CODE ... --rank N --from TIME --until TIME
    key     NUMBER      prints creation options, reads the browser's answer from standard input
    show                prints who is on the roll, and its fingerprint
    close               asks for the fingerprint as another person reads it out, and ends it all

Every step is whole or not done, and may be done again: a ceremony that was interrupted goes on
where it stopped (`show` says where). The service takes no part in it and cannot reopen it.

Exit status: 0 done, 1 refused (named), 2 wrong usage, 3 the system failed.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keys.act_rules import LEVELS, RULES, SESSION_RANK
from keys.acts import NONCE_BYTES
from keys.attestation import AuthenticatorPolicy
from keys.canonical import time_from_text
from keys.custody.ceremony_words import explain, phrase
from keys.custody.challenges import registration_challenge
from keys.custody.errors import (
    CeremonyIncomplete,
    CeremonyNotBegun,
    FingerprintDiffers,
    KeyUnknown,
    OfficersFounded,
    PersonUnknown,
)
from keys.custody.roll import KEYS_LEAST, KEYS_MOST, Officer, Roll
from keys.custody.roll_file import RollFile
from keys.custody.store import read_credential
from keys.errors import KeysError
from keys.passkeys import RelyingParty, creation_options, verify_registration

if TYPE_CHECKING:
    from collections.abc import Sequence

_GROUP: Final = 4
_TOKEN_DIGITS: Final = 16


def main(arguments: Sequence[str] | None = None) -> int:
    """Does one step of the ceremony in a process of its own; gives the exit status."""
    os.umask(0o077)
    return step(arguments)


def step(arguments: Sequence[str] | None = None) -> int:
    """Does one step of the ceremony in a process that goes on; gives the exit status."""
    options = _parser().parse_args(arguments)
    language: str = options.lang
    try:
        file = RollFile(options.store, read_credential(options.credential))
        with file.held():
            roll = file.read()
            if roll is not None and roll.founded and options.command != "show":
                raise OfficersFounded("the founding ceremony is over")
            _STEPS[options.command](options, file, roll)
    except KeysError as error:
        sys.stderr.write(explain(error.code, language) + "\n")
        return 1
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    return 0


def _begin(options: argparse.Namespace, file: RollFile, roll: Roll | None) -> None:
    made = Roll(
        party=RelyingParty(options.party, tuple(options.origin)),
        policy=AuthenticatorPolicy(
            tuple(root.read_bytes() for root in options.root), frozenset(options.model)
        ),
        levels=tuple(options.level or LEVELS),
    )
    made = replace(made, session_rank=_session_rank(made, options.session_level))
    # Begun again alike, nothing is lost; for another party the keys so far are worth nothing.
    if roll is not None and (roll.party, roll.policy) == (made.party, made.policy):
        made = replace(roll, levels=made.levels, session_rank=made.session_rank)
    file.write(made)
    _say(phrase("begun", options.lang, party=options.party))


def _session_rank(roll: Roll, level: str | None) -> int:
    return min(SESSION_RANK, len(roll.levels) - 1) if level is None else roll.rank_of(level)


def _person(options: argparse.Namespace, file: RollFile, roll: Roll | None) -> None:
    roll = _begun(roll)
    known = roll.officers.get(options.number)
    officer = Officer(
        id=options.number,
        name=options.name,
        functions=frozenset(options.function),
        rank=options.rank,
        starts=time_from_text(options.starts),
        ends=time_from_text(options.ends),
        version=1,
        revoked=False,
        passkeys=() if known is None else known.passkeys,
    )
    file.write(replace(roll, officers={**roll.officers, officer.id: officer}))
    _say(phrase("person", options.lang, number=officer.id, keys=str(KEYS_LEAST)))


def _key(options: argparse.Namespace, file: RollFile, roll: Roll | None) -> None:
    roll = _begun(roll)
    officer = roll.officers.get(options.number)
    if officer is None or len(officer.passkeys) >= KEYS_MOST:
        raise PersonUnknown("no such person is on the roll, or they have enough keys")
    challenge = registration_challenge(secrets.token_bytes(NONCE_BYTES))
    asked = creation_options(
        challenge,
        party=roll.party,
        number=officer.id,
        name=officer.name,
        known=officer.passkeys,
    )
    _say(json.dumps(asked))
    passkey = verify_registration(
        sys.stdin.readline().encode(), challenge=challenge, party=roll.party, policy=roll.policy
    )
    if roll.owner_of(passkey.credential_id) is not None:
        raise KeyUnknown("the security key is registered already")
    armed = replace(officer, passkeys=(*officer.passkeys, passkey))
    file.write(replace(roll, officers={**roll.officers, officer.id: armed}))
    keys, token = str(len(armed.passkeys)), passkey.credential_id.hex()[:_TOKEN_DIGITS]
    said = {"number": officer.id, "keys": keys, "act": "FOUNDING", "token": f"passkey {token}"}
    _say(phrase("key", options.lang, **said))


def _show(options: argparse.Namespace, _file: RollFile, roll: Roll | None) -> None:
    roll = _begun(roll)
    for number in sorted(roll.officers):
        officer = roll.officers[number]
        functions = ", ".join(sorted(officer.functions))
        _say(f"{number}  {officer.name}  {functions}  {officer.rank}  {len(officer.passkeys)}")
    _say(phrase("fingerprint", options.lang, fingerprint=_grouped(roll.fingerprint)))


def _close(options: argparse.Namespace, file: RollFile, roll: Roll | None) -> None:
    roll = _begun(roll)
    _require_able(roll)
    closed = replace(roll, founded=True)
    _show(options, file, closed)
    _say(phrase("read_out", options.lang))
    given = "".join(sys.stdin.readline().split()).lower()
    if not secrets.compare_digest(given.encode(), closed.fingerprint.encode()):
        raise FingerprintDiffers("the fingerprint that was read out is another")
    file.write(closed)
    _say(phrase("closed", options.lang))


_STEPS: Final = {
    "begin": _begin,
    "person": _person,
    "key": _key,
    "show": _show,
    "close": _close,
}


def _begun(roll: Roll | None) -> Roll:
    if roll is None:
        raise CeremonyNotBegun("the founding ceremony was not begun")
    return roll


def _require_able(roll: Roll) -> None:
    """Demands that these officers could admit the next one, each with two keys."""
    officers = list(roll.officers.values())
    if any(len(officer.passkeys) < KEYS_LEAST for officer in officers):
        raise CeremonyIncomplete("a person has fewer than two security keys")
    seats = RULES["officer.admit"].seats_at(0)
    if not any(
        all(officer.functions & seat for officer, seat in zip(order, seats, strict=True))
        for order in permutations(officers, len(seats))
    ):
        raise CeremonyIncomplete("these officers could not admit another one")


def _grouped(fingerprint: str) -> str:
    return " ".join(
        fingerprint[place : place + _GROUP] for place in range(0, len(fingerprint), _GROUP)
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m keys.custody.ceremony")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--credential", type=Path, required=True)
    french = os.environ.get("LC_ALL", os.environ.get("LANG", "fr")).startswith("fr")
    parser.add_argument("--lang", choices=("fr", "en"), default="fr" if french else "en")
    commands = parser.add_subparsers(dest="command", required=True)
    begin = commands.add_parser("begin")
    begin.add_argument("--party", required=True)
    begin.add_argument("--origin", action="append", required=True)
    begin.add_argument("--root", type=Path, action="append", required=True)
    begin.add_argument("--model", action="append", required=True)
    begin.add_argument("--level", action="append")
    begin.add_argument("--session-level")
    person = commands.add_parser("person")
    person.add_argument("number")
    person.add_argument("--name", required=True)
    person.add_argument("--function", action="append", required=True)
    person.add_argument("--rank", type=int, required=True)
    person.add_argument("--from", dest="starts", required=True)
    person.add_argument("--until", dest="ends", required=True)
    commands.add_parser("key").add_argument("number")
    commands.add_parser("show")
    commands.add_parser("close")
    return parser


if __name__ == "__main__":
    sys.exit(main())
