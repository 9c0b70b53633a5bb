"""The custodian's own roll of officers: who they are to it, whatever the service says.

A roll is a value; acts make new ones (`keys.custody.admission`). It is kept as canonical JSON in
`officers.age`, sealed like the key files, so that nobody without the credential can write one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.act_rules import LEVELS, SESSION_RANK
from keys.acts import Act, Approval, Person
from keys.attestation import AuthenticatorPolicy, algorithm_of
from keys.custody.errors import LevelUnknown
from keys.passkeys import CREDENTIAL_ID_BYTES_MAX, Passkey, RelyingParty
from keys.records import CODE, ULID, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

PERSON: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{1,31}")
FUNCTION: Final = re.compile(r"[A-Z][A-Z0-9-]{1,29}")
NAME: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f]{1,120}")
OFFICERS_MOST: Final = 500
KEYS_LEAST: Final = 2
KEYS_MOST: Final = 4
# What may wait at one time: more would be somebody filling the disk.
WAITING_MOST: Final = 64

_LEVELS_MOST: Final = 32
_TYPE: Final = "depeche/v1 officers"
_MODEL: Final = re.compile(r"[0-9a-f-]{36}")
_ORIGIN: Final = re.compile(r"(https://[a-z0-9.-]{1,253}|http://localhost)(:[0-9]{1,5})?")
_PARTY: Final = re.compile(r"[a-z0-9.-]{1,253}")


@dataclass(frozen=True)
class Officer:
    """A person admitted by the custodian.

    Attributes:
        id: number of the person.
        name: as it is shown to whoever approves.
        functions: codes of the functions they hold.
        rank: of the highest level for which they are cleared.
        starts: they act from here on.
        ends: and until here, excluded.
        version: counts the acts on this person, from 1.
        revoked: whether their right to act was taken away.
        passkeys: what they sign with.
    """

    id: str
    name: str
    functions: frozenset[str]
    rank: int
    starts: datetime
    ends: datetime
    version: int
    revoked: bool
    passkeys: tuple[Passkey, ...]

    @property
    def person(self) -> Person:
        """What judging acts needs of them. The custodian knows no mandates: nobody stands in."""
        return Person(
            id=self.id,
            functions=self.functions,
            rank=self.rank,
            starts=self.starts,
            ends=self.ends,
            revoked=self.revoked,
        )


@dataclass(frozen=True)
class Attested:
    """A new security key whose registration was verified, until an act gives it to somebody."""

    passkey: Passkey
    until: datetime


@dataclass(frozen=True)
class OpenAct:
    """An act that some of the persons it needs have signed."""

    act: Act
    approvals: tuple[Approval, ...]


@dataclass(frozen=True)
class Roll:
    """Everything that the custodian knows of officers.

    Attributes:
        party: its own RP ID and origins, apart from the service's.
        policy: which security keys it accepts.
        levels: codes of the scheme's levels, the lowest first; a level's rank is its place.
        session_rank: of the highest level that an officer's session may cover.
        founded: whether the founding ceremony was closed; until then nobody may act.
        officers: by number.
        attested: new keys that wait for their act.
        open: acts that wait for signatures.
        executed: ids of acts that were done and could still be in force, with their expiry.
    """

    party: RelyingParty
    policy: AuthenticatorPolicy
    levels: tuple[str, ...] = LEVELS
    session_rank: int = SESSION_RANK
    founded: bool = False
    officers: Mapping[str, Officer] = field(default_factory=dict)
    attested: tuple[Attested, ...] = ()
    open: tuple[OpenAct, ...] = ()
    executed: tuple[tuple[str, datetime], ...] = ()

    @property
    def persons(self) -> dict[str, Person]:
        """The officers as judging acts needs them."""
        return {number: officer.person for number, officer in self.officers.items()}

    @property
    def fingerprint(self) -> str:
        """SHA-256 over who is admitted and how keys are judged, to be compared by telephone.

        Counters and what waits are left out: they change by themselves.
        """
        value = _object(replace(self, attested=(), open=(), executed=()))
        for officer in value["officers"]:
            for passkey in officer["passkeys"]:
                del passkey["sign_count"]
        return sha256(canonical.encode(value)).hexdigest()

    def owner_of(self, credential_id: bytes) -> tuple[Officer, Passkey] | None:
        """Gives the officer and the passkey of a credential; None when it is nobody's."""
        for officer in self.officers.values():
            for passkey in officer.passkeys:
                if passkey.credential_id == credential_id:
                    return officer, passkey
        return None

    def version_of(self, number: str) -> int:
        """Gives the version of a person: 0 for one who is not admitted."""
        officer = self.officers.get(number)
        return 0 if officer is None else officer.version

    def rank_of(self, level: str) -> int:
        """Gives the rank of a level.

        Raises:
            LevelUnknown: the roll does not rank it.
        """
        try:
            return self.levels.index(level)
        except ValueError:
            raise LevelUnknown(f"the roll of officers ranks no level {level!r}") from None

    def at(self, now: datetime) -> Roll:
        """Gives the roll without what waited too long."""
        return replace(
            self,
            attested=tuple(each for each in self.attested if now < each.until),
            open=tuple(each for each in self.open if now < each.act.expires),
            executed=tuple(each for each in self.executed if now < each[1]),
        )

    def encode(self) -> bytes:
        """Gives the canonical bytes.

        Raises:
            ValueError: it holds what `parse` would refuse.
        """
        data = canonical.encode(_object(self))
        self.parse(data)
        return data

    @classmethod
    def parse(cls, data: bytes) -> Roll:
        """Reads the canonical bytes.

        Raises:
            ValueError, ActMalformed: any other bytes.
        """
        record = Record(canonical.decode(data), "officers")
        record.constant("v", 1)
        record.constant("type", _TYPE)
        party = record.record("party")
        policy = record.record("policy")
        officers = [_read_officer(each) for each in _records(record, "officers", OFFICERS_MOST)]
        roll = cls(
            party=RelyingParty(party.text("id", _PARTY), party.texts("origins", _ORIGIN, most=8)),
            policy=AuthenticatorPolicy(
                tuple(str(root).encode() for root in policy.items("roots", most=64)),
                frozenset(policy.texts("models", _MODEL, most=256)),
            ),
            levels=record.texts("levels", CODE, most=_LEVELS_MOST),
            session_rank=record.integer("session_rank"),
            founded=record.boolean("founded"),
            officers={officer.id: officer for officer in officers},
            attested=tuple(map(_read_attested, _records(record, "attested", WAITING_MOST))),
            open=tuple(map(_read_open, _records(record, "open", WAITING_MOST))),
            executed=tuple(map(_read_executed, _records(record, "executed", 10_000))),
        )
        for each in (party, policy, record):
            each.close()
        if not roll.levels:
            raise ValueError("a roll ranks levels")
        return roll


