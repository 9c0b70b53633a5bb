"""Whom a command names at this terminal: their security key signs the command before it is done.

    answers = sign(arguments, terminal, installation, {})       # no transaction waits for a hand
    with journal.act(...) as connection:
        verify(connection, answers, installation.settings, now)
    journal = attend(arguments, terminal, installation, named)  # where one act takes several
    signed = sign_act(arguments, terminal, installation, act)   # where the books keep the act

What is signed is the command itself with everything typed, once, within five minutes, by the keys
that officers have in the service's books. While the ministry is being founded a name is believed,
but never that of a person who has a key; once the security officer, the Head of the Cell and the
Secretary-General each have one, nobody is believed without signing.
"""

import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, select

from cipher_service import clock
from cipher_service.access.acts import FOUNDERS
from cipher_service.administration.installation import Installation, journal_of
from cipher_service.administration.officer_keys import Signer, on_usb, software_keys
from cipher_service.administration.words import Speaker
from cipher_service.audit.journal import Found, Journal
from cipher_service.client.failures import Refused
from cipher_service.client.messages import printable
from cipher_service.client.terminal import Terminal
from cipher_service.directory.officers import in_force
from cipher_service.errors import ServiceError
from cipher_service.identity import challenges, passkey_book
from cipher_service.identity.demonstration import Demonstration
from cipher_service.identity.shared_acts import Signed
from cipher_service.identity.site import party_of, site_of
from cipher_service.settings import Settings
from cipher_service.storage.tables import officers as books
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.acts import Act, approval_challenge
from keys.canonical import encode
from keys.software_key import SoftwareKey

TYPE: Final = "cipher-service/v1 command"
_NAMING: Final = ("by", "approver", "proposer")
_UNSIGNED: Final = frozenset({"data", "json", "lang", "software_key", "with_software_key"})
SIGNED: Final = "command_signed"


@dataclass(frozen=True, slots=True)
class Answer:
    """A key's answer: whose, to which nonce, under which digest."""

    officer: str
    digest: bytes
    nonce: bytes
    response: bytes


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to one command, and whom it names."""

    named: tuple[str, ...]
    given: Mapping[str, Answer]


def sign(
    arguments: Namespace,
    terminal: Terminal,
    installation: Installation,
    also: Mapping[str, str],
    named: Sequence[str | None] | None = None,
) -> Answers:
    """Have the keys of those whom a command names sign it, one after the other.

    Args:
        arguments: as typed.
        terminal: where the command is shown as it is signed.
        installation: whose officers.
        also: what is signed beside what was typed: the digest of a file that it names.
        named: whom it names; by `--by`, `--with` and `--proposer` unless given.

    Raises:
        Refused: SIGNATURE_NEEDED (who has no key), SECURITY_KEY_ABSENT, SECURITY_KEY_SILENT,
            SOFTWARE_KEY_REFUSED.
    """
    if named is None:
        named = [getattr(arguments, name, None) for name in _NAMING]
    named = tuple(dict.fromkeys(officer for officer in named if officer is not None))
    with reading(installation.engine) as connection:
        keys = {
            officer: _credentials(connection, officer)
            for officer in named
            if _must_sign(connection, officer)
        }
    given = {}
    for officer, credentials in keys.items():
        if not credentials:
            raise Refused("SIGNATURE_NEEDED", officer=officer)
        body = encode(_statement(arguments, officer, also))
        digest = sha256(TYPE.encode() + b"\0" + body).digest()
        asked = (officer, credentials, body, digest)
        given[officer] = _asked(arguments, terminal, installation, *asked)
    return Answers(named, given)


def sign_act(
    arguments: Namespace, terminal: Terminal, installation: Installation, act: Act
) -> list[Signed]:
    """Have the keys of `--by` and `--with` sign an act of two itself, not only the command.

    Raises:
        Refused: as `sign`; also where a name would be believed (SIGNATURE_NEEDED).
    """
    signed = []
    for officer in (arguments.by, arguments.approver):
        with reading(installation.engine) as connection:
            credentials = _credentials(connection, officer)
        if not credentials:
            raise Refused("SIGNATURE_NEEDED", officer=officer)
        asked = (officer, credentials, act.encoded, act.digest)
        answer = _asked(arguments, terminal, installation, *asked)
        signed.append(Signed(officer, answer.nonce, answer.response))
    return signed


def attend(
    arguments: Namespace,
    terminal: Terminal,
    installation: Installation,
    named: Sequence[str | None],
    also: Mapping[str, str] | None = None,
) -> Journal:
    """Have a command signed before anything of it is done; returns the journal of who signed.

    The signatures stand in the log in an entry of their own, under the command's name, so that what
    a command only reads is on record too. Where nobody has to sign, the journal is the account's.

    Args:
        arguments: as typed.
        terminal: where the command is shown as it is signed.
        installation: whose officers.
        named: whom it names, who acts first.
        also: what is signed beside what was typed.

    Raises:
        Refused: as `sign` and `verify`.
        ServiceError: as `verify`.
    """
    journal, command = journal_of(installation), typed(arguments)
    found = Found()
    with journal.told(SIGNED, command):
        answers = sign(arguments, terminal, installation, also or {}, named)
    if not answers.given:
        return journal
    with journal.act(SIGNED, command, found) as connection:
        verify(connection, answers, installation.settings, clock.now())
        found.signers = tuple(answers.given)
    first = answers.named[0] if answers.named[0] in answers.given else journal.actor
    others = tuple(officer for officer in answers.given if officer != first)
    return Journal(installation.engine, installation.settings.log_origin, first, others)


def founders_sign(installation: Installation) -> bool:
    """Say whether nobody is believed any more without signing."""
    with reading(installation.engine) as connection:
        return _founders_sign(connection)


def typed(arguments: Namespace) -> str:
    """Return a command's name as it is typed: `pouch seals issue`."""
    groups = (str(value) for name, value in vars(arguments).items() if name.endswith("command"))
    return " ".join(groups)


