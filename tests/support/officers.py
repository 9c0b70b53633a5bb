"""Officers of a custodian in the tests: a roll with keys, and what they sign."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from keys import canonical
from keys.act_rules import RULES
from keys.acts import Act, approval_challenge
from keys.custody.challenges import registration_challenge
from keys.custody.protocol import Custodian
from keys.custody.roll import Officer, Roll
from keys.passkeys import RelyingParty, verify_registration
from tests.support.authenticator import HONEST, Alterations, Maker, SecurityKey

PARTY = RelyingParty("depositaire.example.cm", ("https://depositaire.example.cm",))
SECURITY, GENERAL, CELL, CLERK = "OFF-000001", "OFF-000002", "OFF-000003", "OFF-000004"
KEEPER_A, KEEPER_B = "OFF-000005", "OFF-000006"
FUNCTIONS = {
    SECURITY: "SECURITY-OFFICER",
    GENERAL: "SECRETARY-GENERAL",
    CELL: "CHIEF-CNTC",
    CLERK: "CIPHER-CLERK",
}


def whole_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Ministry:
    """A founded roll and the security keys of its officers, two each."""

    maker: Maker
    roll: Roll
    keys: Mapping[str, tuple[SecurityKey, ...]]

    def signed(
        self,
        custodian: Custodian,
        act: Act,
        signer: str,
        *,
        key: int = 0,
        nonce: bytes | None = None,
        changes: Alterations = HONEST,
    ) -> dict[str, Any]:
        """One officer's signature under an act, brought to the custodian; gives its outcome."""
        nonce = custodian.officer_challenge() if nonce is None else nonce
        response = self.keys[signer][key].get(approval_challenge(nonce, act.digest), PARTY, changes)
        outcome: dict[str, Any] = json.loads(custodian.approve_act(act.encoded, nonce, response))
        return outcome

    def new_keys(self, custodian: Custodian, count: int = 2) -> list[Any]:
        """New security keys, registered with the custodian; gives what an act says of them."""
        registered = []
        for _ in range(count):
            key = SecurityKey(self.maker)
            nonce = custodian.officer_challenge()
            response = key.create(registration_challenge(nonce), PARTY)
            registered.append(json.loads(custodian.register_officer_key(nonce, response)))
        return registered


def found_ministry(
    now: datetime, functions: Mapping[str, str] = FUNCTIONS, *, founded: bool = True
) -> Ministry:
    maker = Maker()
    policy = maker.policy()
    keys = {number: (SecurityKey(maker), SecurityKey(maker)) for number in functions}
    challenge = bytes(32)
    officers = {
        number: Officer(
            id=number,
            name=f"Agent {number}",
            functions=frozenset({function}),
            rank=4,
            starts=now - timedelta(days=1),
            ends=now + timedelta(days=300),
            version=1,
            revoked=False,
            passkeys=tuple(
                verify_registration(
                    key.create(challenge, PARTY), challenge=challenge, party=PARTY, policy=policy
                )
                for key in keys[number]
            ),
        )
        for number, function in functions.items()
    }
    return Ministry(maker, Roll(PARTY, policy, founded=founded, officers=officers), keys)


_counter = iter(range(10**6))


def officer_act(
    kind: str, subject: str, proposer: str, parameters: Mapping[str, Any], **changes: Any
) -> Act:
    """An act on an officer, in force since a minute."""
    now = (changes.pop("now", None) or whole_now()) - timedelta(minutes=1)
    values: dict[str, Any] = {
        "id": f"01KAMV6R8P3ZDFWQ5XJ9{next(_counter):06d}",
        "kind": kind,
        "resource": f"officer/{subject}",
        "version": 0 if kind == "officer.admit" else 1,
        "rank": 0,
        "parameters": parameters,
        "proposer": proposer,
        "subjects": (subject,),
        "authors": (),
        "reason": "Relève",
        "not_before": now,
        "expires": now + timedelta(seconds=RULES[kind].seconds),
        **changes,
    }
    return Act(**values)


def admission(
    passkeys: list[Any], subject: str = "OFF-000009", proposer: str = SECURITY, **changes: Any
) -> Act:
    """The act that admits a cipher clerk with these keys."""
    now = changes.get("now") or whole_now()
    parameters = {
        "name": "Nouvelle chiffreuse",
        "functions": ["CIPHER-CLERK"],
        "rank": 3,
        "starts": canonical.text_from_time(now),
        "ends": canonical.text_from_time(now + timedelta(days=365)),
        "passkeys": passkeys,
        **changes.pop("parameters", {}),
    }
    return officer_act(
        "officer.admit", subject, proposer, parameters, **{"rank": parameters["rank"], **changes}
    )


def revocation(subject: str, proposer: str, passkey: str | None = None, **changes: Any) -> Act:
    return officer_act("officer.revoke", subject, proposer, {"passkey": passkey}, **changes)


def key_act(
    kind: str,
    proposer: str,
    parameters: Mapping[str, Any],
    key: str = "bureau/MINREX",
    **changes: Any,
) -> Act:
    """An act on a version of a key, in force since a minute."""
    values = {"resource": key, "subjects": (), "reason": "Fin de série", **changes}
    return officer_act(kind, "", proposer, parameters, **values)


def shown(custodian: Custodian) -> dict[str, Any]:
    """The officers that a custodian shows, by number."""
    return {each["id"]: each for each in json.loads(custodian.officers())["officers"]}


class Hours:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = whole_now()

    def __call__(self) -> datetime:
        return self.now
