"""Passkeys: honest ceremonies of every algorithm, and each way in which one must be refused."""

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest

from keys.attestation import (
    ALGORITHMS,
    EDDSA,
    ES256,
    AuthenticatorPolicy,
    PasskeyModelRefused,
    algorithm_of,
)
from keys.errors import Refusal
from keys.passkeys import (
    Passkey,
    PasskeyCounterBack,
    PasskeyInvalid,
    PasskeyUnverified,
    RelyingParty,
    credential_id_of,
    registered_id_of,
    verify_assertion,
    verify_registration,
)
from tests.support.authenticator import (
    ATTESTED,
    COPIED,
    ELIGIBLE,
    PRESENT,
    VERIFIED,
    Alterations,
    Certificate,
    Maker,
    SecurityKey,
    b64url,
)

PARTY = RelyingParty("chiffre.example.cm", ("https://chiffre.example.cm",))
CHALLENGE = bytes(range(32))
MAKER = Maker()
POLICY = MAKER.policy()
OTHER_MODEL = "00000000-4b7a-4a0e-9d53-2f0b6c7a8e91"


def _register(key: SecurityKey, changes: Alterations | None = None) -> Passkey:
    response = key.create(CHALLENGE, PARTY, changes or Alterations())
    return verify_registration(response, challenge=CHALLENGE, party=PARTY, policy=POLICY)


def _use(key: SecurityKey, passkey: Passkey, changes: Alterations | None = None) -> int:
    response = key.get(CHALLENGE, PARTY, changes or Alterations())
    return verify_assertion(response, challenge=CHALLENGE, party=PARTY, passkey=passkey)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_registers_and_is_used(algorithm: int) -> None:
    key = SecurityKey(MAKER, algorithm)

    passkey = _register(key)

    assert passkey.credential_id == key.credential_id
    assert passkey.algorithm == algorithm
    assert _use(key, passkey) == 1
    assert credential_id_of(key.get(CHALLENGE, PARTY)) == key.credential_id


def test_the_user_handle_is_not_read() -> None:
    """Nothing signs it: whoever is behind the key is whoever the credential belongs to."""
    key = SecurityKey(MAKER)
    passkey = _register(key)

    for handle in (None, "", 7, b64url(b"the minister")):
        _use(key, passkey, Alterations(inner={"userHandle": handle}))