def verify(connection: Connection, answers: Answers, settings: Settings, now: datetime) -> None:
    """Demand, in the transaction of the act, that whoever must sign has signed it.

    Raises:
        Refused: SIGNATURE_NEEDED.
        ServiceError: CHALLENGE_UNKNOWN, KEY_UNKNOWN.
        Refusal: the security key's.
    """
    for officer in answers.named:
        answer = answers.given.get(officer)
        if answer is None:
            if _must_sign(connection, officer):
                raise Refused("SIGNATURE_NEEDED", officer=officer)
            continue
        passkey_book.step_up(
            connection,
            officer,
            answer.digest,
            answer.nonce,
            answer.response,
            site=site_of(settings),
            now=now,
        )


def _statement(arguments: Namespace, officer: str, also: Mapping[str, str]) -> dict[str, Any]:
    said = {
        name: [str(each) for each in value] if isinstance(value, list) else str(value)
        for name, value in vars(arguments).items()
        if name not in _UNSIGNED and value is not None
    }
    return {"type": TYPE, "v": 1, "officer": officer, "typed": {**said, **also}}


def _asked(
    arguments: Namespace,
    terminal: Terminal,
    installation: Installation,
    officer: str,
    credentials: tuple[bytes, ...],
    body: bytes,
    digest: bytes,
) -> Answer:
    """Show the bytes whose digest an officer's key then signs."""
    shown = json.dumps(json.loads(body), ensure_ascii=False, indent=2, sort_keys=True)
    for line in shown.splitlines():
        terminal.tell(printable(line))
    Speaker(terminal).say("presence_asked", officer=officer)
    with unit_of_work(installation.engine) as connection:
        nonce = challenges.give(connection, "step-up", officer, clock.now())
    asked = (officer, credentials, approval_challenge(nonce, digest))
    response = key_answer(arguments, terminal, installation.settings, *asked)
    return Answer(officer, digest, nonce, response)


def key_answer(
    arguments: Namespace,
    terminal: Terminal,
    settings: Settings,
    officer: str,
    credentials: tuple[bytes, ...],
    challenge: bytes,
) -> bytes:
    """Have the officer's key answer: on USB, in a file, or a demonstration's own.

    Raises:
        Refused: SECURITY_KEY_ABSENT, SECURITY_KEY_SILENT, SOFTWARE_KEY_REFUSED.
    """
    files = [*arguments.software_key, *getattr(arguments, "with_software_key", ())]
    party = party_of(settings)
    if not files and not settings.demo:
        signer = Signer(officer, 0, 0, party.id, settings.console_origin, credentials)
        return on_usb(terminal)(signer, challenge)
    if settings.production:
        raise Refused("SOFTWARE_KEY_REFUSED")
    keys = software_keys(files)
    if settings.demo:
        people = Demonstration.of(settings).people()
        keys += [SoftwareKey.from_bytes(bytes.fromhex(person.key)) for person in people]
    for key in keys:
        if key.credential_id in credentials:
            return key.get(challenge, party)
    raise Refused("SECURITY_KEY_ABSENT", officer=officer)


def _must_sign(connection: Connection, officer: str) -> bool:
    return bool(_credentials(connection, officer)) or _founders_sign(connection)


def _credentials(connection: Connection, officer: str) -> tuple[bytes, ...]:
    try:
        keys = passkey_book.keys_of(connection, officer)
    except ServiceError:  # a person whom nobody knows: the act itself says so
        return ()
    return tuple(bytes.fromhex(key.credential_id) for key in keys if key.revoked is None)


def _founders_sign(connection: Connection) -> bool:
    held = books.function_held
    now = clock.now()
    holders = connection.execute(
        select(held.c.role, held.c.officer).where(held.c.role.in_(FOUNDERS), *in_force(held, now))
    )
    return {row.role for row in holders if _credentials(connection, row.officer)} == set(FOUNDERS)
