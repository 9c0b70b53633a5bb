"""Mutated passkey ceremonies: none is taken for another, and only named refusals come out.

The short form runs in `make test`, 50,000 mutations in `make gates`.
"""

import json
import os
import random
from base64 import urlsafe_b64decode
from collections import Counter
from typing import Any

import cbor2
import pytest

from keys.attestation import ALGORITHMS
from keys.errors import Refusal
from keys.passkeys import (
    Passkey,
    RelyingParty,
    credential_id_of,
    verify_assertion,
    verify_registration,
)
from tests.support.authenticator import Maker, SecurityKey, b64url

MUTATIONS = 50_000 if os.environ.get("GATES") == "full" else 1_500
PARTY = RelyingParty("chiffre.example.cm", ("https://chiffre.example.cm",))
CHALLENGE = bytes(range(32))
FIELDS = ("clientDataJSON", "attestationObject", "authenticatorData", "signature")
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**64,
    1.5,
    "",
    "\ud800",
    "\0",
    "é",
    "AAAA",
    [],
    {},
    [[]],
    "A" * 4000,
]


def _bytes_changed(source: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(source.randint(1, 3)):
        place = source.randrange(len(changed)) if changed else 0
        match source.randint(0, 4):
            case 0 if changed:
                changed[place] ^= 1 << source.randrange(8)
            case 1 if changed:
                del changed[place : place + source.randint(1, 40)]
            case 2:
                changed[place:place] = source.randbytes(source.randint(1, 8))
            case 3:
                changed = changed[:place]
            case _:
                changed += source.randbytes(source.randint(1, 20))
    return bytes(changed)


def _object_changed(source: random.Random, data: bytes) -> bytes:
    """Changes one value somewhere inside a CBOR structure, which then parses again."""
    value = cbor2.loads(data)
    target: Any = value
    while True:
        places = list(target) if isinstance(target, dict) else list(range(len(target)))
        place = source.choice(places)
        inner = target[place]
        if isinstance(inner, dict | list) and inner and source.random() < 0.7:
            target = inner
            continue
        octets = isinstance(inner, bytes) and source.random() < 0.8
        # CBOR's text is UTF-8: a lone surrogate cannot even be sent.
        odd = source.choice([each for each in ODD if each != "\ud800"])
        target[place] = _bytes_changed(source, inner) if octets else odd
        return cbor2.dumps(value)


def _mutated(source: random.Random, response: bytes) -> bytes:
    if source.random() < 0.2:
        return _bytes_changed(source, response)
    outer = json.loads(response)
    target = source.choice([outer, outer["response"], outer["response"], outer["response"]])
    name = source.choice([*target, "extra"])
    if name not in FIELDS or source.random() < 0.1:
        target[name] = source.choice(ODD)
    else:
        data = urlsafe_b64decode(target[name] + "==")
        structured = name == "attestationObject" and source.random() < 0.7
        changed = _object_changed(source, data) if structured else _bytes_changed(source, data)
        target[name] = b64url(changed)
    return json.dumps(outer).encode()


def _honest() -> list[tuple[SecurityKey, bytes, bytes]]:
    maker_keys = [SecurityKey(MAKER, algorithm) for algorithm in ALGORITHMS]
    return [(key, key.create(CHALLENGE, PARTY), key.get(CHALLENGE, PARTY)) for key in maker_keys]


MAKER = Maker()
POLICY = MAKER.policy()


def _signed_parts(response: bytes) -> list[str]:
    inner = json.loads(response)["response"]
    return [inner[name] for name in ("clientDataJSON", "authenticatorData")]


@pytest.mark.timeout(1800)
def test_no_mutated_registration_makes_another_passkey() -> None:
    honest = _honest()
    verdicts: Counter[str] = Counter()
    for number in range(MUTATIONS // 2):
        source = random.Random(f"registration/{number}")
        _, response, _ = source.choice(honest)
        expected = verify_registration(response, challenge=CHALLENGE, party=PARTY, policy=POLICY)
        changed = _mutated(source, response)
        try:
            found = verify_registration(changed, challenge=CHALLENGE, party=PARTY, policy=POLICY)
        except Refusal as refusal:
            verdicts[refusal.code] += 1
        else:
            verdicts["TAKEN"] += 1
            assert found == expected, number
    assert {"TAKEN", "PASSKEY_INVALID", "PASSKEY_MODEL_REFUSED"} <= set(verdicts)


@pytest.mark.timeout(1800)
def test_no_mutated_assertion_is_taken_for_what_was_not_signed() -> None:
    honest = _honest()
    passkeys: dict[bytes, Passkey] = {
        key.credential_id: verify_registration(
            made, challenge=CHALLENGE, party=PARTY, policy=POLICY
        )
        for key, made, _ in honest
    }
    verdicts: Counter[str] = Counter()
    for number in range(MUTATIONS // 2):
        source = random.Random(f"assertion/{number}")
        key, _, response = source.choice(honest)
        changed = _mutated(source, response)
        try:
            credential_id = credential_id_of(changed)
            passkey = passkeys.get(credential_id, passkeys[key.credential_id])
            verify_assertion(changed, challenge=CHALLENGE, party=PARTY, passkey=passkey)
        except Refusal as refusal:
            verdicts[refusal.code] += 1
        else:
            verdicts["TAKEN"] += 1
            assert credential_id == key.credential_id, number
            assert _signed_parts(changed) == _signed_parts(response), number
    assert {"TAKEN", "PASSKEY_INVALID"} <= set(verdicts)
