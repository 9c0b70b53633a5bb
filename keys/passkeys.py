"""Passkeys: the one strict wrapper around `webauthn`, and its only importer.

    passkey = verify_registration(response, challenge=..., party=party, policy=policy)
    passkey = known[credential_id_of(response)]
    count = verify_assertion(response, challenge=..., party=party, passkey=passkey)

Both ceremonies are those of WebAuthn Level 3 (§7.1, §7.2). What the library leaves open is closed
here: the officer's PIN or finger is always required; no copied (synchronised) keys; no frames of
other sites; exact origins; attestation under pinned roots for listed models only; one shape for
each algorithm's key; the `userHandle`, which nothing signs, is not even read. Whatever the library
or its parsers raise becomes one refusal.

A challenge is the caller's: random or bound to an act, at least 16 bytes, and used up by whatever
comes back. The assertion is accepted again where the caller accepts its challenge again.
The dates of attestation certificates are judged by the system's clock, inside OpenSSL.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import cbor2
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    RegistrationCredential,
)

from keys.attestation import ALGORITHMS, PasskeyModelRefused, algorithm_of
from keys.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from keys.attestation import AuthenticatorPolicy

RESPONSE_BYTES_MAX: Final = 64 * 1024
CHALLENGE_BYTES_LEAST: Final = 16
# CTAP 2.2 lets an authenticator make ids of up to 1,023 bytes.
CREDENTIAL_ID_BYTES_MAX: Final = 1023

_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")
_OUTER: Final = frozenset(
    {"id", "rawId", "type", "response", "authenticatorAttachment", "clientExtensionResults"}
)
# The convenience copies that browsers add are allowed and not read: nothing signs them.
_REGISTRATION: Final = frozenset(
    {
        *("clientDataJSON", "attestationObject"),
        *("authenticatorData", "publicKey", "publicKeyAlgorithm", "transports"),
    }
)
_ASSERTION: Final = frozenset({"clientDataJSON", "authenticatorData", "signature", "userHandle"})

_Result = TypeVar("_Result")

_FLAGS: Final = 32  # their place in authenticator data
_AUTHENTICATOR_DATA_LEAST: Final = 37
_USER_PRESENT: Final = 0x01
_USER_VERIFIED: Final = 0x04
_BACKUP: Final = 0x08 | 0x10
_ATTESTED: Final = 0x40


class PasskeyInvalid(Refusal):
    """What the security key or the browser sent does not hold for this ceremony."""

    code = "PASSKEY_INVALID"


class PasskeyUnverified(Refusal):
    """The security key did not check its holder by PIN or finger."""

    code = "PASSKEY_UNVERIFIED"


class PasskeyCounterBack(Refusal):
    """The security key's counter did not advance: there may be a copy of it."""

    code = "PASSKEY_COUNTER_BACK"


@dataclass(frozen=True)
class RelyingParty:
    """Who asks for the ceremony.

    Attributes:
        id: the RP ID, a domain.
        origins: exactly the origins from which it may come, as browsers write them.
    """

    id: str
    origins: tuple[str, ...]


@dataclass(frozen=True)
class Passkey:
    """A credential on an officer's security key.

    Attributes:
        credential_id: its name, 1 to 1,023 bytes.
        public_key: COSE_Key, canonical CBOR, of one of `ALGORITHMS`.
        model: AAGUID of the security key, as a UUID.
        sign_count: its counter when it was last used; 0 for keys that do not count.
    """

    credential_id: bytes
    public_key: bytes
    model: str
    sign_count: int

    @property
    def algorithm(self) -> int:
        """The COSE algorithm identifier of the key."""
        return algorithm_of(self.public_key)


def creation_options(
    challenge: bytes, *, party: RelyingParty, number: str, name: str, known: Iterable[Passkey]
) -> dict[str, Any]:
    """Gives what a browser's `parseCreationOptionsFromJSON` takes, for a key of an officer.

    Args:
        challenge: of this registration.
        party: who asks.
        number: of the person; the user handle is made from it and is read by nobody.
        name: of the person, shown by the browser.
        known: passkeys that they have already, which the browser then refuses to make again.
    """
    return {
        "challenge": _text(challenge),
        "rp": {"id": party.id, "name": party.id},
        "user": {"id": _text(number.encode()), "name": number, "displayName": name},
        "pubKeyCredParams": [{"type": "public-key", "alg": each} for each in ALGORITHMS],
        "timeout": 300_000,
        "attestation": "direct",
        "authenticatorSelection": {
            "userVerification": "required",
            "residentKey": "discouraged",
            "requireResidentKey": False,
        },
        "excludeCredentials": [
            {"type": "public-key", "id": _text(passkey.credential_id)} for passkey in known
        ],
    }