BOTH: list[tuple[str, Alterations, type[Refusal]]] = [
    ("another origin", Alterations(client_data={"origin": "https://evil.cm"}), PasskeyInvalid),
    (
        "a longer origin",
        Alterations(client_data={"origin": PARTY.origins[0] + ".evil.cm"}),
        PasskeyInvalid,
    ),
    ("no origin", Alterations(without_client_data=("origin",)), PasskeyInvalid),
    ("another type", Alterations(client_data={"type": "payment.get"}), PasskeyInvalid),
    ("a frame", Alterations(client_data={"crossOrigin": True}), PasskeyInvalid),
    ("a frame, in words", Alterations(client_data={"crossOrigin": "false"}), PasskeyInvalid),
    ("a frame, by its top", Alterations(client_data={"topOrigin": "https://a.cm"}), PasskeyInvalid),
    (
        "another challenge",
        Alterations(client_data={"challenge": b64url(b"x" * 32)}),
        PasskeyInvalid,
    ),
    ("a numeric challenge", Alterations(client_data={"challenge": 7}), PasskeyInvalid),
    ("a challenge that is not ASCII", Alterations(client_data={"challenge": "é"}), PasskeyInvalid),
    ("client data, an array", Alterations(raw_client_data=b"[]"), PasskeyInvalid),
    ("client data, twice", Alterations(raw_client_data=b'{"type":1,"type":2}'), PasskeyInvalid),
    ("client data, no number", Alterations(raw_client_data=b'{"a":NaN}'), PasskeyInvalid),
    ("client data, a mark first", Alterations(raw_client_data=b"\xef\xbb\xbf{}"), PasskeyInvalid),
    ("client data, UTF-16", Alterations(raw_client_data="{}".encode("utf-16")), PasskeyInvalid),
    ("client data, deep", Alterations(raw_client_data=b"[" * 40_000), PasskeyInvalid),
    ("another type of credential", Alterations(outer={"type": "password"}), PasskeyInvalid),
    ("another member", Alterations(outer={"person": "MINISTER"}), PasskeyInvalid),
    ("another member inside", Alterations(inner={"person": "MINISTER"}), PasskeyInvalid),
    ("an id of its own", Alterations(outer={"id": "AAAA"}), PasskeyInvalid),
    ("an id with padding", Alterations(outer={"id": "AA==", "rawId": "AA=="}), PasskeyInvalid),
    ("an id with stray bits", Alterations(outer={"id": "AB", "rawId": "AB"}), PasskeyInvalid),
    ("an empty id", Alterations(outer={"id": "", "rawId": ""}), PasskeyInvalid),
    ("an id too long", Alterations(credential_id=b"x" * 1024), PasskeyInvalid),
    ("another id", Alterations(credential_id=b"x" * 32), PasskeyInvalid),
    ("no response", Alterations(outer={"response": None}), PasskeyInvalid),
    ("no client data", Alterations(inner={"clientDataJSON": None}), PasskeyInvalid),
    ("too much", Alterations(outer={"authenticatorAttachment": "x" * 65_536}), PasskeyInvalid),
    (
        "the secret of a key",
        Alterations(outer={"clientExtensionResults": {"prf": {"results": {"first": "AAAA"}}}}),
        PasskeyInvalid,
    ),
    ("extensions, an array", Alterations(outer={"clientExtensionResults": []}), PasskeyInvalid),
]


@pytest.mark.parametrize(
    ("changes", "refusal"), [row[1:] for row in BOTH], ids=[row[0] for row in BOTH]
)
def test_neither_ceremony_takes(changes: Alterations, refusal: type[Refusal]) -> None:
    key = SecurityKey(MAKER)
    passkey = _register(key)

    with pytest.raises(refusal):
        _register(key, changes)
    with pytest.raises(refusal):
        _use(key, passkey, changes)


@pytest.mark.parametrize(
    ("flags", "refusal"),
    [
        (PRESENT, PasskeyUnverified),
        (VERIFIED, PasskeyInvalid),
        (PRESENT | VERIFIED | ELIGIBLE, PasskeyModelRefused),
        (PRESENT | VERIFIED | ELIGIBLE | COPIED, PasskeyModelRefused),
        (PRESENT | VERIFIED | COPIED, PasskeyModelRefused),
    ],
    ids=["no PIN", "nobody there", "may be copied", "is copied", "impossibly copied"],
)
def test_the_holder_is_there_with_a_pin_and_the_key_stays_where_it_is(
    flags: int, refusal: type[Refusal]
) -> None:
    key = SecurityKey(MAKER)
    passkey = _register(key)

    with pytest.raises(refusal):
        _register(key, Alterations(flags=flags | ATTESTED))
    with pytest.raises(refusal):
        _use(key, passkey, Alterations(flags=flags))


def _without_certificates(statement: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in statement.items() if name != "x5c"}