def object_of_passkey(passkey: Passkey) -> dict[str, Any]:
    """Gives what an act says of a security key: everything but its counter."""
    return {
        "id": canonical.text_from_bytes(passkey.credential_id),
        "public_key": canonical.text_from_bytes(passkey.public_key),
        "model": passkey.model,
    }


def _object(roll: Roll) -> dict[str, Any]:
    return {
        "v": 1,
        "type": _TYPE,
        "party": {"id": roll.party.id, "origins": roll.party.origins},
        "policy": {
            "roots": [root.decode("ascii") for root in roll.policy.roots],
            "models": sorted(roll.policy.models),
        },
        "levels": roll.levels,
        "session_rank": roll.session_rank,
        "founded": roll.founded,
        "officers": [
            object_of_officer(roll.officers[number], _counted) for number in sorted(roll.officers)
        ],
        "attested": [
            {"passkey": _counted(each.passkey), "until": canonical.text_from_time(each.until)}
            for each in roll.attested
        ],
        "open": [
            {
                "act": canonical.text_from_bytes(each.act.encoded),
                "approvals": [approval.person for approval in each.approvals],
            }
            for each in roll.open
        ],
        "executed": [
            {"id": number, "until": canonical.text_from_time(until)}
            for number, until in roll.executed
        ],
    }


def object_of_officer(
    officer: Officer, passkey_object: Callable[[Passkey], dict[str, Any]]
) -> dict[str, Any]:
    """Gives an officer as canonical JSON wants it, each of their keys by `passkey_object`."""
    return {
        "id": officer.id,
        "name": officer.name,
        "functions": sorted(officer.functions),
        "rank": officer.rank,
        "starts": canonical.text_from_time(officer.starts),
        "ends": canonical.text_from_time(officer.ends),
        "version": officer.version,
        "revoked": officer.revoked,
        "passkeys": [passkey_object(passkey) for passkey in officer.passkeys],
    }


def _counted(passkey: Passkey) -> dict[str, Any]:
    return {**object_of_passkey(passkey), "sign_count": passkey.sign_count}


def _records(record: Record, member: str, most: int) -> list[Record]:
    return [Record(each, member) for each in record.items(member, most=most)]


def _read_officer(record: Record) -> Officer:
    officer = Officer(
        id=record.text("id", PERSON),
        name=record.text("name", NAME),
        functions=frozenset(record.texts("functions", FUNCTION, most=16)),
        rank=record.integer("rank"),
        starts=record.time("starts"),
        ends=record.time("ends"),
        version=record.integer("version", least=1),
        revoked=record.boolean("revoked"),
        passkeys=tuple(map(_read_passkey, _records(record, "passkeys", KEYS_MOST))),
    )
    record.close()
    return officer


def _read_passkey(record: Record) -> Passkey:
    passkey = Passkey(
        credential_id=canonical.bytes_from_text(record.any_text("id")),
        public_key=canonical.bytes_from_text(record.any_text("public_key")),
        model=record.text("model", _MODEL),
        sign_count=record.integer("sign_count"),
    )
    record.close()
    if not 0 < len(passkey.credential_id) <= CREDENTIAL_ID_BYTES_MAX:
        raise ValueError("a credential's id is not one")
    algorithm_of(passkey.public_key)
    return passkey


def _read_attested(record: Record) -> Attested:
    attested = Attested(_read_passkey(record.record("passkey")), record.time("until"))
    record.close()
    return attested


def _read_open(record: Record) -> OpenAct:
    act = Act.parse(canonical.bytes_from_text(record.any_text("act")))
    signers: Sequence[str] = record.texts("approvals", PERSON, most=8)
    record.close()
    return OpenAct(act, tuple(Approval(number, act.digest) for number in signers))


def _read_executed(record: Record) -> tuple[str, datetime]:
    executed = record.text("id", ULID), record.time("until")
    record.close()
    return executed