def credential_id_of(response: bytes) -> bytes:
    """Gives the credential that an assertion claims to be of, so that its passkey can be looked up.

    Raises:
        PasskeyInvalid: not a response of the one form.
    """
    return _strictly(lambda: _open(response, _ASSERTION)[0])


def registered_id_of(response: bytes) -> bytes:
    """Gives the credential that a registration claims to be of, before it is verified.

    Raises:
        PasskeyInvalid: not a response of the one form.
    """
    return _strictly(lambda: _open(response, _REGISTRATION)[0])


def verify_registration(
    response: bytes, *, challenge: bytes, party: RelyingParty, policy: AuthenticatorPolicy
) -> Passkey:
    """Verifies the making of a new credential.

    Args:
        response: the JSON of `PublicKeyCredential.toJSON()`, at most 64 KiB.
        challenge: the one that was given for this registration; the caller uses it up.
        party: who asked.
        policy: which security keys are accepted.

    Returns:
        The passkey, as the attested authenticator data hold it.

    Raises:
        PasskeyUnverified: made without PIN or finger.
        PasskeyModelRefused: another model, no attestation, or a key that is copied elsewhere.
        PasskeyInvalid: anything else.
    """
    return _strictly(lambda: _register(response, challenge, party, policy))


def verify_assertion(
    response: bytes, *, challenge: bytes, party: RelyingParty, passkey: Passkey
) -> int:
    """Verifies a use of a known credential.

    Args:
        response: the JSON of `PublicKeyCredential.toJSON()`, at most 64 KiB.
        challenge: the one that was given for this use; the caller uses it up.
        party: who asked.
        passkey: the credential that `credential_id_of` led to.

    Returns:
        The counter to keep as the passkey's `sign_count`.

    Raises:
        PasskeyUnverified: used without PIN or finger.
        PasskeyModelRefused: the key says that it is copied elsewhere.
        PasskeyCounterBack: the signature holds and the counter did not advance.
        PasskeyInvalid: anything else.
    """
    return _strictly(lambda: _assert(response, challenge, party, passkey))


def _strictly(ceremony: Callable[[], _Result]) -> _Result:
    try:
        return ceremony()
    except Refusal:
        raise
    except Exception as error:
        # The library lets errors of its parsers through (binascii, KeyError, ValueError, OpenSSL).
        raise PasskeyInvalid(f"the ceremony does not hold: {type(error).__name__}") from error


def _register(
    response: bytes, challenge: bytes, party: RelyingParty, policy: AuthenticatorPolicy
) -> Passkey:
    credential_id, members = _open(response, _REGISTRATION)
    client_data = _octets(members, "clientDataJSON")
    attestation = _octets(members, "attestationObject")
    _check_client_data(client_data, "webauthn.create", challenge, party)
    certificate, data = _read_attestation(attestation)
    _check_flags(data, attested=True)
    verified = verify_registration_response(
        credential=RegistrationCredential(
            id=_text(credential_id),
            raw_id=credential_id,
            response=AuthenticatorAttestationResponse(
                client_data_json=client_data, attestation_object=attestation
            ),
        ),
        expected_challenge=challenge,
        expected_rp_id=party.id,
        expected_origin=list(party.origins),
        require_user_verification=True,
        supported_pub_key_algs=[COSEAlgorithmIdentifier(number) for number in ALGORITHMS],
        pem_root_certs_bytes_by_fmt={AttestationFormat.PACKED: list(policy.roots)},
    )
    if verified.credential_id != credential_id:
        raise PasskeyInvalid("the response is of another credential than was attested")
    policy.require_model(verified.aaguid, certificate)
    algorithm_of(verified.credential_public_key)
    # A point off its curve would never verify anything: its holder learns it now.
    decoded_public_key_to_cryptography(decode_credential_public_key(verified.credential_public_key))
    return Passkey(
        credential_id=credential_id,
        public_key=verified.credential_public_key,
        model=verified.aaguid,
        sign_count=verified.sign_count,
    )


def _assert(response: bytes, challenge: bytes, party: RelyingParty, passkey: Passkey) -> int:
    credential_id, members = _open(response, _ASSERTION)
    if credential_id != passkey.credential_id:
        raise PasskeyInvalid("the response is of another credential")
    client_data = _octets(members, "clientDataJSON")
    data = _octets(members, "authenticatorData")
    _check_client_data(client_data, "webauthn.get", challenge, party)
    _check_flags(data, attested=False)
    algorithm_of(passkey.public_key)
    verified = verify_authentication_response(
        credential=AuthenticationCredential(
            id=_text(credential_id),
            raw_id=credential_id,
            response=AuthenticatorAssertionResponse(
                client_data_json=client_data,
                authenticator_data=data,
                signature=_octets(members, "signature"),
            ),
        ),
        expected_challenge=challenge,
        expected_rp_id=party.id,
        expected_origin=list(party.origins),
        credential_public_key=passkey.public_key,
        # The counter is judged below: only a true signature may raise the alarm of a copy.
        credential_current_sign_count=0,
        require_user_verification=True,
    )
    count = verified.new_sign_count
    if max(count, passkey.sign_count) > 0 and count <= passkey.sign_count:
        raise PasskeyCounterBack(f"the counter went from {passkey.sign_count} to {count}")
    return count