REGISTRATIONS: list[tuple[str, Alterations, type[Refusal]]] = [
    ("no attestation", Alterations(format="none", statement=lambda _: {}), PasskeyModelRefused),
    ("self attestation", Alterations(statement=_without_certificates), PasskeyModelRefused),
    (
        "no certificate",
        Alterations(statement=lambda all_: {**all_, "x5c": []}),
        PasskeyModelRefused,
    ),
    (
        "another form",
        Alterations(format="fido-u2f"),
        PasskeyModelRefused,
    ),
    (
        "RSA with SHA-1",
        Alterations(statement=lambda all_: {**all_, "alg": -65535}),
        PasskeyModelRefused,
    ),
    (
        "another member in the statement",
        Alterations(statement=lambda all_: {**all_, "ver": "2.0"}),
        PasskeyModelRefused,
    ),
    (
        "a false signature",
        Alterations(
            statement=lambda all_: {
                **all_,
                "sig": all_["sig"][:-1] + bytes([all_["sig"][-1] ^ 1]),
            }
        ),
        PasskeyInvalid,
    ),
    ("no attested data", Alterations(flags=PRESENT | VERIFIED), PasskeyInvalid),
    ("no attestation object", Alterations(inner={"attestationObject": "AA"}), PasskeyModelRefused),
    ("P-384", Alterations(public_key=lambda key: {**key, -1: 2}), PasskeyInvalid),
    ("an RSA key", Alterations(public_key=lambda key: {**key, 3: -257}), PasskeyInvalid),
    ("a short key", Alterations(public_key=lambda key: {**key, -2: b"\1"}), PasskeyInvalid),
    ("a private key", Alterations(public_key=lambda key: {**key, -4: b"\1"}), PasskeyInvalid),
]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [row[1:] for row in REGISTRATIONS],
    ids=[row[0] for row in REGISTRATIONS],
)
def test_a_registration_is_refused(changes: Alterations, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        _register(SecurityKey(MAKER), changes)


def test_a_point_off_the_curve_is_no_key() -> None:
    """An assertion would fail for ever: the officer must learn it at enrolment."""
    key = SecurityKey(MAKER)
    with pytest.raises(PasskeyInvalid):
        _register(key, Alterations(public_key=lambda public: {**public, -3: bytes(32)}))


@pytest.mark.parametrize(
    ("key", "refusal"),
    [
        (SecurityKey(Maker()), PasskeyInvalid),
        (SecurityKey(MAKER, model=OTHER_MODEL), PasskeyModelRefused),
        (SecurityKey(MAKER, certificate=Certificate(model=OTHER_MODEL)), PasskeyModelRefused),
        (SecurityKey(MAKER, certificate=Certificate(model=None)), PasskeyModelRefused),
        (SecurityKey(MAKER, certificate=Certificate(unit="Sales")), PasskeyModelRefused),
        (SecurityKey(MAKER, certificate=Certificate(ca=True)), PasskeyModelRefused),
        (SecurityKey(MAKER, certificate=Certificate(ca=None)), PasskeyModelRefused),
        (
            SecurityKey(MAKER, certificate=Certificate(until=datetime(2021, 1, 1, tzinfo=UTC))),
            PasskeyInvalid,
        ),
    ],
    ids=[
        *("another root", "a model not listed", "a certificate of another model"),
        *("a certificate of no model", "a certificate for sales", "a CA", "no constraints"),
        "an expired certificate",
    ],
)
def test_a_key_that_the_ministry_does_not_issue(key: SecurityKey, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        _register(key)


def test_another_party_s_ceremony_is_refused() -> None:
    key = SecurityKey(MAKER)
    passkey = _register(key)
    elsewhere = RelyingParty("evil.cm", PARTY.origins)

    with pytest.raises(PasskeyInvalid):
        verify_registration(
            key.create(CHALLENGE, elsewhere), challenge=CHALLENGE, party=PARTY, policy=POLICY
        )
    with pytest.raises(PasskeyInvalid):
        verify_assertion(
            key.get(CHALLENGE, elsewhere), challenge=CHALLENGE, party=PARTY, passkey=passkey
        )


def test_another_key_s_signature_is_refused() -> None:
    key, thief = SecurityKey(MAKER), SecurityKey(MAKER)
    passkey = _register(key)

    with pytest.raises(PasskeyInvalid):
        _use(thief, passkey, Alterations(credential_id=key.credential_id))


def test_a_signature_over_other_data_is_refused() -> None:
    key = SecurityKey(MAKER)
    passkey = _register(key)
    response = json.loads(key.get(CHALLENGE, PARTY))
    data = bytearray(urlsafe_b64decode(response["response"]["authenticatorData"] + "=="))
    data[-1] += 5
    response["response"]["authenticatorData"] = b64url(bytes(data))

    with pytest.raises(PasskeyInvalid):
        verify_assertion(
            json.dumps(response).encode(), challenge=CHALLENGE, party=PARTY, passkey=passkey
        )


@pytest.mark.parametrize("data", [b"\0", b"\0" * 36])
def test_authenticator_data_that_end_early_are_refused(data: bytes) -> None:
    key = SecurityKey(MAKER)
    with pytest.raises(PasskeyInvalid):
        _use(key, _register(key), Alterations(inner={"authenticatorData": b64url(data)}))


def test_a_counter_that_stands_still_raises_the_alarm() -> None:
    key = SecurityKey(MAKER)
    passkey = _register(key)
    seen = Passkey(passkey.credential_id, passkey.public_key, passkey.model, sign_count=5)

    with pytest.raises(PasskeyCounterBack):
        _use(key, seen)
    key.count = 5
    assert _use(key, seen) == 6


def test_only_a_true_signature_raises_the_alarm_of_a_copy() -> None:
    """Otherwise anybody could have an officer's key suspected."""
    key = SecurityKey(MAKER)
    passkey = _register(key)
    seen = Passkey(passkey.credential_id, passkey.public_key, passkey.model, sign_count=5)

    with pytest.raises(PasskeyInvalid):
        _use(key, seen, Alterations(inner={"signature": b64url(b"0" * 70)}))


def test_a_key_that_does_not_count_is_taken() -> None:
    key = SecurityKey(MAKER)
    passkey = _register(key)
    key.count = -1
    assert _use(key, passkey) == 0


def test_a_challenge_that_is_too_short_is_never_asked() -> None:
    key = SecurityKey(MAKER)
    with pytest.raises(PasskeyInvalid):
        verify_registration(
            key.create(b"short", PARTY), challenge=b"short", party=PARTY, policy=POLICY
        )


@pytest.mark.parametrize(
    ("roots", "models"),
    [
        ((), frozenset({OTHER_MODEL})),
        ((MAKER.root,), frozenset()),
        ((MAKER.root,), frozenset({"any"})),
        ((b"-----BEGIN CERTIFICATE-----",), frozenset({OTHER_MODEL})),
    ],
)
def test_a_policy_that_would_admit_everything_cannot_be_made(
    roots: tuple[bytes, ...], models: frozenset[str]
) -> None:
    with pytest.raises(ValueError):
        AuthenticatorPolicy(roots, models)


@pytest.mark.parametrize(
    "key",
    [
        cbor2.dumps([]),
        cbor2.dumps({3: -257}),
        cbor2.dumps({1: 1, 3: EDDSA, -1: 6, -2: "text"}),
        cbor2.dumps({3: EDDSA, 1: 1, -1: 6, -2: bytes(32)}),
        cbor2.dumps({True: 1, 3: EDDSA, -1: 6, -2: bytes(32)}),
        cbor2.dumps({1: 2, 3: ES256, -1: 2, -2: bytes(32), -3: bytes(32)}),
    ],
    ids=["an array", "RSA", "text", "another order", "a boolean name", "another curve"],
)
def test_each_algorithm_has_one_shape_of_key(key: bytes) -> None:
    with pytest.raises(ValueError):
        algorithm_of(key)


def test_a_registration_names_its_credential_before_it_is_verified() -> None:
    key = SecurityKey(Maker())
    response = key.create(bytes(range(32)), RelyingParty("x.example", ("https://x.example",)))
    assert registered_id_of(response) == key.credential_id
    with pytest.raises(PasskeyInvalid):
        registered_id_of(b"{}")
