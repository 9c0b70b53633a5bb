"""A security key in software, for demonstrations only: it protects nothing that it signs.

    maker = SoftwareMaker()
    key = SoftwareKey.generate()
    response = key.create(challenge, party, maker)      # as a browser would send it
    response = key.get(challenge, party)

Real ceremonies take it for a key of the model `MODEL`, attested under its maker's root: so the
ministry of a demonstration trusts that root, made in the same minute, and no other ministry does.
It says that its holder was verified, which nobody did.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_bytes
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from keys.attestation import EDDSA, ES256, AuthenticatorPolicy

if TYPE_CHECKING:
    from keys.passkeys import RelyingParty

MODEL: Final = "00000000-5e14-4c0f-9a77-64656d6f2d6b"

_PRESENT: Final = 0x01
_VERIFIED: Final = 0x04
_ATTESTED: Final = 0x40
_SEED: Final = 32
_CREDENTIAL: Final = 16
_MODEL_EXTENSION: Final = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
_FROM: Final = datetime(2026, 1, 1, tzinfo=UTC)
_UNTIL: Final = datetime(2100, 1, 1, tzinfo=UTC)


class SoftwareMaker:
    """Attests software keys under a root that is made here and forgotten with it."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Demonstration", "Root")
        self._root = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def root(self) -> bytes:
        """The root certificate, PEM."""
        return self._root.public_bytes(Encoding.PEM)

    @property
    def policy(self) -> AuthenticatorPolicy:
        """What a demonstration accepts: these keys only."""
        return AuthenticatorPolicy((self.root,), frozenset({MODEL}))

    def attest(self, signed: bytes) -> dict[str, Any]:
        """Gives the attestation statement "packed" over these bytes, by a key of this once."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._builder(_name("Demonstration", "Authenticator Attestation"), key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.UnrecognizedExtension(_MODEL_EXTENSION, b"\x04\x10" + UUID(MODEL).bytes),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        return {
            "alg": ES256,
            "sig": key.sign(signed, ec.ECDSA(hashes.SHA256())),
            "x5c": [certificate.public_bytes(Encoding.DER)],
        }

    def _builder(
        self, subject: x509.Name, public: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(_FROM)
            .not_valid_after(_UNTIL)
        )


@dataclass(frozen=True)
class SoftwareKey:
    """One credential: its name and the seed of its Ed25519 key. It does not count its uses."""

    credential_id: bytes
    seed: bytes

    @classmethod
    def generate(cls) -> SoftwareKey:
        """Makes a new one."""
        return cls(token_bytes(_CREDENTIAL), token_bytes(_SEED))

    @classmethod
    def from_bytes(cls, data: bytes) -> SoftwareKey:
        """Reads what `to_bytes` wrote.

        Raises:
            ValueError: another length.
        """
        if len(data) != _CREDENTIAL + _SEED:
            raise ValueError("not a software key")
        return cls(data[:_CREDENTIAL], data[_CREDENTIAL:])

    def to_bytes(self) -> bytes:
        """Writes it, secret and all: for the folder of a demonstration."""
        return self.credential_id + self.seed

    def create(self, challenge: bytes, party: RelyingParty, maker: SoftwareMaker) -> bytes:
        """Answers `navigator.credentials.create()`; the JSON that a page would send."""
        client_data = _client_data("webauthn.create", challenge, party)
        public = self._private().public_key().public_bytes_raw()
        data = (
            _authenticator_data(party, _PRESENT | _VERIFIED | _ATTESTED)
            + UUID(MODEL).bytes
            + len(self.credential_id).to_bytes(2, "big")
            + self.credential_id
            + cbor2.dumps({1: 1, 3: EDDSA, -1: 6, -2: public}, canonical=True)
        )
        statement = maker.attest(data + sha256(client_data).digest())
        attestation = {"fmt": "packed", "attStmt": statement, "authData": data}
        return self._answer(
            {
                "clientDataJSON": _text(client_data),
                "attestationObject": _text(cbor2.dumps(attestation, canonical=True)),
            }
        )

    def get(self, challenge: bytes, party: RelyingParty, origin: str | None = None) -> bytes:
        """Answers `navigator.credentials.get()` on a page of `origin` (else the first)."""
        client_data = _client_data("webauthn.get", challenge, party, origin)
        data = _authenticator_data(party, _PRESENT | _VERIFIED)
        signature = self._private().sign(data + sha256(client_data).digest())
        return self._answer(
            {
                "clientDataJSON": _text(client_data),
                "authenticatorData": _text(data),
                "signature": _text(signature),
            }
        )

    def _private(self) -> ed25519.Ed25519PrivateKey:
        return ed25519.Ed25519PrivateKey.from_private_bytes(self.seed)

    def _answer(self, inner: dict[str, str]) -> bytes:
        name = _text(self.credential_id)
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "clientExtensionResults": {},
                "response": inner,
            }
        ).encode()


def _name(organisation: str, unit: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "XX"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
            x509.NameAttribute(NameOID.COMMON_NAME, unit),
        ]
    )


def _authenticator_data(party: RelyingParty, flags: int) -> bytes:
    return sha256(party.id.encode()).digest() + bytes([flags]) + bytes(4)


def _client_data(
    ceremony: str, challenge: bytes, party: RelyingParty, origin: str | None = None
) -> bytes:
    return json.dumps(
        {
            "type": ceremony,
            "challenge": _text(challenge),
            "origin": origin or party.origins[0],
            "crossOrigin": False,
        },
        separators=(",", ":"),
    ).encode()


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