def _open(response: bytes, allowed: Collection[str]) -> tuple[bytes, dict[str, Any]]:
    """Reads the outer JSON; gives the credential's id and the members of `response`."""
    if len(response) > RESPONSE_BYTES_MAX:
        raise PasskeyInvalid(f"a response has at most {RESPONSE_BYTES_MAX} bytes")
    outer = _json(response)
    if not _OUTER.issuperset(outer) or outer.get("type") != "public-key":
        raise PasskeyInvalid("the response is not of a public-key credential")
    extensions = outer.get("clientExtensionResults", {})
    if not isinstance(extensions, dict) or "results" in (extensions.get("prf") or {}):
        # The browser adds the secret by itself; a page that sends it is broken.
        raise PasskeyInvalid("the response carries a secret that must stay with the officer")
    inner = outer.get("response")
    if not isinstance(inner, dict) or not set(inner).issubset(allowed):
        raise PasskeyInvalid("the response has other members than its ceremony's")
    credential_id = _octets(outer, "rawId")
    if outer.get("id") != outer["rawId"] or len(credential_id) > CREDENTIAL_ID_BYTES_MAX:
        raise PasskeyInvalid("the credential's id is not one")
    return credential_id, inner


def _check_client_data(
    client_data: bytes, ceremony: str, challenge: bytes, party: RelyingParty
) -> None:
    if len(challenge) < CHALLENGE_BYTES_LEAST:
        raise ValueError("a challenge is too short to be one")
    members = _json(client_data)
    given = members.get("challenge")
    if members.get("type") != ceremony or not isinstance(given, str):
        raise PasskeyInvalid("the client data are of another ceremony")
    if not hmac.compare_digest(given.encode(), _text(challenge).encode()):
        raise PasskeyInvalid("the client data answer another challenge")
    if members.get("origin") not in party.origins:
        raise PasskeyInvalid("the client data come from another origin")
    if members.get("crossOrigin", False) is not False or "topOrigin" in members:
        raise PasskeyInvalid("the ceremony took place in another site's frame")


def _read_attestation(attestation: bytes) -> tuple[bytes, bytes]:
    """Gives the attestation certificate and the authenticator data; verifies neither."""
    value = cbor2.loads(attestation, allow_duplicate_keys=False)
    match value:
        case {"fmt": "packed", "attStmt": dict(statement), "authData": bytes(data), **rest}:
            certificates = statement.get("x5c")
        case _:
            raise PasskeyModelRefused("the security key did not attest its model")
    if rest or statement.keys() != {"alg", "sig", "x5c"} or not certificates:
        raise PasskeyModelRefused("the security key attests itself, or in a form of its own")
    if statement["alg"] not in ALGORITHMS:
        raise PasskeyModelRefused("the attestation is signed by an algorithm that is not accepted")
    certificate: bytes = certificates[0]
    return certificate, data


def _check_flags(data: bytes, *, attested: bool) -> None:
    if len(data) < _AUTHENTICATOR_DATA_LEAST:
        raise PasskeyInvalid("the authenticator data are cut short")
    flags = data[_FLAGS]
    if bool(flags & _ATTESTED) is not attested or not flags & _USER_PRESENT:
        raise PasskeyInvalid("the authenticator data are of another ceremony")
    if not flags & _USER_VERIFIED:
        raise PasskeyUnverified("neither PIN nor finger was asked for")
    if flags & _BACKUP:
        raise PasskeyModelRefused("the key may be copied to other devices")


def _json(data: bytes) -> dict[str, Any]:
    value = _DECODER.decode(data.decode())
    if not isinstance(value, dict):
        raise PasskeyInvalid("not a JSON object")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise PasskeyInvalid("a JSON member stands twice")
    return members


def _no_number(text: str) -> NoReturn:
    raise PasskeyInvalid(f"{text} is not a number of JSON")


def _octets(members: dict[str, Any], name: str) -> bytes:
    text = members.get(name)
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        raise PasskeyInvalid(f"{name} is not base64url")
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if not data or _text(data) != text:
        raise PasskeyInvalid(f"{name} is empty or not canonical base64url")
    return data


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_no_number)
